package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

const apiLane = ledger.LaneID("main/api")

// engine is all that brings records to a routine and their results back, between a real ledger and an emulated Clay in
// memory. Make it inside a synctest bubble: then its time is not the clock's.
type engine struct {
	t     *testing.T
	clay  *claytest.Server
	store ledger.Store
	hub   *ledger.Hub
	stop  func()
	load  ledger.LoadID
	n     int // records taken in so far
}

// setting says what an engine is made of; zero values mean a plain one.
type setting struct {
	clay claytest.PublicAPI
	keep int
	runs ledger.RunPolicy
	pace ledger.Pace
}

func newEngine(t *testing.T, s setting) *engine {
	t.Helper()
	e := &engine{t: t, hub: &ledger.Hub{}, clay: claytest.New(t, claytest.Options{InMemory: true, PublicAPI: s.clay, Keep: s.keep, Misses: -1})}
	if s.pace == (ledger.Pace{}) {
		s.pace = ledger.Pace{PerSecond: 5, Burst: 5}
	}
	s.pace.Adaptive = true
	catalog := ledger.NewCatalog([]ledger.Target{{Name: target, Lane: apiLane, Runs: &s.runs}}, map[ledger.LaneID]ledger.Pace{apiLane: s.pace})
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Catalog: catalog, Hub: e.hub})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	e.store = store
	if e.load, err = store.Load(t.Context(), ledger.Load{Target: target, Name: "test"}); err != nil {
		t.Fatal(err)
	}
	e.start()
	return e
}

// start begins to send and to ask.
func (e *engine) start() {
	client, err := clay.New(clay.Config{
		PublicAPIKey: "key", PublicAPIURL: e.clay.URL() + claytest.PublicAPIPath, Transport: e.clay.Transport(), Retries: -1,
		PublicAPIPacer: clay.NewPacer(-1, 0),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	sending := dispatch.New(dispatch.Options{
		Store: e.store, Hub: e.hub, Lanes: []ledger.LaneID{apiLane},
		Runners: map[string]dispatch.Runner{target: &dispatch.Routine{Routine: client.Routine("function:t_1")}},
	})
	asking := NewPoller(PollerOptions{Store: e.store, Hub: e.hub, Clients: map[ledger.LaneID]*clay.Client{apiLane: client}})
	sending.Start(0)
	asking.Start()
	stopped := false
	e.stop = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := sending.Stop(ctx); err != nil {
			e.t.Error(err)
		}
		asking.Stop()
		_ = client.Close()
	}
	e.t.Cleanup(e.stop)
}

// take takes n records in.
func (e *engine) take(n int) {
	e.t.Helper()
	var subs []ledger.Submission
	for range n {
		e.n++
		id := ledger.RecordID{12: byte(e.n >> 24), 13: byte(e.n >> 16), 14: byte(e.n >> 8), 15: byte(e.n)}
		subs = append(subs, ledger.Submission{
			ID: id, Target: target, Load: e.load, Work: ledger.Digest(id), Await: true,
			Fields: json.RawMessage(fmt.Sprintf(`{"email":"jo.doe%d@example.com"}`, e.n)),
		})
	}
	if _, err := e.store.Accept(e.t.Context(), subs); err != nil {
		e.t.Fatal(err)
	}
}

// until waits for the records to stand as wanted; two days are more than any test's time.
func (e *engine) until(what string, ok func(ledger.Counts) bool) {
	e.t.Helper()
	moved, cancel := e.hub.Subscribe(e.load)
	defer cancel()
	giveUp := time.After(48 * time.Hour)
	for {
		counts, err := e.store.LoadCounts(e.t.Context(), e.load)
		if err != nil {
			e.t.Fatal(err)
		}
		if ok(counts) {
			return
		}
		select {
		case <-moved:
		case <-giveUp:
			e.t.Fatalf("waited two days for %s, have %v", what, counts)
		}
	}
}

// in waits until n records are in a state.
func (e *engine) in(state ledger.State, n int) {
	e.t.Helper()
	e.until(string(state), func(c ledger.Counts) bool { return c.In(state) == n })
}

// once fails the test when Clay was given a record twice.
func (e *engine) once() {
	e.t.Helper()
	carried := map[string]int{}
	for _, run := range e.clay.RoutineRuns() {
		for _, item := range run.Items {
			if carried[item]++; carried[item] == 2 {
				e.t.Errorf("%s is in two runs at Clay", item)
			}
		}
	}
}

func (e *engine) faults(list ...claytest.Fault) {
	e.t.Helper()
	if err := e.clay.SetFaults(list...); err != nil {
		e.t.Fatal(err)
	}
}
