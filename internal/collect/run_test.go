package collect

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// unlimited is a Public API without a limit, whose runs take no time.
var unlimited = claytest.PublicAPI{PerSecond: -1, Delay: claytest.Delay{Max: -1}, Credits: -1}

// ordinary is one whose runs take a few seconds each.
var ordinary = claytest.PublicAPI{PerSecond: -1, Credits: -1}

func starts(e claytest.Event) bool { return strings.HasSuffix(e.Request.URL.Path, "/run") }

// Ten thousand records take at most 110 starts and 350 calls inline, and 20 calls in bulk.
func TestCalls(t *testing.T) {
	const records = 10_000
	for name, tt := range map[string]struct {
		bulkFrom, starts, calls int
	}{
		"inline": {-1, 110, 350},
		"bulk":   {0, 2, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, setting{clay: ordinary, runs: ledger.RunPolicy{BulkFrom: tt.bulkFrom}})
				e.take(records)
				began := time.Now()
				e.in(ledger.Done, records)
				e.once()
				st := e.clay.Stats()
				t.Logf("%d records: %d runs, %d calls in %s", records, st.Runs, st.Requests, time.Since(began).Round(time.Second))
				if st.Runs > tt.starts || st.Requests > tt.calls {
					t.Errorf("%d runs and %d calls, want at most %d and %d", st.Runs, st.Requests, tt.starts, tt.calls)
				}
			})
		})
	}
}

// On an idle lane a call waits for Clay, for others to share its run, and for the next question.
func TestWaitingCallOnAnIdleLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := unlimited
		api.Delay = claytest.Delay{Min: 3 * time.Second, Max: 3 * time.Second}
		e := newEngine(t, setting{clay: api})
		for range 5 {
			began := time.Now()
			e.take(1)
			e.in(ledger.Done, e.n)
			const interval = 2 * time.Second // at the run's age of 3 s it is asked for after half of it, give or take a fifth
			if added := time.Since(began) - 3*time.Second; added > ledger.DefaultLinger+interval {
				t.Errorf("%s were added", added)
			}
		}
	})
}

// Records that come one after the other share runs, and the last one does not wait for long.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: unlimited})
		for range 150 {
			e.take(1)
			time.Sleep(time.Millisecond)
		}
		e.in(ledger.Done, 150)
		if n := e.clay.Stats().Runs; n != 2 {
			t.Errorf("%d runs, want one of 100 and one of 50", n)
		}
		began := time.Now()
		e.take(1)
		e.until("its start", func(c ledger.Counts) bool { return c.In(ledger.Queued) == 0 })
		if lingered := time.Since(began); lingered > 210*time.Millisecond || lingered < 190*time.Millisecond {
			t.Errorf("it lingered for %s", lingered)
		}
		e.in(ledger.Done, 151)
	})
}

// A start whose answer is lost, in whatever way, is never made again by itself.
func TestLostAnswersStartNothingAgain(t *testing.T) {
	const answers = 1000
	synctest.Test(t, func(t *testing.T) {
		api := unlimited
		api.Retention = 1000 * time.Hour
		e := newEngine(t, setting{clay: api, runs: ledger.RunPolicy{Linger: -1}, pace: ledger.Pace{PerSecond: 1000, Burst: 1000}})
		e.faults(
			claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{502, 500, 504, 503}, RetryAfter: []string{}, Rate: 0.5, When: starts},
			claytest.Fault{Kind: claytest.CutAnswer, Bytes: 10, Rate: 0.5, When: starts},
			claytest.Fault{Kind: claytest.SlowAnswer, Latency: time.Minute, Rate: 0.3, When: starts},
			claytest.Fault{Kind: claytest.DropAfter, When: starts},
		)
		for n := range answers {
			e.take(1)
			e.until("its start", func(c ledger.Counts) bool { return c.In(ledger.Uncertain, ledger.Dead) == n+1 })
		}
		e.in(ledger.Dead, answers) // held until the deadline; a person decides
		if runs := e.clay.Stats().Runs; runs != answers {
			t.Errorf("%d runs were started for %d lost answers", runs, answers)
		}
		e.once()
		r := e.record(1)
		if !strings.Contains(r.Reason, "look for it in Clay") || !r.AtClay {
			t.Errorf("%q, at Clay %t", r.Reason, r.AtClay)
		}
		applied, err := e.store.Apply(t.Context(), []ledger.Entry{{Record: r.ID, Event: ledger.Replay{}}})
		if err != nil || applied[0].Err != nil {
			t.Fatal(err, applied[0].Err)
		}
		e.faults()
		e.in(ledger.Done, 1)
		if r := e.record(1); r.MayDuplicate != 1 {
			t.Errorf("a start that may be a second one is counted as %d", r.MayDuplicate)
		}
	})
}

// The pace that Clay does not publish is found: what is throttled is not lost, and little is.
func TestThrottledAPI(t *testing.T) {
	for name, hide := range map[string]bool{"with its limit": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := ordinary
				api.PerSecond, api.Burst, api.HideLimits = 2, 2, hide
				e := newEngine(t, setting{clay: api, runs: ledger.RunPolicy{BulkFrom: -1}})
				e.take(3000)
				e.in(ledger.Done, 3000)
				e.once()
				st := e.clay.Stats()
				t.Logf("%d calls, %d throttled", st.Requests, st.Status[429])
				if n := st.Status[429]; n == 0 || n > st.Requests/4 {
					t.Errorf("%d of %d calls were throttled", n, st.Requests)
				}
			})
		})
	}
}

// A run that goes on for ever is given up, and so is one that Clay has forgotten.
func TestRunsThatNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: unlimited})
		e.faults(claytest.Fault{Kind: claytest.RunStall})
		e.take(3)
		e.until("the end", func(c ledger.Counts) bool { return c.Open() == 0 })
		if r := e.record(1); r.State != ledger.Dead && r.State != ledger.Expired {
			t.Errorf("it is %s: %s", r.State, r.Reason)
		}
		calls := e.clay.Stats().Requests
		if calls > 900 {
			t.Errorf("it was asked for %d times", calls)
		}
		time.Sleep(time.Hour)
		if more := e.clay.Stats().Requests - calls; more > 0 {
			t.Errorf("it was asked for %d more times", more)
		}
	})
}

// Questions that fail in any way are asked again.
func TestQuestionsAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: unlimited})
		asks := func(e claytest.Event) bool { return strings.Contains(e.Request.URL.Path, "/routines/run/") }
		e.faults(
			claytest.Fault{Kind: claytest.Answer, Status: []int{429, 500, 504}, RetryAfter: []string{}, Count: 3, When: asks},
			claytest.Fault{Kind: claytest.DropBefore, Count: 1, When: asks},
			claytest.Fault{Kind: claytest.CutAnswer, Bytes: 50, Count: 1, When: asks},
			claytest.Fault{Kind: claytest.Answer, Status: []int{200}, Body: "<html>", Count: 1, When: asks},
		)
		e.take(3)
		e.in(ledger.Done, 3)
		e.once()
		if n := e.clay.Stats().Requests; n != 8 {
			t.Errorf("%d calls, want the start, six questions that fail and one that does not", n)
		}
	})
}

// A cursor that Clay no longer takes, however often, sends nobody away without results: the pages are read anew.
func TestRefusedCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: unlimited})
		first := func(e claytest.Event) bool {
			return strings.Contains(e.Request.URL.Path, "/routines/run/") && !e.Request.URL.Query().Has("cursor")
		}
		e.faults(claytest.Fault{
			Kind: claytest.Answer, Status: []int{200}, Count: 6, When: first,
			Body: `{"routine_run_id":"r","total":3,"finished":3,"status":"complete","data":[],"cursor":"of yesterday"}`,
		})
		began := time.Now()
		e.take(3)
		e.in(ledger.Done, 3)
		e.once()
		if n := e.clay.Stats().Requests; n != 14 || time.Since(began) > 5*time.Minute {
			t.Errorf("%d calls in %s, want the start, six first pages with a dead cursor, and one without", n, time.Since(began))
		}
	})
}

func TestForgottenRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: unlimited})
		e.faults(claytest.Fault{Kind: claytest.Answer, Status: []int{404}, When: func(e claytest.Event) bool { return strings.Contains(e.Request.URL.Path, "/results") }})
		e.take(3)
		e.in(ledger.Dead, 3)
		if r := e.record(2); !strings.Contains(r.Reason, "no longer knows the run") {
			t.Error(r.Reason)
		}
	})
}

func (e *engine) record(n byte) ledger.Record {
	e.t.Helper()
	records, err := e.store.Records(e.t.Context(), []ledger.RecordID{{15: n}})
	if err != nil || len(records) != 1 {
		e.t.Fatalf("%d records: %v", len(records), err)
	}
	return records[0]
}
