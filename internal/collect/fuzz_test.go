package collect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// FuzzCallback: whatever Clay, or anybody, posts, only what carries this ledger's ticket gets through, and what gets
// through is one JSON object without it.
func FuzzCallback(f *testing.F) {
	tickets := ledger.NewTickets([]byte("of this ledger"))
	good := tickets.Sign(ledger.Ticket{Record: ledger.RecordID{1}, Attempt: 1})
	for _, seed := range []string{
		`{"claygate_id":"` + good + `","name":"Jo"}`, "\ufeff" + `{"Claygate_id":"` + good + `"}`, `{}`, `[]`, `null`, "{\"\xff\":1}",
		"{ \"a\" : [1, {\"b\": \"},]\"}] ,\t\"\\u0061\\\"\":null,\"a\":{} }\n", `{"claygate_id":"rec_x.1.y"}`, `{"claygate_id":"` + good + `","CLAYGATE_ID":1}`, `{"claygate_id":"` + good + `","a":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	c := New(Options{Tickets: tickets})
	f.Fuzz(func(t *testing.T, body []byte) {
		checkMembers(t, bytes.ToValidUTF8(body, nil))
		entry, refusal := c.match(Target{Name: target, TicketField: ledger.TicketField}, body)
		if refusal != nil {
			if refusal.status != http.StatusBadRequest && refusal.status != http.StatusUnauthorized {
				t.Fatalf("refused with %d", refusal.status)
			}
			return
		}
		if entry.Record != (ledger.RecordID{1}) {
			t.Fatalf("the record %s was never sent", entry.Record)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(entry.Event.(ledger.Result).Fields, &fields); err != nil || fields == nil {
			t.Fatalf("the result is no object: %v", err)
		}
		if string(fields[ledger.TicketField]) == `"`+good+`"` {
			t.Fatal("the ticket is in the result")
		}
		if string(entry.Callback.Body) != string(body) {
			t.Fatal("the callback is not kept as it came")
		}
	})
}

// checkMembers parts an object as encoding/json reads it.
func checkMembers(t *testing.T, body []byte) {
	t.Helper()
	var want map[string]json.RawMessage
	err := json.Unmarshal(body, &want)
	p, ok := members(body)
	if ok != (err == nil && want != nil) {
		t.Fatalf("an object: %t, encoding/json says %v", ok, err)
	}
	for name, value := range want {
		got, rest := p.without(name)
		var others map[string]json.RawMessage
		if err := json.Unmarshal(rest, &others); err != nil {
			t.Fatalf("without %q it is %s: %v", name, rest, err)
		}
		if _, still := others[name]; still || len(others) != len(want)-1 || string(got) != string(value) {
			t.Fatalf("%q is %s, without it there are %d members, want %s and %d", name, got, len(others), value, len(want)-1)
		}
	}
}
