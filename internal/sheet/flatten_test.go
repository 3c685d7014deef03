package sheet

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlatten(t *testing.T) {
	tests := map[string]struct {
		result string
		want   []Field
	}{
		"nothing":               {``, nil},
		"null":                  {`null`, nil},
		"empty":                 {`{}`, []Field{}},
		"sorted":                {`{"b":"x","a":"y"}`, []Field{{"a", "y"}, {"b", "x"}}},
		"nested":                {`{"location":{"city":"Łódź","geo":{"lat":51.770}}}`, []Field{{"location.city", "Łódź"}, {"location.geo.lat", "51.770"}}},
		"arrays stay JSON":      {`{"tags": [ "a", {"b": 1} ]}`, []Field{{"tags", `["a",{"b":1}]`}}},
		"numbers keep digits":   {`{"id":12345678901234567890,"f":1.10,"e":1E400}`, []Field{{"e", "1E400"}, {"f", "1.10"}, {"id", "12345678901234567890"}}},
		"null, true, empty":     {`{"a":null,"b":true,"c":{},"d":[]}`, []Field{{"a", ""}, {"b", "true"}, {"d", "[]"}}},
		"escapes":               {`{"\u0061":"\"\n\ud83d\ude00"}`, []Field{{"a", "\"\n😀"}}},
		"collision":             {`{"a.b":1,"a":{"b":2}}`, []Field{{"a.b", "1"}, {"a.b_2", "2"}}},
		"collision, reordered":  {`{"a":{"b":2},"a.b":1}`, []Field{{"a.b", "1"}, {"a.b_2", "2"}}},
		"collision, equal deep": {`{"a.b":{"c":1},"a":{"b.c":2}}`, []Field{{"a.b.c", "2"}, {"a.b.c_2", "1"}}},
		"collision twice":       {`{"a.b":1,"a":{"b":2},"a.b_2":3}`, []Field{{"a.b", "1"}, {"a.b_2", "3"}, {"a.b_3", "2"}}},
		"same name, last":       {`{"a":1,"a":{"b":1},"a":{"c":2}}`, []Field{{"a.c", "2"}}},
		"names without text":    {`{"":1," ":{"":2}}`, []Field{{".", "2"}, {"_", "1"}}},
		"names trimmed":         {`{" a ":1,"a":2}`, []Field{{"a", "1"}, {"a_2", "2"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Flatten(json.RawMessage(tt.result))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlattenRefuses(t *testing.T) {
	for _, result := range []string{`[]`, `"x"`, `1`, `{"a":`, `{} {}`, ` `} {
		if fields, err := Flatten(json.RawMessage(result)); err == nil {
			t.Errorf("%s: %v, want an error", result, fields)
		}
	}
}

// Without a bound on the depth, a megabyte of nested objects makes names of gigabytes.
func TestFlattenDeep(t *testing.T) {
	const depth = 9_000
	result := strings.Repeat(`{"x":1,"a":`, depth) + `{}` + strings.Repeat(`}`, depth)
	fields, err := Flatten(json.RawMessage(result))
	if err != nil {
		t.Fatal(err)
	}
	if len(fields) != maxDepth+1 {
		t.Errorf("%d fields, want %d", len(fields), maxDepth+1)
	}
	total := 0
	for _, field := range fields {
		total += len(field.Name) + len(field.Value)
	}
	if total > 2*len(result) {
		t.Errorf("%d bytes made of %d", total, len(result))
	}
}

func TestCollector(t *testing.T) {
	var c Collector
	for _, result := range []string{`{"b":1,"loc":{"city":"x"}}`, `null`, ``, `{"a":1}`, `{"loc":{"zip":null}}`} {
		if err := c.Add(json.RawMessage(result)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "loc.city", "loc.zip"}, c.Columns(CSV)); diff != "" {
		t.Errorf("flat (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "loc"}, c.Columns(JSONL)); diff != "" {
		t.Errorf("nested (-want +got):\n%s", diff)
	}
	if err := c.Add(json.RawMessage(`[1]`)); err == nil {
		t.Error("an array passes as a result")
	}
}

func TestNaming(t *testing.T) {
	tests := map[string]struct {
		input, results []string
		want           map[string]string
	}{
		"free":             {[]string{"email"}, []string{"title"}, map[string]string{"title": "title"}},
		"taken":            {[]string{"email"}, []string{"email"}, map[string]string{"email": "clay_email"}},
		"taken twice":      {[]string{"email", "clay_email"}, []string{"email"}, map[string]string{"email": "clay_clay_email"}},
		"prefix is result": {[]string{"email"}, []string{"email", "clay_email"}, map[string]string{"email": "clay_clay_email", "clay_email": "clay_email"}},
		"ours":             {nil, []string{"claygate_status"}, map[string]string{"claygate_status": "clay_claygate_status"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newNaming(tt.input, tt.results).names); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
