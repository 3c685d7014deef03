package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A fault names the member that it is in.
func TestFaultsNameTheirPlace(t *testing.T) {
	tests := map[string]string{
		`{"a":{"b":[1,{"c":"\u0000"}]}}`: `"a.b[1].c": the text holds a NUL`,
		`{"a":[[[1e999]]]}`:              `"a[0][0][0]": the number 1e999 is too large`,
		`{"a":{"b":1,"b":2}}`:            `"a": the field "b" is given twice`,
		`{"a":{"b":[1,}}`:                `"a.b[1]": it is not valid JSON`,
		`{"\u00e9":"\x"}`:                `"é": it is not valid JSON: \x is no escape`,
		"{\"a\":\"\n\"}":                 `control character '\n'`,
		`{"a":tru}`:                      `'t' cannot begin a value`,
		`{"a" 1}`:                        `a colon is missing after "a"`,
		`{a:1}`:                          `'a' stands where a name`,
		`{"a":1 "b":2}`:                  `'"' stands where a comma must`,
		`{"a":1,}`:                       `a comma too many`,
		`{"a":-}`:                        `a number without digits`,
		`{"a":1.}`:                       `digits after its point`,
		`{"a":1e+}`:                      `digits in its exponent`,
		`{"a":"\u12"}`:                   `four hexadecimal digits`,
		`{"a":"\u12x4"}`:                 `four hexadecimal digits`,
		`{"a":"\`:                        `ends too early`,
		`  `:                             `it is empty`,
	}
	for text, says := range tests {
		t.Run(text, func(t *testing.T) {
			_, err := Members([]byte(text))
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("error %v does not say %s", err, says)
			}
		})
	}
	long := `{"` + strings.Repeat(strings.Repeat("x", 100)+`":{"`, 50) + `a":1e999` + strings.Repeat("}", 51)
	if _, err := Members([]byte(long)); err == nil || len(err.Error()) > 400 {
		t.Errorf("the place of a deep fault has %d bytes", len(err.Error()))
	}
}

// An object with very many names is read in a time that grows with them, and still none may come twice.
func TestManyNames(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"last":0`)
	for i := range 100_000 {
		fmt.Fprintf(&text, `,"n%d":%d`, i, i)
	}
	if members, err := Members([]byte(text.String() + "}")); err != nil || len(members) != 100_001 {
		t.Errorf("%d members (%v)", len(members), err)
	}
	if _, err := Members([]byte(text.String() + `,"last":1}`)); err == nil {
		t.Error("a name that is given twice is taken")
	}
}

func TestElements(t *testing.T) {
	elements, n, err := Elements([]byte(` [ {"a":1,"a":2} , "x" ,[1e999], null ] `), 3)
	var got []string
	for _, e := range elements {
		got = append(got, string(e.Value))
	}
	if diff := cmp.Diff([]string{`{"a":1,"a":2}`, `"x"`, `[1e999]`}, got); diff != "" || n != 4 || err != nil {
		t.Errorf("%d elements (%v) (-want +got):\n%s", n, err, diff)
	}
	for _, text := range []string{``, `{}`, `[1,]`, `[1`, `[1]]`, `[,]`, "[\"\xff\"]", `[1 2]`, strings.Repeat("[", 2000)} {
		if _, _, err := Elements([]byte(text), 9); err == nil {
			t.Errorf("%.20s is taken", text)
		}
	}
}

// FuzzMembers holds the reader to encoding/json: it takes nothing that is not JSON, reads the same from what it takes, and
// refuses JSON for its own reasons only.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":1,"c":2},"b":[{"a":3}],"c":{}}`, `{}`, `{"a":{"b":[1,-2.5e+3,true,null,"\u00e9\n"]}}`, `{"a":1,"\u0061":2}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud800"}`,
		`[1]`, `{"a":01}`, ` {"a" : 0.0 } `, `{"a":1e308}`, `{"a":1e309}`, `{"":{"":[]}}`, "{\"a\":\"\x7f\u2028\"}", `{"a":nul}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		members, err := Members(raw)
		if err != nil {
			if ours := []string{"UTF-8", "given twice", "nests deeper", "NUL", "too large", "one JSON object"}; json.Valid(raw) && !says(err, ours) {
				t.Fatalf("%q is refused: %v", raw, err)
			}
			return
		}
		var want map[string]json.RawMessage
		if !utf8.Valid(raw) || json.Unmarshal(raw, &want) != nil || len(want) != len(members) {
			t.Fatalf("%q is taken, with %d members and not %d", raw, len(members), len(want))
		}
		for _, m := range members {
			if string(want[m.Name]) != string(m.Value) {
				t.Fatalf("%q: %q is %s, want %s", raw, m.Name, m.Value, want[m.Name])
			}
		}
		elements, n, err := Elements([]byte("["+string(raw)+",1]"), 9)
		if err != nil || n != 2 || string(elements[0].Value) != strings.Trim(string(raw), " \t\r\n") {
			t.Fatalf("%q in an array is %q (%v)", raw, elements, err)
		}
	})
}

func says(err error, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func BenchmarkMembers(b *testing.B) {
	text := []byte(`{"email":"someone@company.example","first_name":"Some","last_name":"One","company":"Company, Inc.","n":[1,2,3]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Members(text); err != nil {
			b.Fatal(err)
		}
	}
}
