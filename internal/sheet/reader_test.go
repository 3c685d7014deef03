package sheet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readAll reads everything and tells it line by line: a row as `line/number: JSON`, a bad row as its error.
func readAll(r io.Reader, o Options) (got []string, reader *Reader, err error) {
	reader, err = NewReader(r, o)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := reader.Next()
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return got, reader, nil
		case errors.As(err, &bad):
			got = append(got, fmt.Sprintf("%d/%d: %v", bad.Line, bad.Number, err))
		case err != nil:
			return got, reader, err
		default:
			got = append(got, fmt.Sprintf("%d/%d: %s", row.Line, row.Number, row.JSON()))
		}
	}
}

func TestReader(t *testing.T) {
	tests := map[string]struct {
		input   string
		options Options
		want    []string
	}{
		"plain":                    {"a,b\n1,2\n3,4\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`, `3/2: {"a":"3","b":"4"}`}},
		"no line ending at end":    {"a,b\n1,2", Options{}, []string{`2/1: {"a":"1","b":"2"}`}},
		"CRLF":                     {"a,b\r\n1,2\r\n3,4\r\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`, `3/2: {"a":"3","b":"4"}`}},
		"CR alone":                 {"a,b\r1,2\r3,4\r", Options{}, []string{`2/1: {"a":"1","b":"2"}`, `3/2: {"a":"3","b":"4"}`}},
		"quotes":                   {"a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", Options{}, []string{`2/1: {"a":"x, y","b":"say \"hi\""}`}},
		"newline in a cell":        {"a,b\n\"x\ny\",2\n3,4\n", Options{}, []string{`2/1: {"a":"x\ny","b":"2"}`, `4/2: {"a":"3","b":"4"}`}},
		"CRLF in a cell stays":     {"a,b\r\n\"x\r\ny\",2\r\n3,4\r\n", Options{}, []string{`2/1: {"a":"x\r\ny","b":"2"}`, `4/2: {"a":"3","b":"4"}`}},
		"quote inside plain cell":  {"a,b\n5\" pipe,2\n", Options{}, []string{`2/1: {"a":"5\" pipe","b":"2"}`}},
		"blanks after the quote":   {"a,b\n\"x\" ,\"y\"\t\n", Options{}, []string{`2/1: {"a":"x","b":"y"}`}},
		"blanks are kept":          {"a,b\n x , y\n", Options{}, []string{`2/1: {"a":" x ","b":" y"}`}},
		"empty lines":              {"\n\na,b\n\n1,2\n\n\n3,4\n\n", Options{}, []string{`5/1: {"a":"1","b":"2"}`, `8/2: {"a":"3","b":"4"}`}},
		"empty cells":              {"a,b\n,\n", Options{}, []string{`2/1: {"a":"","b":""}`}},
		"one column":               {"email\nx@a.example\n\"\"\n", Options{}, []string{`2/1: {"email":"x@a.example"}`, `3/2: {"email":""}`}},
		"header trimmed":           {" a , b\n1,2\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`}},
		"spare columns":            {"a,b,,\n1,2,,\n1,2\n1,2,,x\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`, `3/2: {"a":"1","b":"2"}`, `4/3: line 4: cell 4 of 4 is not empty, and its column has no name; put quotes around a cell that holds a ','`}},
		"ragged":                   {"a,b\n1\n1,2,3\n4,5\n", Options{}, []string{`2/1: line 2: 1 cell where the header names 2 columns; put quotes around a cell that holds a ','`, `3/2: line 3: 3 cells where the header names 2 columns; put quotes around a cell that holds a ','`, `4/3: {"a":"4","b":"5"}`}},
		"text after a quote":       {"a,b\n\"Big\" Corp,2\n3,4\n", Options{}, []string{`2/1: line 2: text follows the closing quote of cell 1 (a); write a quote inside a quoted cell twice`, `3/2: {"a":"3","b":"4"}`}},
		"quote never closed":       {"a,b\n1,\"2\n3,4\n5,6\n", Options{}, []string{`2/1: line 2: the quote that opens cell 2 (b) is never closed; close it, or take it away`, `3/2: {"a":"3","b":"4"}`, `4/3: {"a":"5","b":"6"}`}},
		"quote closed much later":  {"a,b\n1,\"2\n3,4\n\"5\",6\n", Options{}, []string{`2/1: line 2: text follows the closing quote of cell 2 (b); write a quote inside a quoted cell twice`, `3/2: {"a":"3","b":"4"}`, `4/3: {"a":"5","b":"6"}`}},
		"semicolons":               {"name;price\nx;1,5\n", Options{}, []string{`2/1: {"name":"x","price":"1,5"}`}},
		"commas beside semicolons": {"name,note\na,x;y\nb,z\n", Options{}, []string{`2/1: {"name":"a","note":"x;y"}`, `3/2: {"name":"b","note":"z"}`}},
		"header with both":         {"name;price, net\nx;1\ny;2\n", Options{}, []string{`2/1: {"name":"x","price, net":"1"}`, `3/2: {"name":"y","price, net":"2"}`}},
		"tabs":                     {"a\tb\n1\t2\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`}},
		"pipes":                    {"a|b\n1|2\n", Options{}, []string{`2/1: {"a":"1","b":"2"}`}},
		"tsv has tabs only":        {"a,x\tb\n1\t2\n", Options{Name: "leads.tsv"}, []string{`2/1: {"a,x":"1","b":"2"}`}},
		"delimiter given":          {"a:b\n1:2\n", Options{Delimiter: ':'}, []string{`2/1: {"a":"1","b":"2"}`}},
		"delimiter declared":       {"sep=;\r\na,b;c\r\n1;2\r\n", Options{}, []string{`3/1: {"a,b":"1","c":"2"}`}},
		"control characters":       {"a,b\n\"\x01\t\\\",<&>\n", Options{}, []string{`2/1: {"a":"\u0001\t\\","b":"<&>"}`}},
		"invalid UTF-8":            {"a,b\nM\xfcller,2\n3,4\n", Options{}, []string{`2/1: line 2: not valid UTF-8 text; if the file comes from Excel on Windows, try --encoding windows-1252`, `3/2: {"a":"3","b":"4"}`}},

		"JSONL":                {`{"a": 1, "b": {"c": [1, 2]}}` + "\n\n" + `{"b":"x","d":1.50}`, Options{}, []string{`1/1: {"a":1,"b":{"c":[1,2]}}`, `3/2: {"b":"x","d":1.50}`}},
		"JSONL by name":        {"{\"a\":1}\n", Options{Name: "x.ndjson"}, []string{`1/1: {"a":1}`}},
		"JSON lines in .json":  {"{\"a\":1}\r\n{\"a\":2}\r\n", Options{Name: "x.json"}, []string{`1/1: {"a":1}`, `2/2: {"a":2}`}},
		"JSONL with bad lines": {"{\"a\":1}\n{\"a\":\n[1]\n   \n{\"a\":1} x\n{\"a\":2}\n", Options{}, []string{`1/1: {"a":1}`, `2/2: line 2: not valid JSON: unexpected end of JSON input; each line must be one whole JSON object`, `3/3: line 3: valid JSON, but not an object; each line must be an object: {"email": "ada@acme.example"}`, `5/4: line 5: not valid JSON: invalid character 'x' after top-level value; each line must be one whole JSON object`, `6/5: {"a":2}`}},
		"JSONL, invalid UTF-8": {"{\"a\":\"\xff\"}\n{\"a\":1}\n", Options{}, []string{`1/1: line 1: not valid UTF-8 text; if the file comes from Excel on Windows, try --encoding windows-1252`, `2/2: {"a":1}`}},
		// The last line was once handed out from where it stood before the window moved.
		"JSONL, long line at the end": {"{}\n{\"a\":\"0123456789\"}", Options{}, []string{`1/1: {}`, `2/2: {"a":"0123456789"}`}},
		"CSV that looks like []":      {"[id],b\n1,2\n", Options{}, []string{`2/1: {"[id]":"1","b":"2"}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for how, source := range map[string]io.Reader{
				"at once":       strings.NewReader(tt.input),
				"byte by byte":  iotest.OneByteReader(strings.NewReader(tt.input)),
				"end with data": iotest.DataErrReader(strings.NewReader(tt.input)),
			} {
				got, _, err := readAll(source, tt.options)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	tests := map[string]struct {
		input   string
		options Options
		kind    Kind
		want    string
	}{
		"empty":               {"", Options{Name: "leads.csv"}, KindEmpty, `leads.csv: the file is empty; it needs a line that names the columns, and rows below it`},
		"blank lines only":    {"\n\r\n", Options{}, KindEmpty, `the file is empty; it needs a line that names the columns, and rows below it`},
		"mark only":           {"\xEF\xBB\xBF", Options{}, KindEmpty, `the file is empty; it needs a line that names the columns, and rows below it`},
		"header only":         {"a,b\n\n", Options{}, KindNoRows, `there is a header but no row below it`},
		"JSONL of blanks":     {"  \n", Options{Format: JSONL}, KindEmpty, `the file is empty; it needs one JSON object a line`},
		"sep line only":       {"sep=,\n", Options{}, KindEmpty, `no line names the columns`},
		"doubled column":      {"a,b,a,b,a\n1,2,3,4,5\n", Options{}, KindHeader, `the first line names a column more than once: "a" (1, 3, 5), "b" (2, 4); give every column a name of its own`},
		"unnamed column":      {"a,,c\n1,2,3\n", Options{}, KindHeader, `column 2 is without a name in the first line; name every column`},
		"unnamed columns":     {"a,, ,d\n1,2,3,4\n", Options{}, KindHeader, `columns 2 and 3 are without a name in the first line; name every column`},
		"no name at all":      {",,\n1,2,3\n", Options{}, KindHeader, `no column has a name; the first line must name the columns`},
		"broken header":       {"a,\"b\" c\n1,2\n", Options{}, KindHeader, `the first line cannot be read: text follows the closing quote of cell 2; write a quote inside a quoted cell twice`},
		"header not UTF-8":    {"na\xefve,b\n1,2\n", Options{}, KindEncoding, `the first line is not valid UTF-8 text; if the file comes from Excel on Windows, try --encoding windows-1252`},
		"JSON array":          {" [\n {\"a\":1}]", Options{Name: "x.json"}, KindFormat, `x.json: this is a JSON array; one object a line (JSONL) is expected; convert it: jq -c '.[]' in.json > in.jsonl`},
		"JSON array on stdin": {`[{"a":1}]`, Options{}, KindFormat, `this is a JSON array; one object a line (JSONL) is expected; convert it: jq -c '.[]' in.json > in.jsonl`},
		"pretty JSON":         {"{\n  \"a\": 1\n}\n", Options{}, KindFormat, `this JSON object spans several lines; one object a line (JSONL) is expected; convert it: jq -c . in.json > in.jsonl`},
		"Excel":               {"PK\x03\x04\x14\x00", Options{Name: "x.csv"}, KindFormat, `x.csv: this is a ZIP archive or an Excel workbook, not a text file; export the sheet as CSV (UTF-8)`},
		"binary":              {"a\x00\x00b,\x00\x01\n", Options{}, KindFormat, `this is not a text file: it has zero bytes; if it is UTF-16 text, say so with --encoding utf-16le or utf-16be`},
		"unknown encoding":    {"a\n1\n", Options{Encoding: "ebcdic"}, KindEncoding, `unknown encoding "ebcdic"; use utf-8, utf-16, windows-1252, windows-1250, iso-8859-2 or another of these families`},
		"delimiter":           {"a\n1\n", Options{Delimiter: '"'}, KindFormat, `'"' cannot be a delimiter; use one of , ; | or a tab`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewReader(iotest.OneByteReader(strings.NewReader(tt.input)), tt.options)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if got.Kind != tt.kind {
				t.Errorf("kind %d, want %d", got.Kind, tt.kind)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A row that was cut off by a failing source must not be taken for a whole one.
func TestReaderSourceFails(t *testing.T) {
	boom := errors.New("boom")
	for name, input := range map[string]string{"CSV": "a,b\n1,2\n3,4", "JSONL": "{\"a\":1}\n{\"a\":2}"} {
		t.Run(name, func(t *testing.T) {
			source := io.MultiReader(strings.NewReader(input), iotest.ErrReader(boom))
			got, reader, err := readAll(source, Options{})
			if len(got) != 1 || !errors.Is(err, boom) {
				t.Errorf("got %q and error %v, want one row and boom", got, err)
			}
			if _, again := reader.Next(); !errors.Is(again, boom) {
				t.Errorf("after the failure: %v, want it again", again)
			}
		})
	}
	for _, input := range []string{"", "a,", "a,b\n"} {
		if _, err := NewReader(io.MultiReader(strings.NewReader(input), iotest.ErrReader(boom)), Options{}); !errors.Is(err, boom) {
			t.Errorf("%q and a failure: %v, want boom", input, err)
		}
	}
}

// What could be read of a bad row must be there for the output.
func TestRowErrorKeepsCells(t *testing.T) {
	reader, err := NewReader(strings.NewReader("a,b,c\n1,2\n1,2,3,4\nx,M\xfcller,z\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]string{{"1", "2", ""}, {"1", "2", "3"}, {"x", "M\uFFFDller", "z"}} {
		_, err := reader.Next()
		var bad *RowError
		if !errors.As(err, &bad) {
			t.Fatalf("error %v, want a *RowError", err)
		}
		var got []string
		for _, column := range reader.Columns() {
			got = append(got, bad.Row.Value(column))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", bad.Line, diff)
		}
	}
}

func TestReaderTooLong(t *testing.T) {
	long := strings.Repeat("x", maxRecord+10)
	tests := map[string]struct {
		input string
		want  []string
	}{
		"line":           {"a,b\n1," + long + "\n3,4\n", []string{`2/1: line 2: the line is longer than 1 MiB; is this a table? Clay takes 100 KB a row`, `3/2: {"a":"3","b":"4"}`}},
		"CR lines":       {"a,b\r1," + long + "\r3,4\r", []string{`2/1: line 2: the line is longer than 1 MiB; is this a table? Clay takes 100 KB a row`, `3/2: {"a":"3","b":"4"}`}},
		"quoted":         {"a,b\n1,\"" + long + "\n3,4\n", []string{`2/1: line 2: the quote that opens cell 2 (b) is never closed; close it, or take it away`, `3/2: {"a":"3","b":"4"}`}},
		"JSONL":          {"{\"a\":\"" + long + "\"}\n{\"a\":1}\n", []string{`1/1: line 1: the line is longer than 1 MiB; Clay takes 100 KB a row`, `2/2: {"a":1}`}},
		"large but fine": {"a,b\n1,2\n" + strings.Repeat("3,"+strings.Repeat("4", 100)+"\n", 20_000), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, err := readAll(strings.NewReader(tt.input), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				if last := got[len(got)-1]; !strings.HasPrefix(last, `20002/20001: {"a":"3","b":"444`) {
					t.Errorf("the last row is %s", last)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderTellsWhatItFound(t *testing.T) {
	tests := map[string]struct {
		input     string
		options   Options
		format    Format
		delimiter rune
		encoding  string
		columns   []string
	}{
		"CSV":    {"a;b\n1;2\n", Options{}, CSV, ';', "utf-8", []string{"a", "b"}},
		"TSV":    {"a\tb\n1\t2\n", Options{Name: "x.TSV"}, TSV, '\t', "utf-8", []string{"a", "b"}},
		"JSONL":  {"{\"b\":1}\n{\"a\":1,\"b\":2}\n", Options{}, JSONL, 0, "utf-8", []string{"b", "a"}},
		"UTF-16": {"\xFF\xFEa\x00,\x00b\x00\n\x001\x00,\x002\x00", Options{}, CSV, ',', "utf-16le", []string{"a", "b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, reader, err := readAll(strings.NewReader(tt.input), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if reader.Format() != tt.format || reader.Delimiter() != tt.delimiter || reader.Encoding() != tt.encoding {
				t.Errorf("found %s %q %s", reader.Format(), reader.Delimiter(), reader.Encoding())
			}
			if diff := cmp.Diff(tt.columns, reader.Columns()); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}
