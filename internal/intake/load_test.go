package intake

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// works returns the work keys of a load's rows, taken in as by a process of its own.
func works(t *testing.T, by []string, rows ...string) []ledger.Digest {
	t.Helper()
	load := newIntake(by...).Load("people", 1)
	var keys []ledger.Digest
	for _, row := range rows {
		s, err := load.Submission(json.RawMessage(row))
		if err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		if s.Load != 1 || s.Work.IsZero() {
			t.Fatalf("%s: load %d, work %x", row, s.Load, s.Work)
		}
		keys = append(keys, s.Work)
	}
	return keys
}

// The failure it prevents: a second run of the same file does not know its rows again and sends, and pays for, them all.
func TestWorkKeysAreTheSameInEveryProcess(t *testing.T) {
	rows := []string{`{"email":"a@b.c"}`, `{"email":""}`, `{"email":"A@b.c"}`, `{"x":1}`, `{"x":1}`, `{"email":""}`}
	first, second := works(t, []string{"email"}, rows...), works(t, []string{"email"}, rows...)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the keys differ (-first +second):\n%s", diff)
	}
	seen := map[ledger.Digest]int{}
	for i, key := range first {
		if j, twice := seen[key]; twice {
			t.Errorf("rows %d and %d have the same key", j, i)
		}
		seen[key] = i
	}
}

func TestWorkKey(t *testing.T) {
	tests := map[string]struct {
		by   []string
		a, b string
		same bool
	}{
		"order and spacing":          {nil, `{"a":1,"b":"x"}`, `{ "b" : "x", "a":1 }`, true},
		"order and spacing, nested":  {nil, `{"a":{"x":1,"y":[1,{"p":1,"q":2}]}}`, `{"a":{"y":[1, {"q":2,"p":1}],"x":1}}`, true},
		"escapes":                    {nil, `{"a":"<é>"}`, `{"a":"\u003c\u00e9>"}`, true},
		"another value":              {nil, `{"a":1}`, `{"a":2}`, false},
		"a number's digits":          {nil, `{"a":1.0}`, `{"a":1}`, false},
		"numbers beyond a float64":   {nil, `{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		"a number and its text":      {nil, `{"a":1}`, `{"a":"1"}`, false},
		"null and absent":            {nil, `{"a":null}`, `{}`, false},
		"the same person, new notes": {[]string{"email"}, `{"email":"a@b.c","n":1}`, `{"email":"A@B.C","n":2}`, true},
		"nobody, other notes":        {[]string{"email"}, `{"email":"","n":1}`, `{"email":"","n":2}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := works(t, tt.by, tt.a)[0], works(t, tt.by, tt.b)[0]
			if (a == b) != tt.same {
				t.Errorf("the same row: %t, want %t", a == b, tt.same)
			}
		})
	}
}

// Rows keep their identity when others come or go around them.
func TestWorkKeysDoNotDependOnOtherRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		row := rapid.Map(rapid.IntRange(0, 3), func(n int) string { return string(rune('0' + n)) })
		rows := rapid.SliceOfN(row, 1, 12).Draw(rt, "rows")
		gone := rapid.IntRange(0, len(rows)-1).Draw(rt, "gone")
		load, without := newIntake().Load("people", 1), newIntake().Load("people", 1)
		kept := map[string][]ledger.Digest{}
		for i, r := range rows {
			s, err := load.Submission(json.RawMessage(`{"r":` + r + `}`))
			if err != nil {
				rt.Fatal(err)
			}
			if kept[r] = append(kept[r], s.Work); i == gone {
				continue
			}
			again, err := without.Submission(json.RawMessage(`{"r":` + r + `}`))
			if err != nil {
				rt.Fatal(err)
			}
			if r != rows[gone] && again.Work != s.Work {
				rt.Fatalf("row %d is another one without row %d", i, gone)
			}
		}
	})
}

func TestLoadRefusesWhatIntakeRefuses(t *testing.T) {
	load := newIntake().Load("people", 1)
	if _, err := load.Submission(json.RawMessage(`[]`)); ledger.KindOf(err) != ledger.Invalid {
		t.Errorf("error %v, want one of kind invalid", err)
	}
}
