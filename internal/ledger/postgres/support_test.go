package postgres

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

const (
	people                 = "people"
	mainLane ledger.LaneID = "main/webhook"
)

// catalog has one target, whose lane is as fast as it can be.
func catalog() *ledger.Catalog {
	return ledger.NewCatalog([]ledger.Target{{Name: people, Lane: mainLane}}, map[ledger.LaneID]ledger.Pace{mainLane: {PerSecond: 1e6, Burst: 1e6}})
}

// replica opens a ledger as one of its replicas.
func replica(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Catalog == nil {
		o.Catalog = catalog()
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// replicas opens an empty ledger several times.
func replicas(t *testing.T, n int, o Options) []*Store {
	t.Helper()
	o.DSN = pgtest.Shared(t).Database(t)
	all := make([]*Store, n)
	for i := range all {
		all[i] = replica(t, o)
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var minted atomic.Uint64

// sub makes a submission that awaits a result.
func sub(change ...func(*ledger.Submission)) ledger.Submission {
	n := minted.Add(1)
	s := ledger.Submission{Target: people, Await: true, Fields: fmt.Appendf(nil, `{"email":"%d@example.com"}`, n)}
	binary.BigEndian.PutUint64(s.ID[8:], n)
	for _, c := range change {
		c(&s)
	}
	return s
}

func keyed(key byte) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.Key = ledger.Digest{key} }
}

// accept hands one submission in.
func accept(t *testing.T, s *Store, in ledger.Submission) ledger.Record {
	t.Helper()
	got, err := s.Accept(t.Context(), []ledger.Submission{in})
	must(t, err)
	return got[0].Record
}

// claim claims as many records as there are, at most n.
func claim(t *testing.T, s *Store, n int) []ledger.Claimed {
	t.Helper()
	got, err := s.Claim(t.Context(), ledger.Want{Lane: mainLane, Max: n})
	must(t, err)
	return got.Work
}

// result completes a record.
func result(t *testing.T, s *Store, id ledger.RecordID) {
	t.Helper()
	got, err := s.Apply(t.Context(), []ledger.Entry{{Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)}}})
	must(t, err)
	must(t, got[0].Err)
}

// woken waits until a subscriber is told.
func woken(t *testing.T, changed <-chan struct{}, within time.Duration) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(within):
		t.Fatalf("nobody was woken within %s", within)
	}
}
