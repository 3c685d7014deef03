package dispatch

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	target = "people"
	lane   = ledger.LaneID("main/webhook")
)

// webhook is the digest by which the tests' one webhook is known.
var webhook = ledger.Digest{1}

// rig is a dispatcher between a real ledger and an emulated Clay, in memory. Make it inside a synctest bubble.
type rig struct {
	*Dispatcher
	clay   *claytest.Server
	store  ledger.Store
	load   ledger.LoadID
	number byte // of the last record

	mu    sync.Mutex
	heard []ledger.Answer // what Observe was told
}

// setup says what a rig is made of; zero values mean a plain one.
type setup struct {
	clay    claytest.Options
	client  clay.Config
	target  ledger.Target
	others  []string // further targets on the same lane
	pace    ledger.Pace
	options Options
	store   func(ledger.Store) Store // put between dispatcher and ledger
}

func newRig(t *testing.T, s setup) *rig {
	t.Helper()
	s.clay.InMemory = true
	r := &rig{clay: claytest.New(t, s.clay)}
	s.client.WebhookURL, s.client.Transport = r.clay.WebhookURL(target), r.clay.Transport()
	client, err := clay.New(s.client)
	if err != nil {
		t.Fatal(err)
	}
	s.target.Name, s.target.Lane = target, lane
	s.target.Webhooks = []ledger.Webhook{{ID: webhook}}
	targets := []ledger.Target{s.target}
	for _, name := range s.others {
		targets = append(targets, ledger.Target{Name: name, Lane: lane})
	}
	catalog := ledger.NewCatalog(targets, map[ledger.LaneID]ledger.Pace{lane: s.pace})
	hub := &ledger.Hub{}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Catalog: catalog, Hub: hub})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r.store = store
	if r.load, err = store.Load(t.Context(), ledger.Load{Target: target, Name: "test"}); err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Store, o.Hub, o.Lanes, o.Observe = store, hub, catalog.Lanes(), r.observe
	if s.store != nil {
		o.Store = s.store(store)
	}
	if o.Drivers == nil {
		o.Drivers = map[string]Driver{target: &Table{
			Webhooks: map[ledger.Digest]Sender{webhook: client}, Tickets: ledger.NewTickets([]byte("secret")),
		}}
	}
	r.Dispatcher = New(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return r
}

func (r *rig) observe(_ ledger.Record, a ledger.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, a)
}

// answers returns what Observe was told so far.
func (r *rig) answers() []ledger.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]ledger.Answer(nil), r.heard...)
}

// accept takes in n records whose results are not awaited: Clay's 2xx ends them.
func (r *rig) accept(t *testing.T, n int) []ledger.RecordID { return r.take(t, n, false) }

func (r *rig) take(t *testing.T, n int, await bool) []ledger.RecordID {
	t.Helper()
	return r.takeFor(t, target, n, await)
}

func (r *rig) takeFor(t *testing.T, target string, n int, await bool) []ledger.RecordID {
	t.Helper()
	var subs []ledger.Submission
	var ids []ledger.RecordID
	for range n {
		r.number++
		id := ledger.RecordID{15: r.number}
		ids = append(ids, id)
		subs = append(subs, ledger.Submission{
			ID: id, Target: target, Load: r.load, Work: ledger.Digest{r.number}, Await: await, Fields: json.RawMessage(`{"email":"a@b.c"}`),
		})
	}
	if _, err := r.store.Accept(t.Context(), subs); err != nil {
		t.Fatal(err)
	}
	return ids
}

// until waits for the load's counts to be as wanted; an hour is more than any test's fake time.
func (r *rig) until(t *testing.T, what string, ok func(ledger.Counts) bool) ledger.Counts {
	t.Helper()
	moved, cancel := r.Hub.Subscribe(r.load)
	defer cancel()
	giveUp := time.After(time.Hour)
	for {
		counts, err := r.store.LoadCounts(t.Context(), r.load)
		if err != nil {
			t.Fatal(err)
		}
		if ok(counts) {
			return counts
		}
		select {
		case <-moved:
		case <-giveUp:
			t.Fatalf("waited an hour for %s, have %v", what, counts)
		}
	}
}

// in waits until n records are in a state.
func (r *rig) in(t *testing.T, state ledger.State, n int) {
	t.Helper()
	r.until(t, string(state), func(c ledger.Counts) bool { return c.In(state) == n })
}

// underWay waits until n requests are: Clay has their rows, and has not answered.
func (r *rig) underWay(t *testing.T, n int) {
	t.Helper()
	if err := r.clay.WaitRows(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	r.in(t, ledger.Sending, n)
}

func (r *rig) record(t *testing.T, id ledger.RecordID) ledger.Record {
	t.Helper()
	records, err := r.store.Records(t.Context(), []ledger.RecordID{id})
	if err != nil || len(records) != 1 {
		t.Fatalf("found %d records: %v", len(records), err)
	}
	return records[0]
}

func (r *rig) attempts(t *testing.T, id ledger.RecordID) []ledger.Attempt {
	t.Helper()
	attempts, err := r.store.Attempts(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return attempts
}
