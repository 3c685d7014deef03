package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// input is the output of a former run, used as input again: it has two columns of ours and one that the result has too.
const input = `email,name,claygate_status,note,claygate_error
ada@acme.example,"Lovelace, Ada",failed,"two
lines",boom
bob@acme.example,Bob,ok
=cmd@acme.example,+Zoë,ok,-5,
`

var outcomes = []Outcome{
	{Result: json.RawMessage(`{"name":"Ada Lovelace","title":"CTO \"interim\"","location":{"city":"Kraków","zip":30001},"tags":["a","b"],"score":0.50}`), Status: "ok"},
	{Status: "failed", Error: "line 4: 3 cells where the header names 5 columns"},
	{Result: json.RawMessage(`{"title":"=HYPERLINK(\"http://x.example\")","location":{"city":null},"score":-1}`), Status: "cached"},
}

// writeAll reads input and writes it with the outcomes.
func writeAll(t *testing.T, o WriterOptions) string {
	t.Helper()
	var collected Collector
	for _, outcome := range outcomes {
		if err := collected.Add(outcome.Result); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := NewReader(strings.NewReader(input), Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.InputColumns, o.ResultColumns = reader.Columns(), collected.Columns(o.Format)
	var out bytes.Buffer
	writer, err := NewWriter(&out, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, outcome := range outcomes {
		row, err := reader.Next()
		if bad := (*RowError)(nil); errors.As(err, &bad) {
			row = bad.Row
		} else if err != nil {
			t.Fatal(err)
		}
		if err := writer.Write(row, outcome); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWriterGolden(t *testing.T) {
	tests := map[string]WriterOptions{
		"plain.csv":     {},
		"semicolon.csv": {Format: CSV, Delimiter: ';'},
		"escaped.csv":   {EscapeFormulas: true},
		"plain.tsv":     {Format: TSV},
		"nested.jsonl":  {Format: JSONL},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			got := writeAll(t, options)
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got; -update writes it anew):\n%s", diff)
			}
		})
	}
}

// A result field that has no column may have been paid for: it must not vanish.
func TestWriterFieldWithoutColumn(t *testing.T) {
	writer, err := NewWriter(io.Discard, WriterOptions{ResultColumns: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range []string{`{"a":1}`, `{"b":1,"c":2}`, `{"b":{"c":1}}`} {
		var got *Error
		if err := writer.Write(Row{}, Outcome{Result: json.RawMessage(result)}); !errors.As(err, &got) || got.Kind != KindColumn {
			t.Errorf("%s: %v, want an error of KindColumn", result, err)
		}
	}
	for _, format := range []Format{CSV, JSONL} {
		writer, err := NewWriter(io.Discard, WriterOptions{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Write(Row{}, Outcome{Result: json.RawMessage(`[1]`)}); err == nil {
			t.Errorf("%s: an array passes as a result", format)
		}
	}
}

// failing is a full disk.
type failing struct{}

var errFull = errors.New("no space left on device")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWriterReportsFailure(t *testing.T) {
	for _, format := range []Format{CSV, JSONL} {
		writer, err := NewWriter(failing{}, WriterOptions{Format: format, InputColumns: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		row := NewRow([]string{"a"}, []string{"x"})
		for range 10 {
			err = errors.Join(err, writer.Write(row, Outcome{}))
		}
		err = errors.Join(err, writer.Flush())
		var got *Error
		if !errors.As(err, &got) || got.Kind != KindWrite || !errors.Is(err, errFull) {
			t.Errorf("%s: %v, want an error of KindWrite", format, err)
		}
	}
}

func TestEscapeFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "x": "x", "=1": "'=1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "+x": "'+x", "-x": "'-x", "-": "'-",
		"-5": "-5", "+48601234567": "+48601234567", "-1.5": "-1.5", "-1-1": "'-1-1", "+1.2.3": "'+1.2.3", "-.": "'-.", "-1e5": "'-1e5", "a=b": "a=b",
	} {
		if got := escapeFormula(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
