package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cell draws texts that are hard on a table: delimiters, quotes, line endings, blanks, other scripts.
func cell() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOf(rapid.RuneFrom([]rune(",;\t|\"'\n\r \\=+-@a1éŁ😀\x00\uFEFF"))),
		rapid.String(),
		rapid.StringMatching(`[a-z]{1,8}@[a-z]{1,8}\.example`),
	)
}

// columnNames draws names that can be a header: no two alike, no blanks at the ends, not ours.
func columnNames() *rapid.Generator[[]string] {
	name := cell().Filter(func(s string) bool {
		return strings.TrimSpace(s) == s && s != "" && !ours(s) && !strings.HasPrefix(s, "\uFEFF")
	})
	return rapid.SliceOfNDistinct(name, 1, 6, rapid.ID)
}

// Whatever is written is read back: every cell, every status, in order.
func TestPropertyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := columnNames().Draw(t, "columns")
		rows := rapid.SliceOfN(rapid.SliceOfN(cell(), len(columns), len(columns)), 1, 8).Draw(t, "rows")
		result := rapid.MapOfN(rapid.SampledFrom([]string{"title", "company", "a.b", "x y"}), cell(), 0, 4).Draw(t, "result")
		options := WriterOptions{Format: rapid.SampledFrom([]Format{CSV, TSV, JSONL}).Draw(t, "format"), InputColumns: columns}
		if options.Format == CSV {
			options.Delimiter = rapid.RuneFrom([]rune(delimiters)).Draw(t, "delimiter")
		}
		fields, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		got, found := roundTrip(t, options, rows, fields)
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Fatalf("cells (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(result, found); diff != "" {
			t.Fatalf("result (-want +got):\n%s", diff)
		}
	})
}

// roundTrip writes rows, each with the same result, and gives the cells and the last result read back.
func roundTrip(t *rapid.T, options WriterOptions, rows [][]string, result json.RawMessage) (cells [][]string, found map[string]string) {
	var collected Collector
	if err := collected.Add(result); err != nil {
		t.Fatal(err)
	}
	options.ResultColumns = collected.Columns(options.Format)
	var out bytes.Buffer
	writer, err := NewWriter(&out, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := writer.Write(NewRow(options.InputColumns, row), Outcome{Result: result, Status: "ok", Error: "none"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Flush(); err != nil {
		t.Fatal(err)
	}
	reader, err := NewReader(&out, Options{Format: options.Format, Delimiter: options.Delimiter, Encoding: "utf-8"})
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return cells, found
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Value(StatusColumn) != "ok" || row.Value(ErrorColumn) != "none" {
			t.Fatalf("row %d: status %q, error %q", row.Number, row.Value(StatusColumn), row.Value(ErrorColumn))
		}
		var line []string
		for _, column := range options.InputColumns {
			line = append(line, row.Value(column))
		}
		cells = append(cells, line)
		found = make(map[string]string)
		for name, column := range newNaming(options.InputColumns, options.ResultColumns).names {
			found[name] = row.Value(column)
		}
	}
}

// Every line of a file of one-line rows comes out exactly once, good or bad, with its line number.
func TestPropertyEveryRowOnce(t *testing.T) {
	kinds := map[string]bool{"1,2": true, "\"a\",\"b, c\"": true, "1": false, "1,2,3": false, "\"x\"y,2": false, "M\xfcller,2": false, "1,\"open": false}
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"1,2", "\"a\",\"b, c\"", "1", "1,2,3", "\"x\"y,2", "M\xfcller,2"}
		lines := rapid.SliceOfN(rapid.SampledFrom(names), 1, 30).Draw(t, "lines")
		if rapid.Bool().Draw(t, "an open quote at the end") {
			lines = append(lines, "1,\"open")
		}
		ending := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "ending")
		reader, err := NewReader(iotest.HalfReader(strings.NewReader("a,b"+ending+strings.Join(lines, ending)+ending)), Options{Delimiter: ','})
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range lines {
			row, err := reader.Next()
			at, number := row.Line, row.Number
			var bad *RowError
			if errors.As(err, &bad) {
				at, number = bad.Line, bad.Number
			}
			if good := err == nil; good != kinds[line] || at != i+2 || number != i+1 {
				t.Fatalf("%q: line %d, number %d, error %v", line, at, number, err)
			}
		}
		if _, err := reader.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last row: %v", err)
		}
	})
}

// encoding/json is the measure for what a JSON object holds and how a string is written.
func TestPropertyJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.String(), cell()).Draw(t, "members")
		columns, cells := make([]string, 0, len(want)), make([]string, 0, len(want))
		for name, value := range want {
			columns, cells = append(columns, name), append(cells, value)
		}
		object := NewRow(columns, cells).JSON()
		got := make(map[string]string)
		if err := json.Unmarshal(object, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		i := 0
		for name, value := range members(object) {
			if name != columns[i] || cellText(value) != cells[i] {
				t.Fatalf("member %d is %q: %q", i, name, value)
			}
			i++
		}
	})
}
