package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var paceTests = map[string]func(*env){
	"burst, then rate":          paceBurst,
	"survives a restart":        paceSurvives,
	"nothing taken for nothing": paceNothingTaken,
	"shared by its targets":     paceShared,
	"clock goes back":           paceClockBack,
	"clock leaps":               paceClockLeaps,
	"throttled":                 paceThrottled,
	"one probe":                 paceProbe,
	"a probe that is released":  paceReleasedProbe,
}

// fill queues n records that take no webhook.
func (e *env) fill(n int) {
	e.Helper()
	subs := make([]ledger.Submission, n)
	for i := range subs {
		subs[i] = e.sub(firms)
	}
	e.accept(subs...)
}

func (e *env) wantClaims(n int, wait time.Duration) []ledger.Claimed {
	e.Helper()
	got := e.claims(ledger.Want{Lane: lane, Max: 100})
	if len(got.Work) != n || got.Wait != wait {
		e.Errorf("claimed %d, wait %s; want %d, %s", len(got.Work), got.Wait, n, wait)
	}
	return got.Work
}

func paceBurst(e *env) {
	e.fill(30)
	e.wantClaims(10, 100*time.Millisecond)
	e.clock.Advance(40 * time.Millisecond)
	e.wantClaims(0, 60*time.Millisecond)
	for range 5 { // after exactly the wait there is one, always
		e.clock.Advance(60 * time.Millisecond)
		e.wantClaims(1, 100*time.Millisecond)
		e.clock.Advance(40 * time.Millisecond)
	}
}

func paceSurvives(e *env) {
	e.fill(30)
	e.wantClaims(10, 100*time.Millisecond)
	e.reopen()
	e.wantClaims(0, 100*time.Millisecond)
	e.clock.Advance(200 * time.Millisecond)
	e.wantClaims(2, 100*time.Millisecond)
}

func paceNothingTaken(e *env) {
	e.wantClaims(0, ledger.Never)
	e.fill(3)
	e.wantClaims(3, ledger.Never)
	e.fill(9)
	e.wantClaims(7, 100*time.Millisecond)
	e.same(0, len(e.claim(0)))
}

func paceShared(e *env) {
	e.fill(8)
	e.accept(e.sub(people), e.sub(people), e.sub(people), e.sub(people))
	e.wantClaims(10, 100*time.Millisecond)
	e.accept(e.sub(routine))
	e.same(1, len(e.claims(ledger.Want{Lane: otherLane, Max: 5}).Work))
}

// A clock set back by an hour stopped the lane for an hour: its bucket was written in what had become the future.
func paceClockBack(e *env) {
	e.fill(30)
	e.wantClaims(10, 100*time.Millisecond)
	e.clock.Advance(-time.Hour)
	e.wantClaims(0, 100*time.Millisecond)
	e.clock.Advance(100 * time.Millisecond)
	e.wantClaims(1, 100*time.Millisecond)
}

func paceClockLeaps(e *env) {
	e.fill(30)
	e.wantClaims(10, 100*time.Millisecond)
	e.clock.Advance(1000 * time.Hour)
	e.wantClaims(10, 100*time.Millisecond)
}

func paceThrottled(e *env) {
	e.fill(30)
	work := e.wantClaims(10, 100*time.Millisecond)
	throttled := ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Throttled, Status: 429, RetryAfter: 3 * time.Second}
	e.apply(work[0].Record.ID, throttled)
	e.answer(work[1], ledger.Accepted) // an answer from before the hold does not end it
	e.same(ledger.Queued, e.record(work[0].Record.ID).State)
	e.same(0, e.record(work[0].Record.ID).Tries)
	e.wantClaims(0, 3*time.Second)
	e.reopen()
	e.wantClaims(0, 3*time.Second)
	e.clock.Advance(3*time.Second - time.Microsecond)
	e.wantClaims(0, time.Microsecond)
	e.clock.Advance(time.Microsecond)
	e.wantClaims(1, ledger.ClaimTimeout)
}

func paceProbe(e *env) {
	e.fill(30)
	work := e.wantClaims(10, 100*time.Millisecond)
	e.answer(work[0], ledger.Unsent) // held for 250 ms and half a second
	e.clock.Advance(time.Second)
	probe := e.wantClaims(1, ledger.ClaimTimeout)
	e.wantClaims(0, ledger.ClaimTimeout)
	e.answer(probe[0], ledger.Unsent) // held for 250 ms and one second
	e.wantClaims(0, 1250*time.Millisecond)
	e.clock.Advance(1250 * time.Millisecond)
	probe = e.wantClaims(1, ledger.ClaimTimeout)
	changed, cancel := e.hub.Subscribe(lane)
	defer cancel()
	e.answer(probe[0], ledger.Accepted)
	e.woken(changed)
	e.wantClaims(9, 100*time.Millisecond)
}

// A probe that was given back unsent, or whose process died, kept its lane waiting for 45 s.
func paceReleasedProbe(e *env) {
	e.fill(30)
	work := e.wantClaims(10, 100*time.Millisecond)
	e.answer(work[0], ledger.Unsent)
	e.clock.Advance(time.Second)
	probe := e.wantClaims(1, ledger.ClaimTimeout)
	e.apply(probe[0].Record.ID, ledger.Release{Attempt: probe[0].Record.Attempts})
	e.wantClaims(1, ledger.ClaimTimeout)
	e.orphan(ledger.ClaimTimeout)
	e.wantClaims(1, ledger.ClaimTimeout)
}
