package sheet

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowValue(t *testing.T) {
	object, err := ParseRow(json.RawMessage(` {"a": "x\u0041", "n": 1.50, "o": {"k": [1, 2]}, "z": null, "b": true, "d": 1, "d": 2} `))
	if err != nil {
		t.Fatal(err)
	}
	cells := NewRow([]string{"a", "n", "missing"}, []string{"xA", "1.50"})
	tests := map[string]struct {
		row    Row
		column string
		want   string
	}{
		"string":          {object, "a", "xA"},
		"number":          {object, "n", "1.50"},
		"object":          {object, "o", `{"k":[1,2]}`},
		"null":            {object, "z", ""},
		"bool":            {object, "b", "true"},
		"last of several": {object, "d", "2"},
		"unknown":         {object, "k", ""},
		"cell":            {cells, "a", "xA"},
		"cell not there":  {cells, "missing", ""},
		"no such column":  {cells, "x", ""},
		"zero row":        {Row{}, "x", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.row.Value(tt.column); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRowJSON(t *testing.T) {
	tests := map[string]struct {
		row  Row
		want string
	}{
		"cells":        {NewRow([]string{`say "x"`, "b"}, []string{"<1&2>", "\xff"}), `{"say \"x\"":"<1&2>","b":"\ufffd"}`},
		"fewer cells":  {NewRow([]string{"a", "b"}, []string{"1"}), `{"a":"1"}`},
		"zero":         {Row{}, `{}`},
		"no surprises": {NewRow([]string{"a"}, []string{"\u2028\x00\x1f\x7f\\"}), "{\"a\":\"\u2028\\u0000\\u001f\x7f\\\\\"}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.row.JSON()
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !json.Valid(got) {
				t.Errorf("%s is not valid JSON", got)
			}
		})
	}
}

func TestRowEmpty(t *testing.T) {
	object, err := ParseRow(json.RawMessage(`{ }`))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		row  Row
		want bool
	}{
		"blank cells":  {NewRow([]string{"a", "b"}, []string{"", " \t"}), true},
		"a cell":       {NewRow([]string{"a", "b"}, []string{"", "x"}), false},
		"empty object": {object, true},
	} {
		if got := tt.row.Empty(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestParseRowRefuses(t *testing.T) {
	for _, text := range []string{`[]`, ``, `{"a":}`, `null`} {
		if _, err := ParseRow(json.RawMessage(text)); err == nil {
			t.Errorf("%s passes", text)
		}
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"": Auto, "auto": Auto, "CSV": CSV, "tab": TSV, "ndjson": JSONL} {
		if got, err := ParseFormat(name); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := ParseFormat("xlsx"); err == nil {
		t.Error("xlsx passes")
	}
	for name, want := range map[string]Format{"a.csv": CSV, "A.TSV": TSV, "a.b.jsonl": JSONL, "a": Auto, "a.txt": Auto, "-": Auto} {
		if got := FormatOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
