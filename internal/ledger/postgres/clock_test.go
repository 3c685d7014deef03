package postgres

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

// Three replicas, whose machines' clocks are ten minutes apart, keep one pace together, and each waits as long for a result as is to be
// waited: what time it is the database says.
func TestReplicasWithClocksApart(t *testing.T) {
	const perSecond, burst, timeout = 50, 5, time.Second
	target := ledger.Target{Name: people, Lane: mainLane, ResultTimeout: timeout}
	o := Options{
		DSN:     pgtest.Shared(t).Database(t),
		Catalog: ledger.NewCatalog([]ledger.Target{target}, map[ledger.LaneID]ledger.Pace{mainLane: {PerSecond: perSecond, Burst: burst}}),
	}
	var all []*Store
	for _, off := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
		o.local = func() time.Time { return time.Now().Add(off) }
		all = append(all, replica(t, o))
	}
	waits := func(due []ledger.Entry, next time.Duration) bool { return len(due) == 0 && next > 0 && next <= timeout }
	for n, s := range all { // each sends one, which another waits for
		sent := accept(t, s, sub())
		began := time.Now()
		for len(claim(t, s, 1)) == 0 { // until there is a token
			time.Sleep(time.Millisecond)
		}
		_, err := s.Apply(t.Context(), []ledger.Entry{{Record: sent.ID, Event: ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted}}})
		must(t, err)
		other := all[(n+1)%len(all)]
		due, next, err := other.Due(t.Context(), 10)
		if must(t, err); !waits(due, next) && time.Since(began) < timeout {
			t.Errorf("replica %d sent one; the next finds %d due, and others in %s", n, len(due), next)
		}
		for len(due) == 0 {
			time.Sleep(max(next, time.Millisecond))
			due, next, err = other.Due(t.Context(), 10)
			must(t, err)
		}
		if took := time.Since(began); took < timeout || took > 10*timeout {
			t.Errorf("replica %d's record is due after %s, want %s", n, took, timeout)
		}
		done, err := other.Apply(t.Context(), due)
		if must(t, err); done[0].Record.State != ledger.Expired {
			t.Errorf("it is %s, want expired", done[0].Record.State)
		}
	}
	for range 4 * perSecond {
		accept(t, all[0], sub())
	}
	var claimed atomic.Int64
	began := time.Now()
	each(all, 1, func(s *Store) {
		for time.Since(began) < 2*time.Second {
			got, err := s.Claim(t.Context(), ledger.Want{Lane: mainLane, Max: 5})
			if err != nil {
				t.Error(err)
				return
			}
			claimed.Add(int64(len(got.Work)))
			time.Sleep(min(max(got.Wait, time.Millisecond), 20*time.Millisecond))
		}
	})
	took := time.Since(began)
	most := int64(burst + 1 + perSecond*took.Seconds())
	if n := claimed.Load(); n > most || n < most/2 {
		t.Errorf("%d claimed in %s, want at most %d, and most of them", n, took, most)
	}
}
