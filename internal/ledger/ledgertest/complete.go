package ledgertest

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// titled is a complete_when: there is a title.
func titled(fields json.RawMessage) (bool, error) {
	return bytes.Contains(fields, []byte(`"title":"C`)), nil
}

// Results that come in parts are kept, also over a restart, and complete the record together. What had come by the
// deadline stays.
func applyParts(e *env) {
	e.opts.Catalog = ledger.NewCatalog([]ledger.Target{{Name: people, Lane: lane, ResultTimeout: timeout, CompleteWhen: titled}}, nil)
	e.reopen()
	whole, late := e.sent(people), e.sent(people)
	other := e.accept(e.sub(people))[0]
	changed, cancel := e.hub.Subscribe(whole.Record.ID)
	defer cancel()
	for _, c := range []ledger.Claimed{whole, late} {
		got := e.result(c.Record.ID, `{"phone":"1"}`)
		if !got.Moved || got.Fresh || got.Record.State != ledger.Sent || got.Record.Revision != 0 {
			e.Errorf("the first part made it %+v", got)
		}
		if got := e.result(c.Record.ID, `{"phone":"2","mobile":""}`); got.Moved || got.Fresh {
			e.Errorf("the second part made it %+v", got)
		}
	}
	select {
	case <-changed:
	default:
		e.Error("those who wait for the record did not hear of its parts")
	}
	e.reopen()
	if r := e.record(whole.Record.ID); string(r.Result) != `{"mobile":"","phone":"2"}` || r.State != ledger.Sent || r.Revision != 0 || !r.AtClay || r.Reason == "" {
		e.Errorf("stored as %+v", r)
	}
	e.result(whole.Record.ID, `{"title":"Countess"}`)
	if r := e.record(whole.Record.ID); string(r.Result) != `{"mobile":"","phone":"2","title":"Countess"}` || r.State != ledger.Done || r.Revision != 1 || r.Reason != "" {
		e.Errorf("stored as %+v", r)
	}
	e.clock.Advance(timeout)
	e.same(1, e.tickDue())
	if r := e.record(late.Record.ID); string(r.Result) != `{"mobile":"","phone":"2"}` || r.State != ledger.Expired {
		e.Errorf("at the deadline it is %+v", r)
	}
	e.result(late.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Queued}, whole.Record.ID, late.Record.ID, other.ID)
	e.same(ledger.Counts{"done": 2, "queued": 1, ledger.CountSent: 2}, e.status(people).Counts)
	notices, err := e.Notices(e.Context(), 0, 100)
	e.must(err)
	var kinds []ledger.NoticeKind
	for _, n := range notices {
		kinds = append(kinds, n.Kind)
	}
	e.same([]ledger.NoticeKind{ledger.RecordDone, ledger.RecordExpired, ledger.RecordDone}, kinds)
	e.clock.Advance(time.Hour)
	e.same(0, e.tickDue())
}
