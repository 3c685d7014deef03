package dispatch

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// driver is a target that answers as it is told to.
type driver func() ledger.Answer

func (d driver) Send(context.Context, ledger.Claimed) ledger.Answer { return d() }

// A target that failed for a weekend lost all of its records, and kept the others of its workspace waiting.
func TestFailingTargetIsProbedAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended atomic.Bool
		var calls, atOnce, most atomic.Int64
		failing := driver(func() ledger.Answer {
			calls.Add(1)
			most.Store(max(most.Load(), atOnce.Add(1)))
			defer atOnce.Add(-1)
			time.Sleep(50 * time.Millisecond) // of the bubble's time
			if mended.Load() {
				return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200}
			}
			return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Failed, Status: 500, Reason: "it is down"}
		})
		healthy := driver(func() ledger.Answer {
			return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200}
		})
		r := newRig(t, setup{others: []string{"firms"}, options: Options{Drivers: map[string]Driver{target: failing, "firms": healthy}}})
		ids := r.takeFor(t, target, 60, false)
		began := time.Now()
		r.Start(0)
		r.until(t, "the breaker", func(ledger.Counts) bool { return r.status(t, target).Breaker.Open() })
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it opened after %s", took)
		}
		tries := r.tries(t, ids)
		before := time.Now()
		r.takeFor(t, "firms", 40, false)
		r.in(t, ledger.Done, 40)
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("the healthy target's 40 records took %s at 10 a second", took)
		}
		calls.Store(0)
		most.Store(0)
		time.Sleep(time.Hour)
		if n := calls.Load(); most.Load() != 1 || n < 180 || n > 1000 {
			t.Errorf("%d probes in an hour, %d at once", n, most.Load())
		}
		if now := r.tries(t, ids); now != tries {
			t.Errorf("the records used up %d tries, and %d when it had just opened", now, tries)
		}
		mended.Store(true)
		r.in(t, ledger.Done, 100)
		if r.status(t, target).Breaker != (ledger.Breaker{}) {
			t.Error("it stayed open")
		}
	})
}

// tries returns how many tries the records have used up.
func (r *rig) tries(t *testing.T, ids []ledger.RecordID) (n int) {
	t.Helper()
	for _, id := range ids {
		n += r.record(t, id).Tries
	}
	return n
}

func (r *rig) status(t *testing.T, target string) ledger.TargetStatus {
	t.Helper()
	status, err := r.store.TargetStatus(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return status
}
