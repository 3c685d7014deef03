package ledgertest

import (
	"fmt"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var outboxTests = map[string]func(*env){
	"an ordinary way":              outboxLife,
	"only what is asked for":       outboxEvents,
	"a callback URL":               outboxCallback,
	"one at a time":                outboxOrder,
	"newer news":                   outboxNewer,
	"newer news of one under way":  outboxNewerUnderWay,
	"what fails":                   outboxFails,
	"what is held":                 outboxHeld,
	"its own pace":                 outboxPace,
	"a destination that is gone":   outboxGone,
	"again":                        outboxAgain,
	"a process that ended":         outboxOrphans,
	"a lease that ran out":         outboxLease,
	"hosts":                        outboxHosts,
	"a preview posts nothing":      outboxPreview,
	"an erased or unknown answer":  outboxUnknown,
	"waking those who deliver":     outboxWakes,
	"dead letters and newer news":  outboxRevived,
	"an erased record":             outboxErased,
	"erased behind another":        outboxErasedBehind,
	"a destination, long disabled": outboxDisabledTwice,
}

const crm, lake = "crm", "lake"

// forwarding gives the first target destinations, and opens the ledger anew.
func (e *env) forwarding(outlets ...ledger.Outlet) {
	e.Helper()
	if len(outlets) == 0 {
		outlets = []ledger.Outlet{{Destination: crm}}
	}
	e.opts.Catalog = ledger.NewCatalog([]ledger.Target{{Name: people, Lane: lane, ResultTimeout: timeout, Forward: outlets}},
		map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 1000, Burst: 1000}, ledger.Outgoing(lake).Lane(): {PerSecond: 1, Burst: 2}})
	e.reopen()
}

// outgoing claims what is to be delivered.
func (e *env) outgoing(destination string, max int) []ledger.Delivery {
	e.Helper()
	got, err := e.ClaimOutbox(e.Context(), ledger.Outgoings{Destination: destination, Max: max})
	e.must(err)
	return got.Work
}

// settle says how a delivery went.
func (e *env) settle(d ledger.Delivery, a ledger.DeliveryAnswer) {
	e.Helper()
	a.Seq, a.Jitter = d.Seq, 0.5
	e.must(e.SettleOutbox(e.Context(), d.Destination, []ledger.DeliveryAnswer{a}))
}

func (e *env) delivered(d ledger.Delivery) {
	e.Helper()
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Delivered, Revision: d.Revision})
}

// told says of each delivery of which record it tells what.
func told(work []ledger.Delivery) []string {
	var all []string
	for _, d := range work {
		all = append(all, fmt.Sprintf("%s %s r%d", d.Record, d.Event, d.Revision))
	}
	return all
}

func news(id ledger.RecordID, event ledger.NoticeKind, revision int) string {
	return fmt.Sprintf("%s %s r%d", id, event, revision)
}

// wantOutgoing claims everything that may leave and compares it.
func (e *env) wantOutgoing(destination string, want ...string) []ledger.Delivery {
	e.Helper()
	got := e.outgoing(destination, 100)
	e.same(want, told(got))
	return got
}

// done brings a record of the first target to its result.
func (e *env) done(change ...func(*ledger.Submission)) ledger.RecordID {
	e.Helper()
	id := e.sent(people, change...).Record.ID
	e.result(id, `{"title":"Countess"}`)
	return id
}

func (e *env) standing(destination string) ledger.DestinationStatus {
	e.Helper()
	all, err := e.Destinations(e.Context())
	e.must(err)
	for _, d := range all {
		if d.Destination == destination {
			return d
		}
	}
	return ledger.DestinationStatus{Destination: destination}
}

func callback(address string) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.CallbackURL = address }
}

func outboxLife(e *env) {
	e.forwarding()
	a := e.done()
	e.reopen()
	got := e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
	if d := got[0]; d.Order != ledger.Digest(a) || d.CreatedAt.IsZero() || d.Tries != 0 {
		e.Errorf("it is %+v", d)
	}
	e.same(ledger.DestinationStatus{Destination: crm, Waiting: 1}, e.standing(crm))
	e.wantOutgoing(crm) // it is under way
	e.delivered(got[0])
	e.result(a, `{"title":"Countess","phone":"1"}`)
	e.delivered(e.wantOutgoing(crm, news(a, ledger.RecordUpdated, 2))[0])
	e.result(a, `{"title":"Countess","phone":"1"}`) // no news
	e.wantOutgoing(crm)
	e.reopen()
	e.wantOutgoing(crm)
	e.same(ledger.DestinationStatus{Destination: crm}, e.standing(crm))
}

func outboxEvents(e *env) {
	e.forwarding(ledger.Outlet{Destination: crm}, ledger.Outlet{Destination: lake, Failures: true, Cached: true})
	leader, a, _ := e.shared()
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	cached := e.acceptOne(e.sub(people, keyed(1))).Record
	failed, expired := e.sent(people), e.sent(people)
	e.answer(failed, ledger.Rejected)
	e.answer(expired, ledger.Accepted)
	e.clock.Advance(2 * timeout)
	e.tickDue()
	canceled := e.accept(e.sub(people))[0]
	e.apply(canceled.ID, ledger.Cancel{})
	first := e.wantOutgoing(crm, news(leader.Record.ID, ledger.RecordDone, 1))[0]
	e.delivered(first)
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1)) // it shared the work: it is somebody's own
	var all []string
	for {
		e.clock.Advance(time.Second)
		work := e.outgoing(lake, 100)
		for _, d := range work {
			e.delivered(d)
		}
		if len(work) == 0 {
			break
		}
		all = append(all, told(work)...)
	}
	counts := map[string]int{}
	for _, n := range all {
		counts[n]++
	}
	for _, want := range []string{
		news(leader.Record.ID, ledger.RecordDone, 1), news(a, ledger.RecordDone, 1), news(cached.ID, ledger.RecordDone, 1),
		news(failed.Record.ID, ledger.RecordFailed, 0), news(expired.Record.ID, ledger.RecordExpired, 0),
	} {
		if counts[want] != 1 {
			e.Errorf("%s was told %d times; all: %v", want, counts[want], all)
		}
	}
	e.same(6, len(all)) // and the other one that shared
}

func outboxCallback(e *env) {
	e.forwarding(ledger.Outlet{Destination: lake})
	ok := e.accept(e.sub(people, callback("https://Hooks.example.com:8443/a?b=c")))[0]
	no := e.accept(e.sub(people, callback("https://hooks.example.com:8443/b")))[0]
	e.reopen()
	e.same("https://Hooks.example.com:8443/a?b=c", e.record(ok.ID).CallbackURL)
	e.claim(5)
	e.result(ok.ID, `{"title":"Countess"}`)
	e.apply(no.ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Reason: "so"})
	e.wantOutgoing("@hooks.example.com:8443", news(ok.ID, ledger.RecordDone, 1), news(no.ID, ledger.RecordFailed, 0))
	e.wantOutgoing(lake, news(ok.ID, ledger.RecordDone, 1))
}

// Of one key one delivery is under way at a time, the oldest record first; others do not wait for it.
func outboxOrder(e *env) {
	e.forwarding()
	a, b, c := e.done(keyed(1)), e.done(keyed(2)), e.done()
	later := e.done(keyed(1), func(s *ledger.Submission) { s.MaxAge = new(time.Duration) })
	got := e.wantOutgoing(crm, news(a, ledger.RecordDone, 1), news(b, ledger.RecordDone, 1), news(c, ledger.RecordDone, 1))
	e.delivered(got[1])
	e.delivered(got[2])
	e.settle(got[0], ledger.DeliveryAnswer{Outcome: ledger.NotTaken, Reason: "not now", Status: 500})
	e.wantOutgoing(crm)
	e.reopen()
	e.clock.Advance(5 * time.Second)
	e.delivered(e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0])
	e.delivered(e.wantOutgoing(crm, news(later, ledger.RecordDone, 1))[0])
}

// What has not left tells the newest, once.
func outboxNewer(e *env) {
	e.forwarding(ledger.Outlet{Destination: crm, Failures: true})
	a := e.done()
	e.result(a, `{"phone":"1"}`)
	e.result(a, `{"mobile":"1"}`)
	e.delivered(e.wantOutgoing(crm, news(a, ledger.RecordDone, 3))[0])
	failed := e.sent(people)
	e.answer(failed, ledger.Rejected)
	e.result(failed.Record.ID, `{"title":"Countess"}`)
	e.delivered(e.wantOutgoing(crm, news(failed.Record.ID, ledger.RecordDone, 1))[0])
	e.wantOutgoing(crm)
}

func outboxNewerUnderWay(e *env) {
	e.forwarding()
	a := e.done()
	first := e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0]
	e.result(a, `{"phone":"1"}`)
	e.wantOutgoing(crm)
	e.settle(first, ledger.DeliveryAnswer{Outcome: ledger.NotTaken, Reason: "not now"})
	e.clock.Advance(5 * time.Second)
	second := e.wantOutgoing(crm, news(a, ledger.RecordUpdated, 2))[0]
	e.same(1, second.Tries)
	e.result(a, `{"mobile":"1"}`) // and what was sent was the record as it stood then: with this
	e.settle(second, ledger.DeliveryAnswer{Outcome: ledger.Delivered, Revision: 3})
	e.wantOutgoing(crm)
	e.same(0, e.standing(crm).Waiting)
}

func outboxAgain(e *env) {
	e.forwarding(ledger.Outlet{Destination: crm}, ledger.Outlet{Destination: lake})
	a, open := e.done(callback("https://one.example/")), e.accept(e.sub(people))[0].ID
	for _, to := range []string{crm, lake, "@one.example"} {
		e.delivered(e.wantOutgoing(to, news(a, ledger.RecordDone, 1))[0])
	}
	again := func(what ledger.Redelivery) int {
		n, err := e.Redeliver(e.Context(), what)
		e.must(err)
		return n
	}
	e.same(1, again(ledger.Redelivery{Destination: crm, Records: []ledger.RecordID{a}}))
	e.same(1, again(ledger.Redelivery{Destination: crm, Records: []ledger.RecordID{a}})) // which waits already
	d := e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0]
	e.same(3, again(ledger.Redelivery{Records: []ledger.RecordID{a}}))
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "no"})
	e.same(0, e.standing(crm).Dead) // it was asked for again meanwhile
	e.settle(e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0], ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "no"})
	e.same(1, e.standing(crm).Dead)
	e.same(1, again(ledger.Redelivery{Destination: crm, Dead: true}))
	e.same(0, again(ledger.Redelivery{Dead: true}))
	e.same(0, e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))[0].Tries)
	for kind, what := range map[ledger.Kind]ledger.Redelivery{
		ledger.NotFound: {Records: []ledger.RecordID{a, {0: 9}}}, ledger.Conflict: {Records: []ledger.RecordID{open}},
	} {
		_, err := e.Redeliver(e.Context(), what)
		e.wantKind(kind, err)
	}
	_, err := e.Redeliver(e.Context(), ledger.Redelivery{Destination: "elsewhere", Records: []ledger.RecordID{a}})
	e.wantKind(ledger.NotFound, err)
}

// What a process had claimed that ended goes again at once: whether it arrived is not known.
func outboxOrphans(e *env) {
	e.forwarding()
	a := e.done(keyed(1))
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
	e.orphan(ledger.DeliveryLease)
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
}

func outboxLease(e *env) {
	e.forwarding()
	a := e.done()
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
	e.clock.Advance(ledger.DeliveryLease - time.Second)
	e.wantOutgoing(crm)
	e.clock.Advance(time.Second)
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
}

func outboxHosts(e *env) {
	e.forwarding()
	for _, host := range []string{"https://b.example", "https://a.example", "https://b.example/x"} {
		e.done(callback(host))
	}
	hosts, err := e.CallbackHosts(e.Context())
	e.must(err)
	e.same([]string{"@a.example", "@b.example"}, hosts)
	e.delivered(e.outgoing("@a.example", 1)[0])
	hosts, err = e.CallbackHosts(e.Context())
	e.must(err)
	e.same([]string{"@b.example"}, hosts)
}

func outboxPreview(e *env) {
	e.forwarding(ledger.Outlet{Destination: crm, Cached: true})
	e.delivered(e.wantOutgoing(crm, news(e.done(keyed(1)), ledger.RecordDone, 1))[0])
	sub := e.sub(people, keyed(1))
	e.must(e.Preview(e.Context(), func(yield func(ledger.Submission) bool) { yield(sub) }, func(ledger.Acceptance) {}))
	e.wantOutgoing(crm)
}

func outboxUnknown(e *env) {
	e.forwarding()
	e.done()
	d := e.outgoing(crm, 1)[0]
	e.delivered(d)
	e.delivered(d)
	e.settle(ledger.Delivery{Seq: 999, Destination: crm}, ledger.DeliveryAnswer{Outcome: ledger.NotTaken})
	e.same(ledger.DestinationStatus{Destination: crm}, e.standing(crm))
	d = func() ledger.Delivery { e.done(); return e.outgoing(crm, 1)[0] }()
	e.settle(d, ledger.DeliveryAnswer{Outcome: ledger.Unsettled})
	e.same(1, len(e.outgoing(crm, 1)))
}

func outboxWakes(e *env) {
	e.forwarding()
	changed, cancel := e.hub.Subscribe(ledger.Outgoing(crm))
	defer cancel()
	hosts, cancelHosts := e.hub.Subscribe(ledger.Outbound)
	defer cancelHosts()
	e.done()
	e.woken(changed)
	e.done(callback("https://a.example"))
	e.woken(changed)
	e.woken(hosts)
	e.must(e.Disable(e.Context(), crm, "so"))
	e.must(e.Enable(e.Context(), crm))
	e.woken(changed)
}

func outboxRevived(e *env) {
	e.forwarding()
	a := e.done()
	e.settle(e.outgoing(crm, 1)[0], ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "no"})
	e.result(a, `{"phone":"1"}`)
	d := e.wantOutgoing(crm, news(a, ledger.RecordDone, 2))[0] // which it never took
	if d.Tries != 0 || d.Reason != "" || d.Dead {
		e.Errorf("it is %+v", d)
	}
	e.same(0, e.standing(crm).Dead)
}

// What was erased is told to nobody, and holds up nobody.
func outboxErased(e *env) {
	e.forwarding()
	a := e.done(keyed(1), callback("https://a.example/secret"))
	e.clock.Advance(time.Hour)
	b := e.done(keyed(1), func(s *ledger.Submission) { s.MaxAge = new(time.Duration) })
	e.wantOutgoing(crm, news(a, ledger.RecordDone, 1))
	for more := true; more; {
		p, err := e.Prune(e.Context(), ledger.Retention{Bodies: time.Minute})
		e.must(err)
		more = p.More
	}
	if address := e.record(a).CallbackURL; address != "" {
		e.Errorf("its callback URL is still %s", address)
	}
	e.wantOutgoing("@a.example")
	e.wantOutgoing(crm, news(b, ledger.RecordDone, 1))
}

// One that was erased while it waited let another go that was not first.
func outboxErasedBehind(e *env) {
	e.forwarding()
	fresh := func(s *ledger.Submission) { s.MaxAge = new(time.Duration) }
	erased := e.done(keyed(1))
	e.delivered(e.wantOutgoing(crm, news(erased, ledger.RecordDone, 1))[0])
	e.clock.Advance(time.Hour)
	failed := e.sent(people, keyed(1), fresh)
	e.answer(failed, ledger.Rejected)
	under := e.wantOutgoing(crm, news(e.done(keyed(1), fresh), ledger.RecordDone, 1))
	e.result(failed.Record.ID, `{"title":"Countess"}`)
	_, err := e.Redeliver(e.Context(), ledger.Redelivery{Records: []ledger.RecordID{erased}})
	e.must(err)
	e.pruneAll(ledger.Retention{Bodies: time.Minute})
	e.wantOutgoing(crm) // one is under way
	e.delivered(under[0])
	e.wantOutgoing(crm, news(failed.Record.ID, ledger.RecordDone, 1))
}
