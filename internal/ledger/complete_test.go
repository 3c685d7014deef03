package ledger

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// finished is a complete_when: the field status is "finished".
func finished(fields json.RawMessage) (bool, error) {
	var f struct{ Status any }
	if err := json.Unmarshal(fields, &f); err != nil {
		return false, err
	}
	if _, number := f.Status.(float64); number {
		return false, errors.New("a number is no status")
	}
	return f.Status == "finished", nil
}

// openTable says what a callback that is not complete does in each state: the state afterwards, and whether what it
// brought is kept. A row that calls back is at Clay, so nothing is sent for it again.
var openTable = map[State]struct {
	To   State
	Kept bool
}{
	Queued: {Sent, true}, Sending: {Sent, true}, Sent: {Sent, true}, Uncertain: {Sent, true}, Joined: {Joined, true},
	Dead: {Dead, true}, Expired: {Expired, true}, Canceled: {Canceled, true},
	Done: {Done, false}, // a further result of one that is done, as ever
}

func TestResultsThatAreNotComplete(t *testing.T) {
	target := Target{CompleteWhen: finished}
	for state, want := range openTable {
		t.Run(string(state), func(t *testing.T) {
			r := in(state)
			r.Reason, r.SinceSend = "before", time.Minute
			c, err := Decide(target, r, Result{Attempt: current, Fields: []byte(`{"status":"running","title":"Countess"}`)})
			if err != nil || c.Record.State != want.To || c.Kept != want.Kept || c.Moved != (want.To != state) {
				t.Fatalf("%+v, error %v", c, err)
			}
			if state == Done {
				return
			}
			if c.Fresh || c.Record.Revision != 0 || c.Notice() != "" || !strings.Contains(string(c.Record.Result), "Countess") {
				t.Errorf("revision %d, fresh %t, notice %q, result %s", c.Record.Revision, c.Fresh, c.Notice(), c.Record.Result)
			}
			if c.Moved && (!c.Record.AtClay || c.Due != DefaultResultTimeout-time.Minute) {
				t.Errorf("at Clay %t, due %s", c.Record.AtClay, c.Due)
			}
			done, err := Decide(target, c.Record, Result{Attempt: current, Fields: []byte(`{"status":"finished","title":""}`)})
			if err != nil || done.Record.State != Done || !done.Fresh || done.Record.Revision != 1 || done.Record.Reason != "" {
				t.Fatalf("%+v, error %v", done, err)
			}
			if diff := cmp.Diff(`{"status":"finished","title":"Countess"}`, string(done.Record.Result)); diff != "" {
				t.Errorf("the result (-want +got):\n%s", diff)
			}
		})
	}
}

// What has not been sent at all, or was replayed after its time, is not taken for sent.
func TestQueuedRecordsThatStayQueued(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"never sent": func(r *Record) { r.Attempts = 0 },
		"replayed":   func(r *Record) { r.SinceSend = DefaultResultTimeout },
	} {
		r := in(Queued)
		change(&r)
		c, err := Decide(Target{CompleteWhen: finished}, r, Result{Fields: []byte(`{"title":"Countess"}`)})
		if err != nil || c.Moved || !c.Kept {
			t.Errorf("%s: %+v, error %v", name, c, err)
		}
	}
}

func TestRepeatedPartsAreNoNews(t *testing.T) {
	r, target := in(Sent), Target{CompleteWhen: finished}
	for i, want := range []bool{true, false, true} {
		fields := []string{`{"title":"Countess"}`, `{"title":"Countess"}`, `{"status":3}`}[i]
		c, err := Decide(target, r, Result{Fields: []byte(fields)})
		if err != nil || c.Kept != want || c.Moved {
			t.Errorf("%s: kept %t, moved %t, error %v", fields, c.Kept, c.Moved, err)
		}
		r = c.Record
	}
	if r.Reason != "complete_when cannot be answered on what came so far: a number is no status" {
		t.Errorf("the reason is %q", r.Reason)
	}
}

// At the deadline what was paid for stays with the record, and a late callback completes it.
func TestPartsAtTheDeadline(t *testing.T) {
	target := Target{CompleteWhen: finished}
	kept, err := Decide(target, in(Sent), Result{Fields: []byte(`{"title":"Countess"}`)})
	if err != nil {
		t.Fatal(err)
	}
	r := kept.Record
	r.SinceSend = DefaultResultTimeout
	c, err := Decide(target, r, Tick{})
	want := "the result was not complete within 30m0s after Clay took it: complete_when does not hold on what came so far"
	if err != nil || c.Record.State != Expired || c.Record.Reason != want || string(c.Record.Result) != `{"title":"Countess"}` {
		t.Fatalf("%+v, error %v", c.Record, err)
	}
	late, err := Decide(target, c.Record, Result{Fields: []byte(`{"status":"finished"}`)})
	if err != nil || late.Record.State != Done || string(late.Record.Result) != `{"status":"finished","title":"Countess"}` {
		t.Errorf("%+v, error %v", late.Record, err)
	}
	// When the expression is gone from the configuration the next callback completes it, with what came before.
	plain, err := Decide(Target{}, c.Record, Result{Fields: []byte(`{"phone":"1"}`)})
	if err != nil || plain.Record.State != Done || string(plain.Record.Result) != `{"phone":"1","title":"Countess"}` {
		t.Errorf("%+v, error %v", plain.Record, err)
	}
}
