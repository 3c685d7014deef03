package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newIntake takes in for the table "people", which tells people apart by the fields given. Submissions need no store.
func newIntake(dedupeBy ...string) *Intake {
	return New(Options{
		Secret:  []byte("of this ledger"),
		Targets: []Target{{Target: ledger.Target{Name: "people"}, DedupeBy: dedupeBy}},
	})
}

// submit takes one record in, which has to work.
func submit(t *testing.T, in *Intake, fields string) ledger.Submission {
	t.Helper()
	s, err := in.Submission("people", json.RawMessage(fields))
	if err != nil {
		t.Fatalf("Submission(%.60s): %v", fields, err)
	}
	return s
}

func TestSubmissionRefuses(t *testing.T) {
	tests := map[string]struct{ fields, reason string }{
		"nothing":                 {``, "not valid JSON"},
		"no JSON":                 {`{"a":`, "not valid JSON"},
		"an array":                {`[{"a":1}]`, "one JSON object"},
		"a string":                {`"a"`, "one JSON object"},
		"null":                    {`null`, "one JSON object"},
		"two objects":             {`{"a":1}{"a":2}`, "something follows"},
		"a brace too many":        {`{"a":1}}`, "not valid JSON"},
		"text after the object":   {`{"a":1} x`, "something follows"},
		"invalid UTF-8":           {"{\"a\":\"\xff\"}", "UTF-8"},
		"a name twice":            {`{"a":1,"b":2,"a":3}`, `"a" is given twice`},
		"a name in two spellings": {`{"a":1,"\u0061":2}`, `"a" is given twice`},
		"a name twice, nested":    {`{"a":[{"b":1,"b":2}]}`, `"b" is given twice`},
		"a deep array":            {`{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`, "nests deeper"},
		"a deep object":           {strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), "nests deeper"},
		"the ticket's field":      {`{"claygate_id":"x"}`, `"claygate_id" is claygate's own`},
		"a number out of grammar": {`{"a":01}`, "not valid JSON"},
		"a trailing comma":        {`{"a":1,}`, "not valid JSON"},
		"a bad escape":            {`{"a":"\x"}`, "not valid JSON"},
	}
	in := newIntake()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := in.Submission("people", json.RawMessage(tt.fields))
			if ledger.KindOf(err) != ledger.Invalid {
				t.Fatalf("error %v, want one of kind invalid", err)
			}
			if !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("error %q does not say %q", err, tt.reason)
			}
		})
	}
}

func TestSubmissionTakes(t *testing.T) {
	tests := map[string]string{
		"an empty object":    `{}`,
		"nested values":      `{"a":{"b":[1,2,{"c":null}]},"d":true}`,
		"the deepest":        `{"a":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}`,
		"blanks around it":   " \t{\"a\":1}\r\n",
		"a lone surrogate":   `{"a":"\ud800"}`,
		"a long number":      `{"a":12345678901234567890123456789.5e-300}`,
		"a name twice apart": `{"a":{"x":1},"b":{"x":2}}`,
	}
	in := newIntake()
	for name, fields := range tests {
		t.Run(name, func(t *testing.T) {
			if s := submit(t, in, fields); string(s.Fields) != fields {
				t.Errorf("the fields are %s, want them as they came", s.Fields)
			}
		})
	}
}

func TestSubmissionToUnknownTarget(t *testing.T) {
	if _, err := newIntake().Submission("nowhere", json.RawMessage(`{}`)); ledger.KindOf(err) != ledger.NotFound {
		t.Errorf("error %v, want one of kind not_found", err)
	}
}

// The failure it prevents: a record that fits without its ticket is accepted, and Clay refuses it with the ticket.
func TestSizeIncludesTicket(t *testing.T) {
	in := newIntake()
	fits := func(size int) bool {
		fields := `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
		_, err := in.Submission("people", json.RawMessage(fields))
		return err == nil
	}
	most := clay.MaxRecordBytes - len(ledger.TicketField) - ticketRoom
	if !fits(most) || fits(most+1) {
		t.Errorf("the largest record is not %d bytes", most)
	}
	ticket := ledger.NewTickets([]byte("secret")).Sign(ledger.Ticket{Record: ledger.RecordID{1}, Attempt: 1 << 30})
	added := len(`,"":"`) + len(ledger.TicketField) + len(ticket) + len(`"`)
	if added > len(ledger.TicketField)+ticketRoom {
		t.Errorf("a ticket adds %d bytes, more than the %d set aside", added, len(ledger.TicketField)+ticketRoom)
	}
}

func TestRenamedTicketField(t *testing.T) {
	in := New(Options{Targets: []Target{{Target: ledger.Target{Name: "people"}, TicketField: "ref"}}})
	if _, err := in.Submission("people", json.RawMessage(`{"ref":1}`)); ledger.KindOf(err) != ledger.Invalid {
		t.Errorf("the renamed ticket field is taken, and yet: %v", err)
	}
	submit(t, in, `{"claygate_id":"somebody else's"}`)
}

func TestDedupeKey(t *testing.T) {
	type same bool
	tests := map[string]struct {
		by   []string
		a, b string
		want same
	}{
		"case and blanks":            {[]string{"email"}, `{"email":"Jo@Example.com"}`, `{"email":"  jo@example.COM\n"}`, true},
		"other fields":               {[]string{"email"}, `{"email":"a@b.c","x":1}`, `{"x":2,"email":"a@b.c"}`, true},
		"other people":               {[]string{"email"}, `{"email":"a@b.c"}`, `{"email":"a@b.d"}`, false},
		"a number and its text":      {[]string{"id"}, `{"id":7}`, `{"id":"7"}`, true},
		"several fields":             {[]string{"a", "b"}, `{"a":"x","b":"Y"}`, `{"b":"y","a":"X"}`, true},
		"several fields, moved":      {[]string{"a", "b"}, `{"a":"x","b":"y"}`, `{"a":"y","b":"x"}`, false},
		"several fields, shifted":    {[]string{"a", "b"}, `{"a":"xy","b":""}`, `{"a":"x","b":"y"}`, false},
		"one of several empty":       {[]string{"a", "b"}, `{"a":"x","b":null}`, `{"a":"x"}`, true},
		"escapes":                    {[]string{"email"}, `{"email":"é@x.y"}`, `{"email":"\u00e9@x.y"}`, true},
		"upper case beyond ASCII":    {[]string{"email"}, `{"email":"ÉÇ@x.y"}`, `{"email":"éç@x.y"}`, true},
		"a field that looks like it": {[]string{"email"}, `{"email":"a"}`, `{"Email":"a","email":"b"}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := newIntake(tt.by...)
			a, b := submit(t, in, tt.a), submit(t, in, tt.b)
			if a.Key.IsZero() || b.Key.IsZero() {
				t.Fatal("a record has no key")
			}
			if same(a.Key == b.Key) != tt.want {
				t.Errorf("the keys are the same: %t, want %t", a.Key == b.Key, tt.want)
			}
		})
	}
}

func TestNoDedupeKey(t *testing.T) {
	for _, fields := range []string{`{}`, `{"email":null}`, `{"email":""}`, `{"email":" \t "}`, `{"Email":"a@b.c"}`} {
		if s := submit(t, newIntake("email"), fields); !s.Key.IsZero() {
			t.Errorf("%s has a key: all records without an e-mail would be the same", fields)
		}
	}
	if s := submit(t, newIntake(), `{"email":"a@b.c"}`); !s.Key.IsZero() {
		t.Error("a record has a key although none was asked for")
	}
}

// A ledger that leaks must not be a list of people's addresses.
func TestDedupeKeyIsSecret(t *testing.T) {
	in, other := newIntake("email"), newIntake("email")
	other.secret = []byte("of another ledger")
	if submit(t, in, `{"email":"a@b.c"}`).Key == submit(t, other, `{"email":"a@b.c"}`).Key {
		t.Error("two ledgers know a person by the same key")
	}
}

func TestIDsAreNew(t *testing.T) {
	in, seen := newIntake(), map[ledger.RecordID]bool{}
	for range 1000 {
		s := submit(t, in, `{}`)
		if s.ID.IsZero() || seen[s.ID] {
			t.Fatalf("the ID %s is not new", s.ID)
		}
		seen[s.ID] = true
	}
}

func ExampleFold() {
	fmt.Println(Fold("  Maren.Holtgreve@Brightforge.EXAMPLE "))
	// Output: maren.holtgreve@brightforge.example
}
