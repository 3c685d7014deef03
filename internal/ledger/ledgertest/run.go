package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var runTests = map[string]func(*env){
	"a run's way":                     runLife,
	"gathering":                       runGather,
	"a bulk run":                      runBulk,
	"halves":                          runHalves,
	"what is said is heard once":      runHeardOnce,
	"a start of unknown fate":         runAdopted,
	"others' runs":                    runForeign,
	"asking about runs":               runPoll,
	"tokens for other calls":          runTake,
	"after a restart":                 runRestart,
	"a run that is not there":         runUnknown,
	"results after the record's wait": runLate,
	"runs that ended long ago":        runPruned,
	"following a run":                 runFollowed,
	"following a file":                runFollowedAgain,
	"following a run of ours":         runFollowedOurs,
	"a run that cannot be kept":       runFollowedTooLong,
	"following what was found":        runFollowedFound,
	"following what fails":            runFollowedFailed,
}

// routines makes the worker the only target, with these runs.
func (e *env) routines(p ledger.RunPolicy) {
	e.Helper()
	catalog := ledger.NewCatalog([]ledger.Target{{Name: worker, Lane: apiLane, Runs: &p}}, map[ledger.LaneID]ledger.Pace{apiLane: {PerSecond: 5, Burst: 5, Adaptive: true}})
	e.must(e.Configure(e.Context(), catalog))
}

// gather takes n records in and claims one run.
func (e *env) gather(n int, p ledger.RunPolicy) ledger.Claims {
	e.Helper()
	e.routines(p)
	for range n {
		e.accept(e.sub(worker))
	}
	claims := e.claims(ledger.Want{Lane: apiLane, Max: 1})
	if claims.Run == nil || claims.Run.Size != n {
		e.Fatalf("claimed the run %+v, want one of %d", claims.Run, n)
	}
	return claims
}

func (e *env) happen(id ledger.RunID, event ledger.RunEvent) ledger.Run {
	e.Helper()
	r, err := e.ApplyRun(e.Context(), id, event)
	e.must(err)
	return r
}

// begun takes n records in whose run Clay took.
func (e *env) begun(n int) (ledger.Run, []ledger.RecordID) {
	e.Helper()
	claims := e.gather(n, ledger.RunPolicy{})
	return e.happen(claims.Run.ID, startAnswer(ledger.Accepted)), ids(claims.Work)
}

func startAnswer(v ledger.Verdict) ledger.RunAnswer {
	return ledger.RunAnswer{Answer: ledger.Answer{Outcome: ledger.Answered, Verdict: v, Status: 202, Reason: "because " + string(v)}, Clay: "run_1"}
}

func done(id ledger.RecordID) ledger.RunItem {
	return ledger.RunItem{Record: id, Result: []byte(`{"name":"Jo"}`), Body: []byte(`{}`)}
}

func runLife(e *env) {
	run, records := e.begun(3)
	e.same(ledger.RunRunning, run.State)
	e.wantStates([]ledger.State{ledger.Sent, ledger.Sent, ledger.Sent}, records...)
	run = e.happen(run.ID, ledger.RunItems{Items: []ledger.RunItem{done(records[0])}, Cursor: "next"})
	e.same([]any{ledger.RunFetching, "next"}, []any{run.State, run.Cursor})
	e.reopen() // with the configuration of the test's beginning
	run = e.happen(run.ID, ledger.RunItems{Items: []ledger.RunItem{{Record: records[1], Reason: "not found"}}, Last: true})
	e.same(ledger.RunDone, run.State)
	e.wantStates([]ledger.State{ledger.Done, ledger.Dead, ledger.Dead}, records...)
	e.same([]string{"", "not found", ledger.Missing}, []string{e.record(records[0]).Reason, e.record(records[1]).Reason, e.record(records[2]).Reason})
	e.same(`{"name":"Jo"}`, string(e.record(records[0]).Result))
}

func runGather(e *env) {
	e.routines(ledger.RunPolicy{Linger: time.Second})
	want := ledger.Want{Lane: apiLane, Max: 1, Full: true}
	e.same(ledger.Claims{Wait: ledger.Never}, e.claims(want))
	e.accept(e.sub(worker))
	e.same(ledger.Claims{Wait: ledger.Never, Linger: time.Second}, e.claims(want))
	for range ledger.MaxRun {
		e.accept(e.sub(worker))
	}
	e.same(ledger.MaxRun, e.claims(want).Run.Size)
	want.Full = false
	e.same(1, e.claims(want).Run.Size)
}

func runBulk(e *env) {
	claims := e.gather(7, ledger.RunPolicy{BulkFrom: 5})
	e.same([]any{ledger.Bulk, 0}, []any{claims.Run.Kind, len(claims.Work)})
	first, err := e.Carried(e.Context(), claims.Run.ID, ledger.RecordID{}, 4)
	e.must(err)
	rest, err := e.Carried(e.Context(), claims.Run.ID, first[3].ID, 4)
	e.must(err)
	e.same([]int{4, 3}, []int{len(first), len(rest)})
	e.same(`{"email":"5@example.com"}`, string(rest[0].Fields))
}

func runHalves(e *env) {
	claims := e.gather(5, ledger.RunPolicy{})
	e.happen(claims.Run.ID, startAnswer(ledger.Divided))
	for _, want := range []int{3, 2} {
		e.same(want, e.claims(ledger.Want{Lane: apiLane, Max: 1}).Run.Size)
	}
}

// A run that is refused pauses its target and holds its lane once, however many records it carries.
func runHeardOnce(e *env) {
	claims := e.gather(5, ledger.RunPolicy{})
	e.happen(claims.Run.ID, startAnswer(ledger.Refused))
	e.same("target.paused worker", e.told())
	e.must(e.Resume(e.Context(), worker))
	claims = e.claims(ledger.Want{Lane: apiLane, Max: 1})
	throttled := startAnswer(ledger.Throttled)
	throttled.Answer.RetryAfter = 2 * time.Second
	e.happen(claims.Run.ID, throttled)
	e.same(ledger.Claims{Wait: 2 * time.Second}, e.claims(ledger.Want{Lane: apiLane, Max: 1}))
}

func runAdopted(e *env) {
	claims := e.gather(2, ledger.RunPolicy{})
	e.happen(claims.Run.ID, startAnswer(ledger.Doubtful))
	e.wantStates([]ledger.State{ledger.Uncertain, ledger.Uncertain}, ids(claims.Work)...)
	found := e.completed("run_1", true)
	by, ok, err := e.Adopt(e.Context(), found, ids(claims.Work))
	e.must(err)
	e.same([]any{claims.Run.ID, true}, []any{by, ok})
	run, err := e.Run(e.Context(), by)
	e.must(err)
	e.same([]any{ledger.RunRunning, "run_1"}, []any{run.State, run.Clay})
	e.wantStates([]ledger.State{ledger.Sent, ledger.Sent}, ids(claims.Work)...)
	known, err := e.Completed(e.Context(), apiLane, "run_1")
	e.must(err)
	e.same(true, known)
}

// completed tells of the end of a run that is not known, and returns what is found, if that is wanted.
func (e *env) completed(clay string, want bool) ledger.RunID {
	e.Helper()
	known, err := e.Completed(e.Context(), apiLane, clay)
	e.must(err)
	e.same(want, known)
	if !known {
		return 0
	}
	e.clock.Advance(ledger.LookLater)
	run, _, err := e.Poll(e.Context(), apiLane)
	e.must(err)
	if run == nil || run.State != ledger.RunFound || run.Clay != clay {
		e.Fatalf("found %+v", run)
	}
	return run.ID
}

// A run of others in the workspace is looked at once, and only while a start's fate is not known.
func runForeign(e *env) {
	ours, _ := e.begun(1)
	e.happen(ours.ID, ledger.RunItems{Last: true})
	e.same(ledger.RunID(0), e.completed("run_of_others", false))
	e.accept(e.sub(worker))
	lost := e.claims(ledger.Want{Lane: apiLane, Max: 1})
	e.happen(lost.Run.ID, startAnswer(ledger.Doubtful))
	found := e.completed("run_of_others", true)
	_, ok, err := e.Adopt(e.Context(), found, []ledger.RecordID{{9, 9}})
	e.must(err)
	e.same(false, ok)
	run, err := e.Run(e.Context(), found)
	e.must(err)
	e.same(ledger.RunDone, run.State)
	known, err := e.Completed(e.Context(), apiLane, "run_of_others")
	e.must(err)
	e.same(true, known) // and nothing is asked again
	run, err = e.Run(e.Context(), found)
	e.must(err)
	e.same(ledger.RunDone, run.State)
}

func runPoll(e *env) {
	asking, cancel := e.hub.Subscribe(ledger.Asking(apiLane))
	defer cancel()
	run, _ := e.begun(1)
	e.woken(asking)
	polled, wait, err := e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same([]any{(*ledger.Run)(nil), 500 * time.Millisecond}, []any{polled, wait})
	e.clock.Advance(wait)
	polled, _, err = e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same(run.ID, polled.ID)
	polled, wait, err = e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same([]any{(*ledger.Run)(nil), ledger.PollLease}, []any{polled, wait})
	e.happen(run.ID, ledger.RunEnded{}) // its completion webhook
	polled, _, err = e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same(run.ID, polled.ID)
	e.clock.Advance(ledger.RunLifetime)
	polled, wait, err = e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same([]any{(*ledger.Run)(nil), ledger.Never}, []any{polled, wait})
	lost, err := e.Run(e.Context(), run.ID)
	e.must(err)
	e.same(ledger.RunLost, lost.State)
}

func runTake(e *env) {
	e.routines(ledger.RunPolicy{})
	granted, wait, err := e.Take(e.Context(), apiLane, 7)
	e.must(err)
	e.same([]any{5, 200 * time.Millisecond}, []any{granted, wait})
	e.accept(e.sub(worker))
	e.same(ledger.Claims{Wait: 200 * time.Millisecond}, e.claims(ledger.Want{Lane: apiLane, Max: 1}))
	e.clock.Advance(200 * time.Millisecond)
	e.same(1, e.claims(ledger.Want{Lane: apiLane, Max: 1}).Run.Size)
	e.must(e.Report(e.Context(), apiLane, ledger.Signal{Kind: ledger.Blocked, RetryAfter: time.Second}))
	e.clock.Advance(time.Second)
	granted, _, err = e.Take(e.Context(), apiLane, 2) // the probe
	e.must(err)
	e.same(1, granted)
	granted, wait, err = e.Take(e.Context(), apiLane, 1)
	e.must(err)
	e.same([]any{0, ledger.ClaimTimeout}, []any{granted, wait})
	e.must(e.Report(e.Context(), apiLane, ledger.Signal{Kind: ledger.Flowing}))
	granted, _, err = e.Take(e.Context(), apiLane, 1)
	e.must(err)
	e.same(1, granted)
}

func runRestart(e *env) {
	claims := e.gather(2, ledger.RunPolicy{})
	e.orphan(ledger.RunClaimTimeout)
	_, _, err := e.Poll(e.Context(), apiLane)
	e.must(err)
	run, err := e.Run(e.Context(), claims.Run.ID)
	e.must(err)
	e.same(ledger.RunUncertain, run.State)
	e.wantStates([]ledger.State{ledger.Uncertain, ledger.Uncertain}, ids(claims.Work)...)
}

func runUnknown(e *env) {
	_, err := e.ApplyRun(e.Context(), 99, ledger.RunEnded{})
	e.wantKind(ledger.NotFound, err)
	_, err = e.Run(e.Context(), 99)
	e.wantKind(ledger.NotFound, err)
}

func runLate(e *env) {
	run, records := e.begun(2)
	e.clock.Advance(ledger.RunLifetime - time.Second)
	e.happen(run.ID, ledger.RunProgress{})
	e.clock.Advance(time.Second)
	e.same(2, e.tickDue())
	e.wantStates([]ledger.State{ledger.Expired, ledger.Expired}, records...)
	e.happen(run.ID, ledger.RunItems{Items: []ledger.RunItem{done(records[0]), {Record: records[1], Reason: "not found"}}, Last: true})
	e.wantStates([]ledger.State{ledger.Done, ledger.Expired}, records...)
}

// A run is kept as long as the records that it carried.
func runPruned(e *env) {
	run, _ := e.begun(1)
	e.happen(run.ID, ledger.RunItems{Last: true})
	open, _ := e.begun(1)
	for _, days := range []time.Duration{89, 2} {
		_, err := e.Run(e.Context(), run.ID)
		e.must(err)
		e.clock.Advance(days * 24 * time.Hour)
		_, err = e.Prune(e.Context(), ledger.Retention{})
		e.must(err)
	}
	_, err := e.Run(e.Context(), run.ID)
	e.wantKind(ledger.NotFound, err)
	_, err = e.Run(e.Context(), open.ID)
	e.must(err)
}
