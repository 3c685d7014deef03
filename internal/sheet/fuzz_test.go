package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// Any bytes in any format: no panic, an end, rows numbered without a gap on rising lines, valid JSON, and the same however the bytes
// arrive.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a;b\r\n\"x\r\ny\";2\r\n", "a\rb\r", "a,b\n1,\"2\n3,4\n\"5\",6\n", "sep=|\na|b\n", "\xEF\xBB\xBFa,b\n1\n", "\xFF\xFEa\x00\n\x001\x00",
		"{\"a\":1}\n{\"b\":[\"\\u0041\"]}\r[1]\n", "[{}]", "a,,\n1,2,3\n", "a\nM\xfc\n", "\"a\"\"\",\"b\" \n\"\"\"\"\n",
	} {
		for format := range uint8(4) {
			f.Add([]byte(seed), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8) {
		options := Options{Format: []Format{Auto, CSV, TSV, JSONL}[format%4], Encoding: []string{"", "utf-8", "utf-16be", "cp1252"}[format/4%4]}
		want, _, wantErr := readAll(bytes.NewReader(data), options)
		got, _, gotErr := readAll(iotest.OneByteReader(bytes.NewReader(data)), options)
		if diff := cmp.Diff(want, got); diff != "" || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("at once %v, byte by byte %v (-at once +byte by byte):\n%s", wantErr, gotErr, diff)
		}
		reader, err := NewReader(bytes.NewReader(data), options)
		if err != nil {
			return
		}
		checkRows(t, reader)
	})
}

func checkRows(t *testing.T, reader *Reader) {
	for number, last := 1, 0; ; number++ {
		row, err := reader.Next()
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &bad):
			row = bad.Row
			if bad.Line != row.Line || bad.Number != row.Number {
				t.Errorf("the error is about row %d on line %d, its row is %d on line %d", bad.Number, bad.Line, row.Number, row.Line)
			}
		case err != nil:
			t.Fatal(err)
		}
		if row.Number != number || row.Line <= last {
			t.Errorf("row %d on line %d comes as row %d after line %d", row.Number, row.Line, number, last)
		}
		last = row.Line
		if object := row.JSON(); !json.Valid(object) {
			t.Errorf("row %d: %q is not valid JSON", number, object)
		}
		for _, column := range reader.Columns() {
			row.Value(column)
		}
	}
}

// Any bytes: no panic; what is an object gives distinct, usable names in order, the same for every order of its members.
func FuzzFlatten(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"a.b":1,"a":{"b":2},"a.b_2":[]}`, `{"":{"":""}," ":null}`, `{"a":1e5,"a":{"\ud800":"\u0000"}}`, "{\"\xff\":\"\xff\"}", `{"a":[{"b":"}"}]}`, `[1]`, `{"a`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fields, err := Flatten(data)
		if isObject := json.Valid(data) && bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")); isObject != (err == nil) && !isNull(data) {
			t.Fatalf("is it an object: %v, error: %v", isObject, err)
		}
		if err != nil || isNull(data) {
			return
		}
		seen := make(map[string]bool)
		for _, field := range fields {
			if field.Name == "" || strings.TrimSpace(field.Name) != field.Name || seen[field.Name] {
				t.Errorf("the name %q is empty, padded or taken", field.Name)
			}
			seen[field.Name] = true
		}
		if !slices.IsSortedFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("not in order: %v", fields)
		}
		checkReordered(t, data, fields)
	})
}

// checkReordered flattens the object with its members sorted by encoding/json.
func checkReordered(t *testing.T, data []byte, want []Field) {
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return // numbers out of range
	}
	sorted, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Flatten(sorted)
	if err != nil {
		t.Fatal(err)
	}
	names := func(fields []Field) (names []string) {
		for _, field := range fields {
			names = append(names, field.Name)
		}
		return names
	}
	if diff := cmp.Diff(names(want), names(got)); diff != "" {
		t.Errorf("names depend on the order (-as given +sorted):\n%s", diff)
	}
}

// The example that the README runs is read whole.
func TestExampleLeads(t *testing.T) {
	path := filepath.Join("..", "..", "examples", "leads.csv")
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, err := NewReader(file, Options{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first_name", "last_name", "email", "company", "website", "notes"}, reader.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	rows, seen, doubled, without, breaks := 0, map[string]bool{}, 0, 0, 0
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
		email := strings.ToLower(strings.TrimSpace(row.Value("email")))
		switch {
		case email == "":
			without++
		case seen[email]:
			doubled++
		}
		seen[email] = true
		if strings.Contains(row.Value("notes"), "\n") {
			breaks++
		}
	}
	if rows < 44 || doubled != 3 || without != 1 || breaks != 1 {
		t.Errorf("%d rows, %d doubled, %d without e-mail, %d with a line break", rows, doubled, without, breaks)
	}
}
