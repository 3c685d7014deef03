package ledger

import (
	"cmp"
	"fmt"
	"time"
)

// RunChange is what an event does to a run. Stores write all of it in the transaction in which they locked the run.
type RunChange struct {
	Run    Run
	Due    time.Duration // from now until it is to be looked at next, or Never
	Items  []RunItem     // each happens to its record, if the run carries it; see [RunChange.Item]. Of a followed run they are kept
	Rest   Event         // then this happens to the run's records; see [RunChange.Each]; nil for nothing
	All    bool          // Rest happens to all of its records, else only to those that still wait
	Usual  time.Duration // what runs of its target and kind usually take from now on; 0 for as before
	Lane   Signal        // what it says about the lane's pace
	Target Signal        // what it says about the target's health
	Pause  Pause         // the target is to pause, when it has a reason
}

// Item returns what an item means for its record, in whose attempt of that number the run carried it.
func (RunChange) Item(i RunItem, attempt int) Event { return i.event(attempt) }

// Each returns Rest for a record, in whose attempt of that number the run carried it.
func (c RunChange) Each(attempt int) Event {
	switch e := c.Rest.(type) {
	case Answer:
		e.Attempt = attempt
		return e
	case Failure:
		e.Attempt = attempt
		return e
	}
	return c.Rest
}

// At returns the position among the kept items of a followed run at which Items begin. Whatever is kept beyond
// [Run.Brought] when the run ends is not of it.
func (c RunChange) At() int { return c.Run.Brought - len(c.Items) }

// DecideRun applies an event to a run: its state table. Like [Decide] it reads no clock and does no I/O. Nothing is
// ever refused: an event that the run's state has no use for changes nothing, because it is a fact that came late.
func DecideRun(t Target, r Run, e RunEvent) RunChange {
	switch e := e.(type) {
	case RunAnswer:
		return runAnswered(r, e)
	case RunTick:
		return runTick(t, r, e)
	case RunAdopted:
		if r.State == RunStarting || r.State == RunUncertain {
			accepted := Answer{Outcome: Answered, Verdict: Accepted, Excerpt: "its completion webhook came"}
			return runBegun(r, e.Clay, accepted)
		}
		return r.stay()
	}
	if !r.State.open() {
		return r.stay()
	}
	switch e := e.(type) {
	case RunProgress:
		r.Polls++
		r.Misses, r.Reason = 0, ""
		return RunChange{Run: r, Due: r.pollAgain(e.Jitter), Lane: Signal{Kind: Flowing}}
	case RunEnded:
		return RunChange{Run: r}
	case RunItems:
		return runItems(r, e)
	case RunFailed:
		return runFailed(r, e)
	case RunGone:
		if r.State == RunFound && r.Kind == "" { // no inline run, so a bulk one
			r.Kind = Bulk
			return RunChange{Run: r, Lane: Signal{Kind: Flowing}}
		}
		c := r.lose("Clay no longer knows the run: its results were not fetched in time")
		c.Lane = Signal{Kind: Flowing}
		return c
	case RunTrouble:
		return runTrouble(r, e)
	}
	return r.stay()
}

// stay changes nothing but, at most, when the run is looked at.
func (r Run) stay() RunChange {
	c := RunChange{Run: r, Due: Never}
	switch r.State {
	case RunStarting:
		c.Due = max(RunClaimTimeout-r.SinceStart, 0)
	case RunUncertain:
		c.Due = max(RunLifetime-r.SinceStart, 0)
	case RunRunning, RunFetching, RunFound:
		c.Due = 0
	}
	return c
}

// runAnswered applies the answer to the start.
func runAnswered(r Run, e RunAnswer) RunChange {
	a := e.Answer
	if a.Verdict == Divided && r.Size <= 1 {
		a.Verdict = Rejected // nothing is left to divide: it is this one
	}
	if a.Verdict == Divided {
		a.RunLimit = min((r.Size+1)/2, MaxRun)
	}
	open := r.State == RunStarting || r.State == RunUncertain
	switch {
	case !open && a.Verdict != Accepted:
		return r.stay().heard(a)
	case a.Verdict == Accepted && open:
		return runBegun(r, e.Clay, a)
	case a.Verdict == Accepted: // given up meanwhile, and yet it runs
		c := r.stay()
		c.Rest, c.All = a, true
		return c
	}
	r.State, r.Reason = RunRejected, a.Reason
	if a.Verdict == Doubtful || a.Verdict == Failed {
		a.Verdict, r.State = Doubtful, RunUncertain
	}
	c := r.stay()
	c.Rest, c.All = a, true
	c = c.heard(a)
	if a.Verdict == Refused {
		c.Pause = Pause{Reason: cmp.Or(a.Reason, "Clay refused a run of it"), Status: a.Status}
	}
	return c
}

// runBegun notes that Clay took the run.
func runBegun(r Run, clay string, a Answer) RunChange {
	r.State, r.Clay, r.Reason = RunRunning, clay, ""
	return RunChange{Run: r, Due: r.firstPoll(), Rest: a, All: true}.heard(a)
}

// heard adds what the answer to the start says about lane and target: one call, however many records it carried.
func (c RunChange) heard(a Answer) RunChange {
	c.Lane, c.Target = a.signal(), Signal{Kind: a.target(), Jitter: a.Jitter}
	c.Lane.Age, c.Target.Age = c.Run.SinceStart, c.Run.SinceStart
	return c
}

func runItems(r Run, e RunItems) RunChange {
	c := RunChange{Items: e.Items, Lane: Signal{Kind: Flowing}}
	if r.Followed {
		kept, err := r.bring(e.From, e.Items)
		if err != nil {
			c = r.lose(err.Error())
			c.Lane = Signal{Kind: Flowing}
			return c
		}
		r = kept
	}
	if r.State == RunRunning {
		c.Usual = r.learn()
	}
	r.State = RunFetching
	if e.Cursor == "" && !e.Last { // a stretch of a file: what follows tells how it went
		c.Run, c.Due = r, PollLease
		return c
	}
	if r.Cursor != "" || e.Cursor == "" { // else the page may be the first one again, because Clay refused the second's cursor
		r.Misses, r.Reason = 0, ""
	}
	r.Cursor = e.Cursor
	r.Pages++
	if e.Last || r.Pages > r.Size+1 { // pages that go round in a circle
		r.State, r.Cursor = RunDone, ""
		c.Due, c.Rest = Never, Failure{Reason: Missing}
	}
	c.Run = r
	return c
}

// runFailed ends a run that has no results. What Clay did not begin to work on goes back to the queue: those that it
// does not blame as they were, or, where it blames none, in inline runs, so that halving finds the bad ones.
func runFailed(r Run, e RunFailed) RunChange {
	c := r.lose(e.Reason)
	c.Lane = Signal{Kind: Flowing}
	if r.Followed {
		return c.told(e.Answer)
	}
	c.Items = e.Items
	switch {
	case !e.Unworked:
	case len(e.Items) > 0:
		c.Rest = Failure{Reason: e.Reason, Unworked: true}
	case r.Size > 1:
		c.Rest = Failure{Reason: e.Reason, Unworked: true, RunLimit: min((r.Size+1)/2, MaxRun)}
	}
	return c
}

// lose gives a run up, and with it the records that wait for it, or the items that are kept of it.
func (r Run) lose(reason string) RunChange {
	r.State, r.Reason = RunLost, reason
	r.Brought, r.Bytes = 0, 0
	return RunChange{Run: r, Due: Never, Rest: Failure{Reason: reason}}
}

// runTrouble asks again later.
func runTrouble(r Run, e RunTrouble) RunChange {
	a := e.Answer
	if e.Restart {
		r.Cursor, r.Pages = "", 0
	}
	r.Misses++
	r.Reason = a.Reason
	c := RunChange{Run: r, Lane: a.signal(), Due: max(a.RetryAfter, troubleBase/2+fullJitter(troubleBase, r.Misses-1, a.Jitter))}
	if a.Verdict == Refused {
		c.Due = max(c.Due, refusedDelay)
		c.Pause = Pause{Reason: cmp.Or(a.Reason, "Clay refused a question about a run of it"), Status: a.Status}
	}
	return c
}

// Asking again after a question that failed.
const (
	troubleBase  = time.Second
	refusedDelay = time.Minute // until a key or a plan may have been mended
)

func runTick(t Target, r Run, e RunTick) RunChange {
	const gone = "the process that was starting it ended before Clay's answer was known"
	lifetime := max(RunLifetime, t.ResultTimeout)
	if r.Followed {
		lifetime = FollowLifetime
	}
	switch {
	case r.State == RunStarting && (e.Orphaned || r.SinceStart >= RunClaimTimeout):
		r.State, r.Reason = RunUncertain, gone
		return r.stay() // its records have the same deadline of their own
	case r.State.open() && r.SinceStart >= lifetime:
		why := fmt.Sprintf("no results came within %s of the run's start", lifetime)
		if r.Reason != "" {
			why += ": " + r.Reason
		}
		return r.lose(why)
	case r.State == RunUncertain && r.SinceStart >= lifetime:
		r.State = RunLost
		return RunChange{Run: r, Due: Never} // what becomes of its records is the target's policy
	}
	return r.stay()
}
