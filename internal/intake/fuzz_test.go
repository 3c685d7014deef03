package intake

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// FuzzSubmission: whatever comes in, what is accepted is one object that Clay takes and that comes back the same.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"email":"Jo@Example.com"}`, `{"email":1.0,"b":{"c":[null]}}`, `[{}]`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{}{}`,
		`{"claygate_id":1}`, `{"a":"\ud800\udc00"}`, ` { "a" : 1e999 } `, `{"":""}`, "\ufeff{}", `{"a":"\u0000"}`,
	} {
		f.Add([]byte(seed))
	}
	in := newIntake("email", "a")
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := in.Load("people", 1).Submission(raw)
		if err != nil {
			if k := ledger.KindOf(err); k != ledger.Invalid {
				t.Fatalf("error of kind %s: %v", k, err)
			}
			return
		}
		var fields map[string]json.RawMessage
		switch {
		case json.Unmarshal(s.Fields, &fields) != nil || fields == nil:
			t.Fatal("accepted what is no JSON object")
		case !utf8.Valid(s.Fields):
			t.Fatal("accepted invalid UTF-8")
		case len(s.Fields) > clay.MaxRecordBytes:
			t.Fatal("accepted what Clay refuses")
		}
		if _, taken := fields[ledger.TicketField]; taken {
			t.Fatal("accepted somebody else's ticket")
		}
		again, err := in.Load("people", 1).Submission(raw)
		if err != nil || again.Work != s.Work || again.Key != s.Key {
			t.Fatalf("handed in again it is another row (%v)", err)
		}
	})
}
