package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

func outboxFails(e *env) {
	e.forwarding()
	a := e.done()
	for n := range ledger.MaxDeliveries {
		d := e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0]
		e.same(n, d.Tries)
		e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.NotTaken, Reason: "not now", Status: 500})
		e.clock.Advance(30 * time.Hour)
		e.reopen()
	}
	e.wantOutgoing(crm)
	e.same(ledger.DestinationStatus{Destination: crm, Dead: 1}, e.standing(crm))
	dead, err := e.Undelivered(e.Context(), crm, 10)
	e.must(err)
	if len(dead) != 1 || dead[0].Status != 500 || dead[0].Tries != ledger.MaxDeliveries || !dead[0].Dead || dead[0].Reason == "" {
		e.Errorf("given up: %+v", dead)
	}
	notices, err := e.Notices(e.Context(), 0, 100)
	e.must(err)
	if n := notices[len(notices)-1]; n.Kind != ledger.DeliveryFailed || n.Record != a || n.Target != people || n.Reason == "" {
		e.Errorf("announced as %+v", n)
	}
	b := e.done()
	d := e.wantOutgoing(crm, news(b, ledger.RecordDone, 1))[0]
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "it makes no sense"})
	e.same(2, e.standing(crm).Dead)
}

// A destination that cannot be reached is asked one delivery at a time.
func outboxHeld(e *env) {
	e.forwarding()
	a, b, c := e.done(), e.done(), e.done()
	d := e.outgoing(crm, 1)[0]
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Unreachable, Reason: "down", RetryAfter: time.Minute})
	e.wantOutgoing(crm)
	e.clock.Advance(63 * time.Second) // and a tenth, for the spread
	probe := e.wantOutgoing(crm, news(b, ledger.RecordDone, 1))[0]
	e.wantOutgoing(crm)
	e.clock.Advance(time.Second)
	e.delivered(probe)
	e.wantOutgoing(crm, news(c, ledger.RecordDone, 1), news(a, ledger.RecordDone, 1))
}

func outboxPace(e *env) {
	e.forwarding(ledger.Outlet{Destination: crm}, ledger.Outlet{Destination: lake})
	for range 5 {
		e.done()
	}
	e.same(2, len(e.outgoing(lake, 100)))
	e.same(5, len(e.outgoing(crm, 100)))
	e.clock.Advance(time.Second)
	e.same(1, len(e.outgoing(lake, 100)))
}

func outboxGone(e *env) {
	e.forwarding()
	a, b := e.done(), e.done()
	d := e.outgoing(crm, 1)[0]
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Gone, Reason: "it answered 410", Status: 410})
	c := e.done()
	e.reopen()
	e.wantOutgoing(crm)
	e.same(ledger.DestinationStatus{Destination: crm, Disabled: "it answered 410", Waiting: 3}, e.standing(crm))
	e.must(e.Enable(e.Context(), crm))
	e.must(e.Enable(e.Context(), crm)) // no news
	e.same(3, len(e.outgoing(crm, 100)))
	_, _, _ = a, b, c
	notices, err := e.Notices(e.Context(), 0, 100)
	e.must(err)
	var kinds []ledger.NoticeKind
	for _, n := range notices {
		if n.Record.IsZero() {
			kinds = append(kinds, n.Kind)
		}
	}
	e.same([]ledger.NoticeKind{ledger.DestinationDisabled, ledger.DestinationEnabled}, kinds)
}

func outboxDisabledTwice(e *env) {
	e.forwarding()
	e.must(e.Disable(e.Context(), crm, "one"))
	e.must(e.Disable(e.Context(), crm, "two"))
	e.same("one", e.standing(crm).Disabled)
}
