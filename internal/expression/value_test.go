package expression_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/expression"
)

func TestValue(t *testing.T) {
	const fields = `{"result":{"first":"Ada","n":2,"half":0.5,"tags":["a","b"]},"text":"mine"}`
	for text, want := range map[string]string{
		`result.first`: `"Ada"`,
		`text(result.first, " ", "Lovelace", result.n)`: `"Ada Lovelace2"`,
		`text(result.half, result.none, true)`:          `"0.5true"`,
		`{name: result.first, tags: result.tags}`:       `{"name":"Ada","tags":["a","b"]}`,
		`result.n + 1`:                   `3`,
		`map(result.tags, text("#", #))`: `["#a","#b"]`,
		`result.missing.deeper`:          `null`,
		`[upper(result.first)]`:          `["ADA"]`,
		`result.n > 1 ? "many" : "one"`:  `"many"`,
	} {
		v, err := expression.CompileValue(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := v.Of(json.RawMessage(fields))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, string(encoded)); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
	if v, err := expression.CompileValue(""); v != nil || err != nil {
		t.Error("the empty expression is", v, err)
	}
}

// A condition has no text(): it needs none, and what it cannot call it cannot fill the memory with.
func TestTextIsOfValuesAlone(t *testing.T) {
	if _, err := expression.Compile(`text(a) == "b"`); err == nil || !strings.Contains(err.Error(), "there is no function text") {
		t.Error(err)
	}
}

// Texts that double and double again were as large as the memory.
func TestTextsAreBounded(t *testing.T) {
	long, err := json.Marshal(map[string]any{"a": strings.Repeat("x", 60_000), "list": make([]int, 5000)})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`text(a, a)`:              "at most 65536 bytes",
		`len(map(list, text(a)))`: "takes too long",
		`text(list)`:              "one of them is a list",
	} {
		v, err := expression.CompileValue(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Of(long); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
