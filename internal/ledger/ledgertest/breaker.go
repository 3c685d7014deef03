package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var breakerTests = map[string]func(*env){
	"opens, probes and closes":       breakerOpens,
	"survives a restart":             breakerSurvives,
	"the lane's others go on":        breakerAlone,
	"a probe that is released":       breakerReleasedProbe,
	"late answers are not a probe's": breakerLate,
	"what is not the target's fault": breakerInnocent,
}

// storm sends n records of the routine's lane, on which nothing else is, and answers each.
func (e *env) storm(n int, v ledger.Verdict) {
	e.Helper()
	for _, c := range e.sendRoutine(n) {
		e.answer(c, v)
	}
}

func (e *env) sendRoutine(n int) []ledger.Claimed {
	e.Helper()
	subs := make([]ledger.Submission, n)
	for i := range subs {
		subs[i] = e.sub(routine, priority(1)) // before those that failed
	}
	e.accept(subs...)
	got := e.claims(ledger.Want{Lane: otherLane, Max: n}).Work
	if len(got) != n {
		e.Fatalf("claimed %d of %d", len(got), n)
	}
	return got
}

// wantProbe claims what may leave now and checks that it is one record, or none, and how long the rest is held.
func (e *env) wantProbe(n int, wait time.Duration) []ledger.Claimed {
	e.Helper()
	got := e.claims(ledger.Want{Lane: otherLane, Max: 100})
	if len(got.Work) != n || got.Wait != wait {
		e.Fatalf("claimed %d, wait %s; want %d, %s", len(got.Work), got.Wait, n, wait)
	}
	return got.Work
}

func (e *env) kinds() (kinds []ledger.NoticeKind) {
	e.Helper()
	notices, err := e.Notices(e.Context(), 0, 1000)
	e.must(err)
	for _, n := range notices {
		if n.Record.IsZero() {
			kinds = append(kinds, n.Kind)
			if opened := n.Kind == ledger.BreakerOpened; n.Target != routine || opened != (n.Reason != "") {
				e.Errorf("notice %+v", n)
			}
		}
	}
	return kinds
}

func breakerOpens(e *env) {
	e.storm(ledger.BreakerCalls-1, ledger.Failed)
	if e.status(routine).Breaker.Open() {
		e.Error("it opened too early")
	}
	changed, cancel := e.hub.Subscribe(ledger.Pauses)
	defer cancel()
	e.storm(1, ledger.Failed)
	e.woken(changed)
	b := e.status(routine).Breaker
	e.same(ledger.Breaker{Gate: ledger.Gate{Hold: 750 * time.Millisecond, Misses: 1}, Calls: 20, Failures: 20}, b)
	e.fillRoutine(3)
	e.wantProbe(0, 750*time.Millisecond)
	e.clock.Advance(750 * time.Millisecond)
	probe := e.wantProbe(1, ledger.ClaimTimeout)[0]
	e.wantProbe(0, ledger.ClaimTimeout)
	tries := probe.Record.Tries
	e.answer(probe, ledger.Failed)
	if r := e.record(probe.Record.ID); r.State != ledger.Queued || r.Tries != tries {
		e.Errorf("the record of a probe is %s with %d tries, want it queued with %d", r.State, r.Tries, tries)
	}
	e.wantProbe(0, 1250*time.Millisecond)
	e.clock.Advance(1250 * time.Millisecond)
	e.same([]ledger.NoticeKind{ledger.BreakerOpened}, e.kinds())
	probe = e.wantProbe(1, ledger.ClaimTimeout)[0]
	woken, stop := e.hub.Subscribe(otherLane)
	defer stop()
	e.answer(probe, ledger.Accepted)
	e.woken(woken)
	e.same(ledger.Breaker{}, e.status(routine).Breaker)
	e.same([]ledger.NoticeKind{ledger.BreakerOpened, ledger.BreakerClosed}, e.kinds())
	e.clock.Advance(time.Minute)
	e.wantProbe(22, ledger.Never)
}

func breakerSurvives(e *env) {
	e.storm(ledger.BreakerCalls/2, ledger.Failed)
	e.fillRoutine(3)
	e.reopen()
	e.storm(ledger.BreakerCalls/2, ledger.Accepted) // half of them failed
	e.reopen()
	e.clock.Advance(250 * time.Millisecond)
	e.wantProbe(0, 500*time.Millisecond)
	e.clock.Advance(ledger.BreakerWindow)
	e.reopen()
	if b := e.status(routine).Breaker; !b.Open() || b.Calls != 20 || b.Failures != 10 {
		e.Errorf("after a while it is %+v, want it open with what opened it", b)
	}
	e.wantProbe(1, ledger.ClaimTimeout)
}

// A target that failed kept the others of its lane waiting.
func breakerAlone(e *env) {
	e.fill(30)
	for range 2 {
		for _, c := range e.claim(10) {
			e.answer(c, ledger.Failed)
		}
		e.clock.Advance(time.Second)
	}
	if !e.status(firms).Breaker.Open() {
		e.Fatal("it is not open")
	}
	e.accept(e.sub(people), e.sub(people), e.sub(people))
	targets := map[string]int{}
	for _, c := range e.claim(10) {
		targets[c.Record.Target]++
	}
	e.same(map[string]int{people: 3, firms: 1}, targets)
	e.same(ledger.Breaker{}, e.status(people).Breaker)
}

func breakerReleasedProbe(e *env) {
	e.storm(ledger.BreakerCalls, ledger.Doubtful)
	e.fillRoutine(3)
	e.clock.Advance(time.Second)
	probe := e.wantProbe(1, ledger.ClaimTimeout)[0]
	e.apply(probe.Record.ID, ledger.Release{Attempt: probe.Record.Attempts})
	e.wantProbe(1, ledger.ClaimTimeout)
	e.orphan(ledger.ClaimTimeout) // the process that sent it is gone
	e.wantProbe(1, ledger.ClaimTimeout)
	e.wantProbe(0, ledger.ClaimTimeout)
	e.clock.Advance(ledger.ClaimTimeout)
	e.wantProbe(1, ledger.ClaimTimeout)
}

func (e *env) fillRoutine(n int) {
	e.Helper()
	for range n {
		e.accept(e.sub(routine))
	}
}

// An answer to what was sent before the probe let another one go beside it, or lengthened the hold.
func breakerLate(e *env) {
	late := e.sendRoutine(3)
	e.storm(ledger.BreakerCalls, ledger.Failed)
	e.clock.Advance(time.Second)
	probe := e.wantProbe(1, ledger.ClaimTimeout)[0]
	e.answer(late[0], ledger.Failed)
	e.answer(late[1], ledger.Throttled) // the lane's matter
	e.answer(late[2], ledger.Accepted)
	e.clock.Advance(10 * time.Second)
	if got := e.claims(ledger.Want{Lane: otherLane, Max: 9}).Work; len(got) > 0 {
		e.Error("a second probe went out beside the first")
	}
	e.answer(probe, ledger.Accepted)
	e.same(ledger.Breaker{}, e.status(routine).Breaker)
}

// Throttling is the lane's, a bad record is its own, and a refusal pauses the target.
func breakerInnocent(e *env) {
	for _, v := range []ledger.Verdict{ledger.Accepted, ledger.Rejected, ledger.Throttled, ledger.Unsent, ledger.Refused, ledger.Exhausted} {
		for _, c := range e.sendRoutine(ledger.BreakerCalls) {
			e.answer(c, v)
		}
		e.same(ledger.Breaker{}, e.status(routine).Breaker)
		e.must(e.Resume(e.Context(), routine))
		e.clock.Advance(time.Hour) // whatever held the lane is over
		for again := e.claims(ledger.Want{Lane: otherLane, Max: 100}).Work; len(again) > 0; again = e.claims(ledger.Want{Lane: otherLane, Max: 100}).Work {
			for _, c := range again {
				e.answer(c, ledger.Accepted)
			}
		}
	}
}
