package ledger

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestIsEmpty(t *testing.T) {
	for name, c := range map[string]struct {
		in, out string
		want    bool
	}{
		"nothing":                     {`{}`, `{}`, true},
		"blanks":                      {`{}`, `{"a":null,"b":"","c":[],"d":{},"e":[ ],"f":{ }}`, true},
		"what was sent":               {`{"email":"ada@example.com"}`, `{"email":"ada@example.com","title":""}`, true},
		"what was sent, changed":      {`{"email":"ada@example.com"}`, `{"email":"ADA@example.com"}`, true},
		"a value":                     {`{"email":"a"}`, `{"email":"a","title":"Countess"}`, false},
		"false is a value":            {`{}`, `{"a":false}`, false},
		"zero is a value":             {`{}`, `{"a":0}`, false},
		"a blank within is a value":   {`{}`, `{"a":[null]}`, false},
		"white space is a value":      {`{}`, `{"a":" "}`, false},
		"nothing is known to be sent": {``, `{"a":1}`, false},
		"a name sent with escapes":    {`{"t\u0069tle":"a"}`, `{"title":"b"}`, true},
		"a name that needs escapes":   {`{"a\"b":"a"}`, `{"a\"b":"b"}`, true},
		"a name that is a value":      {`{"a":"title"}`, `{"title":"b"}`, false},
		"one sent and one not":        {`{"a":"x"}`, `{"a":"x","b":"y"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := isEmpty([]byte(c.in), []byte(c.out))
			if err != nil || got != c.want {
				t.Errorf("%t, %v; want %t", got, err, c.want)
			}
		})
	}
}

func TestResultMustBeAnObject(t *testing.T) {
	for _, fields := range []string{``, `null`, `[]`, `"x"`, `1`, `{`, `{}{}`} {
		for _, state := range []State{Sent, Done} {
			if _, err := Decide(Target{}, in(state), Result{Fields: []byte(fields)}); err == nil || KindOf(err) != Invalid {
				t.Errorf("%s in %s: error %v, want kind %s", fields, state, err, Invalid)
			}
		}
	}
}

func TestFirstResult(t *testing.T) {
	r := in(Sent)
	r.Reason = "left over"
	c, err := Decide(Target{Emulated: true}, r, Result{Fields: []byte(`{"email":"ada@example.com","title":null}`)})
	got := c.Record
	if err != nil || got.State != Done || got.Revision != 1 || !got.Empty || !got.Emulated || got.Reason != "" || got.Cached {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestFurtherResults(t *testing.T) {
	for name, c := range map[string]struct {
		policy          UpdatePolicy
		old, next, want string // want "" for no change
	}{
		"fill what is missing":       {Fill, `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		"fill what is blank":         {Fill, `{"a":"","b":null}`, `{"a":"x","b":[1]}`, `{"a":"x","b":[1]}`},
		"fill nothing paid":          {Fill, `{"a":1}`, `{"a":2}`, ``},
		"fill by default":            {"", `{"a":1}`, `{"a":2,"b":3}`, `{"a":1,"b":3}`},
		"replace":                    {Replace, `{"a":1,"b":2}`, `{"a":3}`, `{"a":3,"b":2}`},
		"replace nothing by a blank": {Replace, `{"a":1,"b":[1]}`, `{"a":null,"b":[]}`, ``},
		"ignore":                     {Ignore, `{"a":""}`, `{"a":1}`, ``},
		"the same again":             {Replace, `{"a":{"x":1,"y":[1,2]}}`, `{"a":{"x":1,"y":[1,2]}}`, ``},
		"the same, spaced":           {Replace, `{"a":[1,2]}`, `{"a": [ 1, 2 ]}`, ``},
		"the same, in other order":   {Replace, `{"a":{"x":1,"y":2}}`, `{"a":{"y":2,"x":1}}`, ``},
		"the same, escaped":          {Replace, `{"a":"é<b>&"}`, `{"a":"\u00e9\u003cb\u003e\u0026"}`, ``},
		"digits are kept":            {Replace, `{"id":12345678901234567890}`, `{"id":12345678901234567891}`, `{"id":12345678901234567891}`},
		"markup stays as it came":    {Fill, `{"a":"<b>&"}`, `{"c":1}`, `{"a":"<b>&","c":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := in(Done)
			r.Revision, r.Result = 4, []byte(c.old)
			got, err := Decide(Target{OnUpdate: c.policy}, r, Result{Fields: []byte(c.next)})
			if err != nil {
				t.Fatal(err)
			}
			want, revision := c.want, 5
			if want == "" {
				want, revision = c.old, 4
			}
			if string(got.Record.Result) != want || got.Record.Revision != revision || got.Fresh != (c.want != "") || got.Moved {
				t.Errorf("%s at revision %d, fresh %t, moved %t; want %s at %d", got.Record.Result, got.Record.Revision, got.Fresh, got.Moved, want, revision)
			}
		})
	}
}

// A result with markup was stored escaped and compared as text: each of Clay's repeated deliveries raised the revision
// and was forwarded as news.
func TestRepeatedDeliveriesAreNoNews(t *testing.T) {
	r := in(Sent)
	for i, fields := range []string{`{"a":"<b>","b":{"x":1,"y":2}}`, `{"a":"<i>"}`, `{"a":"<i>"}`, `{"b":{"y":2,"x":1}}`} {
		c, err := Decide(Target{OnUpdate: Replace}, r, Result{Fields: []byte(fields)})
		if err != nil {
			t.Fatal(err)
		}
		if r = c.Record; c.Fresh != (i < 2) {
			t.Errorf("delivery %d: fresh %t, %s", i, c.Fresh, r.Result)
		}
	}
}

func TestUpdateThatFillsIsNoLongerEmpty(t *testing.T) {
	r := in(Done)
	r.Empty, r.Result = true, []byte(`{"title":null}`)
	c, err := Decide(Target{}, r, Result{Fields: []byte(`{"title":"Countess"}`)})
	if err != nil || c.Record.Empty || !c.Fresh {
		t.Errorf("empty %t, fresh %t, error %v", c.Record.Empty, c.Fresh, err)
	}
}

// Merging never drops a paid value, is done after one time, and keeps every name.
func FuzzMerge(f *testing.F) {
	for _, s := range [][2]string{{`{"a":1}`, `{"a":2,"b":""}`}, {`{"a":"<"}`, `{"a":"\u003c"}`}, {`{"a":null}`, `{"a":[]}`}, {`null`, `[]`}, {`{"a":1e2}`, `{"a":100}`}} {
		f.Add([]byte(s[0]), []byte(s[1]), true)
		f.Add([]byte(s[0]), []byte(s[1]), false)
	}
	f.Fuzz(func(t *testing.T, old, next []byte, replace bool) {
		merged, changed, err := merge(old, next, replace)
		have, errOld := object(old)
		more, errNext := object(next)
		if (err == nil) != (errOld == nil && errNext == nil) {
			t.Fatalf("merge(%s, %s): %v", old, next, err)
		}
		if err != nil {
			return
		}
		got, err := object(merged)
		if err != nil {
			t.Fatalf("%s: %v", merged, err)
		}
		for name, value := range have {
			if !blank(value) && blank(got[name]) {
				t.Fatalf("%q lost %s", name, value)
			}
			if !blank(value) && !replace && !sameJSON(got[name], value) {
				t.Fatalf("%q was %s and became %s", name, value, got[name])
			}
		}
		for name, value := range more {
			if !blank(value) && blank(got[name]) {
				t.Fatalf("%q did not get %s", name, value)
			}
		}
		again, changedAgain, err := merge(merged, next, replace)
		if err != nil || changedAgain {
			t.Fatalf("merged twice: %s, then %s, changed %t, %v", merged, again, changed, err)
		}
	})
}

func TestMergeKeepsEverything(t *testing.T) {
	value := rapid.SampledFrom([]string{`null`, `""`, `[]`, `1`, `"x"`, `{"y":1}`})
	fields := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "c", "d"}), value)
	raw := func(m map[string]string) json.RawMessage {
		out := map[string]json.RawMessage{}
		for k, v := range m {
			out[k] = json.RawMessage(v)
		}
		b, _ := json.Marshal(out)
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		old, next := fields.Draw(t, "old"), fields.Draw(t, "next")
		replace := rapid.Bool().Draw(t, "replace")
		merged, _, err := merge(raw(old), raw(next), replace)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := object(merged)
		for _, name := range []string{"a", "b", "c", "d"} {
			o, hadOld := old[name]
			n, hadNext := next[name]
			paid := func(v string, had bool) bool { return had && v != `null` && v != `""` && v != `[]` }
			want := o
			if !hadOld || paid(n, hadNext) && (replace || !paid(o, hadOld)) {
				want = n
			}
			if _, has := got[name]; has != (hadOld || hadNext) || has && string(got[name]) != want {
				t.Fatalf("%s: %s and %s gave %s", name, o, n, got[name])
			}
		}
	})
}
