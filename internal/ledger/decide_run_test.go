package ledger

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// runTable is the way of a run, spelled out: for each event and each state, the state afterwards; "·" means that it
// stays as it is. Behind a comma stands what happens to the records that the run carries.
const runTable = `
event         starting           running            fetching           done     rejected  uncertain          lost     found
accepted      running,accepted   ·,accepted         ·,accepted         ·,accepted ·,accepted running,accepted ·,accepted ·,accepted
doubtful      uncertain,doubtful ·                  ·                  ·        ·         uncertain,doubtful ·        ·
failed        uncertain,doubtful ·                  ·                  ·        ·         uncertain,doubtful ·        ·
unsent        rejected,unsent    ·                  ·                  ·        ·         rejected,unsent    ·        ·
throttled     rejected,throttled ·                  ·                  ·        ·         rejected,throttled ·        ·
refused       rejected,refused   ·                  ·                  ·        ·         rejected,refused   ·        ·
divided       rejected,divided   ·                  ·                  ·        ·         rejected,divided   ·        ·
divided-one   rejected,rejected  ·                  ·                  ·        ·         rejected,rejected  ·        ·
progress      ·                  ·                  ·                  ·        ·         ·                  ·        ·
items         ·                  fetching           fetching           ·        ·         ·                  ·        fetching
items-last    ·                  done,dead          done,dead          ·        ·         ·                  ·        done,dead
items-circle  ·                  done,dead          done,dead          ·        ·         ·                  ·        done,dead
ended         ·                  ·                  ·                  ·        ·         ·                  ·        ·
failed-run    ·                  lost,dead          lost,dead          ·        ·         ·                  ·        lost,dead
unworked      ·                  lost,queued        lost,queued        ·        ·         ·                  ·        lost,queued
unworked-one  ·                  lost,dead          lost,dead          ·        ·         ·                  ·        lost,dead
gone          ·                  lost,dead          lost,dead          ·        ·         ·                  ·        lost,dead
trouble       ·                  ·                  ·                  ·        ·         ·                  ·        ·
restart       ·                  ·                  ·                  ·        ·         ·                  ·        ·
tick-early    ·                  ·                  ·                  ·        ·         ·                  ·        ·
tick-claim    uncertain          ·                  ·                  ·        ·         ·                  ·        ·
tick-late     uncertain          lost,dead          lost,dead          ·        ·         lost               ·        lost,dead
orphaned      uncertain          ·                  ·                  ·        ·         ·                  ·        ·
adopted       running,accepted   ·                  ·                  ·        ·         running,accepted   ·        ·
`

// runOccurrence is an event, and what the run must be like for it.
type runOccurrence struct {
	event   RunEvent
	prepare func(*Run)
}

func runOccurrences() map[string]runOccurrence {
	alone := func(r *Run) { r.Size = 1 }
	old := func(d time.Duration) func(*Run) { return func(r *Run) { r.SinceStart = d } }
	all := map[string]runOccurrence{
		"divided-one":  {RunAnswer{Answer: Answer{Verdict: Divided}}, alone},
		"progress":     {event: RunProgress{Jitter: 0.5}},
		"items":        {event: RunItems{Items: []RunItem{{}}, Cursor: "next"}},
		"items-last":   {event: RunItems{Last: true}},
		"items-circle": {RunItems{Cursor: "next"}, func(r *Run) { r.Pages = r.Size + 1 }},
		"ended":        {event: RunEnded{}},
		"failed-run":   {event: RunFailed{Reason: "processing_failed"}},
		"unworked":     {event: RunFailed{Reason: "validation_failed", Unworked: true}},
		"unworked-one": {RunFailed{Reason: "validation_failed", Unworked: true}, alone},
		"gone":         {event: RunGone{}},
		"trouble":      {event: RunTrouble{Answer: Answer{Verdict: Doubtful, Reason: "silence"}}},
		"restart":      {event: RunTrouble{Answer: Answer{Verdict: Failed, Reason: "no such cursor"}, Restart: true}},
		"tick-early":   {RunTick{}, old(RunClaimTimeout - 1)},
		"tick-claim":   {RunTick{}, old(RunClaimTimeout)},
		"tick-late":    {RunTick{}, old(RunLifetime)},
		"orphaned":     {event: RunTick{Orphaned: true}},
		"adopted":      {event: RunAdopted{Clay: "run_1"}},
	}
	for _, v := range []Verdict{Accepted, Doubtful, Failed, Unsent, Throttled, Refused, Divided} {
		all[string(v)] = runOccurrence{event: RunAnswer{Answer: Answer{Verdict: v, Outcome: Answered}, Clay: "run_1"}}
	}
	return all
}

func TestDecideRunStateTable(t *testing.T) {
	all := runOccurrences()
	lines := strings.Split(strings.TrimSpace(runTable), "\n")
	states := strings.Fields(lines[0])[1:]
	if len(states) != len(RunStates) || len(lines)-1 != len(all) {
		t.Fatalf("the table has %d states and %d events, want %d and %d", len(states), len(lines)-1, len(RunStates), len(all))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		o, ok := all[cells[0]]
		if !ok {
			t.Fatalf("the event %s is not defined", cells[0])
		}
		for i, cell := range cells[1:] {
			t.Run(cells[0]+"/"+states[i], func(t *testing.T) {
				r := Run{ID: 1, Target: "work-email", Kind: Inline, State: RunState(states[i]), Size: 10}
				if o.prepare != nil {
					o.prepare(&r)
				}
				checkRunStep(t, r, o.event, cell)
			})
		}
	}
}

func checkRunStep(t *testing.T, before Run, e RunEvent, cell string) {
	t.Helper()
	want, rest, _ := strings.Cut(cell, ",")
	if want == "·" {
		want = string(before.State)
	}
	c := DecideRun(Target{Runs: &RunPolicy{}}, before, e)
	if string(c.Run.State) != want {
		t.Errorf("%T on %s: %s, want %s", e, before.State, c.Run.State, want)
	}
	if got := restOf(c); got != rest {
		t.Errorf("%T on %s: its records hear %q, want %q", e, before.State, got, rest)
	}
	over := c.Run.State == RunDone || c.Run.State == RunRejected || c.Run.State == RunLost
	if over != (c.Due == Never) {
		t.Errorf("%T on %s: %s, due in %s", e, before.State, c.Run.State, c.Due)
	}
	if c.Run.State == RunLost && before.State != RunLost && before.State != RunUncertain && c.Run.Reason == "" {
		t.Errorf("%T on %s: lost without a reason", e, before.State)
	}
	if before.State == RunDone && !reflect.DeepEqual(c.Run, before) {
		t.Errorf("%T changed a run that was done: %+v", e, c.Run)
	}
}

// restOf names what the run's records hear: the verdict of their attempt, or the state that they end in.
func restOf(c RunChange) string {
	switch e := c.Each(3).(type) {
	case nil:
		return ""
	case Answer:
		if e.Attempt == 3 && c.All {
			return string(e.Verdict)
		}
	case Failure:
		switch {
		case e.Attempt != 3 || c.All:
		case e.Unworked && e.RunLimit == 5:
			return "queued"
		case !e.Unworked && e.Reason != "":
			return "dead"
		}
	}
	return fmt.Sprintf("%#v", c.Rest)
}

// A refused cursor is given up, and Clay is asked less and less often while it goes on refusing.
func TestRestartedPages(t *testing.T) {
	r, last := Run{State: RunRunning, Size: 1}, time.Duration(0)
	for n := range 6 {
		r = DecideRun(Target{Runs: &RunPolicy{}}, r, RunItems{Cursor: "x"}).Run
		c := DecideRun(Target{Runs: &RunPolicy{}}, r, RunTrouble{Answer: Answer{Verdict: Failed, Reason: "no such cursor", Jitter: 1}, Restart: true})
		if r = c.Run; r.State != RunFetching || r.Cursor != "" || c.Due < last || n > 3 && c.Due < 10*time.Second {
			t.Fatalf("%d: %+v, due in %s", n, r, c.Due)
		}
		last = c.Due
	}
}

// A run whose records are too many, or hold a bad one, comes back as halves, until the bad one is alone.
func TestRunsAreHalved(t *testing.T) {
	size, starts := 100, 0
	for {
		starts++
		c := DecideRun(Target{Runs: &RunPolicy{}}, Run{State: RunStarting, Size: size}, RunAnswer{Answer: Answer{Verdict: Divided}})
		a := c.Each(1).(Answer)
		if a.Verdict == Rejected {
			break
		}
		if a.RunLimit >= size || a.RunLimit < 1 {
			t.Fatalf("a run of %d is divided into runs of %d", size, a.RunLimit)
		}
		size = a.RunLimit
	}
	if size != 1 || starts != 8 {
		t.Errorf("the bad one was found in a run of %d after %d starts", size, starts)
	}
	c := DecideRun(Target{Runs: &RunPolicy{}}, Run{State: RunStarting, Kind: Bulk, Size: 10_000}, RunAnswer{Answer: Answer{Verdict: Divided}})
	if limit := c.Each(1).(Answer).RunLimit; limit != MaxRun {
		t.Errorf("a bulk run is divided into runs of %d", limit)
	}
}

func TestPolling(t *testing.T) {
	quietRun := Run{State: RunRunning, Kind: Inline, Size: 1}
	busyRun := quietRun
	busyRun.Others, busyRun.Usual = quiet, 30*time.Second
	for name, got := range map[string][2]time.Duration{
		"the first question is soon":                     {quietRun.firstPoll(), 500 * time.Millisecond},
		"on a busy lane it comes when the end is likely": {busyRun.firstPoll(), 30 * time.Second},
		"a short run is asked for often":                 {aged(quietRun, time.Second).pollAgain(0.5), 500 * time.Millisecond},
		"a longer one less often":                        {aged(quietRun, 8*time.Second).pollAgain(0.5), 4 * time.Second},
		"but not too seldom":                             {aged(quietRun, 40*time.Second).pollAgain(0.5), 5 * time.Second},
		"one of an hour every other minute":              {aged(quietRun, time.Hour).pollAgain(0.5), 2 * time.Minute},
		"on a busy lane less often":                      {aged(busyRun, time.Second).pollAgain(0.5), time.Second},
		"what is found at once may take less":            {aged(busyRun, time.Second).learn(), 30*time.Second - 30*time.Second/32},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %s, want %s", name, got[0], got[1])
		}
	}
	busyRun.Polls = 2
	if got, want := aged(busyRun, 70*time.Second).learn(), 50*time.Second; got != want {
		t.Errorf("a run that took longer teaches %s, want %s", got, want)
	}
}

func aged(r Run, d time.Duration) Run {
	r.SinceStart = d
	return r
}
