// Package ledgertest is the conformance suite of the ledger's stores: what every one of them must do, whatever it keeps
// its rows in. A store's own tests call [Run] and add what only they can know.
package ledgertest

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// Options says which ledger to open and how.
type Options struct {
	// Dir is a folder of the ledger's own: opened again with the same one, a store finds what the former one left. A
	// store that keeps nothing in folders takes it as the ledger's name.
	Dir string
	// Catalog, Hub, Now: see the options of a store. They are never nil.
	Catalog *ledger.Catalog
	Hub     *ledger.Hub
	Now     func() time.Time
	// Volatile says that the ledger need not survive a power cut: where thousands of commits are played, the disk would
	// take most of the time.
	Volatile bool
}

// Opener opens a ledger for a test. It fails the test when it cannot; the suite closes what it got.
type Opener func(t *testing.T, o Options) ledger.Store

// Run checks that the stores that open returns are stores. Such a store is the only one of its ledger, so that what a former
// one had under way is known to be orphaned once it is opened.
func Run(t *testing.T, open Opener) { check(t, open, false) }

// RunShared is Run for stores of which several have one ledger: what one of them had under way is found orphaned when its
// time is up.
func RunShared(t *testing.T, open Opener) { check(t, open, true) }

func check(t *testing.T, open Opener, replicas bool) {
	for _, group := range []struct {
		name  string
		tests map[string]func(*env)
	}{
		{"Accept", acceptTests},
		{"Claim", claimTests},
		{"Pace", paceTests},
		{"Breaker", breakerTests},
		{"Apply", applyTests},
		{"Share", shareTests},
		{"Read", readTests},
		{"Keep", keepTests},
		{"Prune", pruneTests},
		{"Erase", eraseTests},
		{"Audit", auditTests},
		{"Serve", serveTests},
		{"Runs", runTests},
		{"Outbox", outboxTests},
		{"Money", moneyTests},
		{"Together", togetherTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					e := newEnv(t, t.TempDir(), open)
					e.replicas = replicas
					e.Store = open(t, e.opts)
					t.Cleanup(func() { e.must(e.Close()) })
					test(e)
				})
			}
		})
	}
	t.Run("Model", func(t *testing.T) { checkAgainstModel(t, open, replicas) })
	t.Run("OutboxModel", func(t *testing.T) { checkOutboxAgainstModel(t, open, replicas) })
	t.Run("RunModel", func(t *testing.T) { checkRunsAgainstModel(t, open, replicas) })
}

// Clock is a clock that stands still unless it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows some time with a fraction of a microsecond, which stores do not keep.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 2, 3, 4, 5, 6, 789_012_345, time.Local)}
}

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock, also back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// The lanes and targets of the suite's ledgers.
const (
	lane      ledger.LaneID = "main/webhook"
	otherLane ledger.LaneID = "main/api"
	stormLane ledger.LaneID = "main/storm"
	people                  = "people"  // awaits results; two webhooks that take 5 and 3
	firms                   = "firms"   // on the same lane, without webhooks
	routine                 = "routine" // on another lane; uncertain records are held
	timeout                 = 10 * time.Minute
)

var first, second = ledger.Digest{1}, ledger.Digest{2}

// reporter is the part of a test that says what is wrong: a *testing.T, or a *rapid.T where a history is played.
type reporter interface {
	Helper()
	Context() context.Context
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// env is one test with its ledger.
type env struct {
	reporter
	ledger.Store
	test  *testing.T
	clock *Clock
	hub   *ledger.Hub
	opts  Options
	open  Opener
	// replicas says that others may have the ledger open, so that opening it orphans nothing.
	replicas bool
	minted
}

// newEnv returns a test's surroundings; the ledger is still to be opened.
func newEnv(t *testing.T, dir string, open Opener) *env {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := &env{reporter: t, test: t, clock: NewClock(), hub: &ledger.Hub{}, open: open}
	e.opts = Options{Dir: dir, Hub: e.hub, Now: e.clock.Now, Catalog: ledger.NewCatalog([]ledger.Target{
		{Name: people, Lane: lane, ResultTimeout: timeout, Webhooks: []ledger.Webhook{{ID: first, Limit: 5}, {ID: second, Limit: 3}}},
		{Name: firms, Lane: lane, ResultTimeout: timeout},
		{Name: routine, Lane: otherLane, ResultTimeout: time.Hour, OnUncertain: ledger.Hold},
	}, map[ledger.LaneID]ledger.Pace{lane: {PerSecond: 10, Burst: 10}, otherLane: {PerSecond: 1000, Burst: 1000}})}
	return e
}

// reopen closes the ledger and opens it again, as after a restart.
func (e *env) reopen() {
	e.Helper()
	e.must(e.Close())
	e.Store = e.open(e.test, e.opts)
}

// orphan ends the process that has something under way, and waits as long as others wait for it: not at all, where there are
// none.
func (e *env) orphan(timeout time.Duration) {
	e.Helper()
	e.reopen()
	if e.replicas {
		e.clock.Advance(timeout)
		e.tickDue()
	}
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// minted makes distinct submissions.
type minted struct {
	mu sync.Mutex
	n  uint64
}

func (m *minted) sub(target string, change ...func(*ledger.Submission)) ledger.Submission {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	s := ledger.Submission{Target: target, Await: true, Fields: fmt.Appendf(nil, `{"email":"%d@example.com"}`, m.n)}
	binary.BigEndian.PutUint64(s.ID[8:], m.n)
	for _, c := range change {
		c(&s)
	}
	return s
}

func keyed(key byte) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.Key = ledger.Digest{key} }
}

func row(load ledger.LoadID, work byte) func(*ledger.Submission) {
	return func(s *ledger.Submission) { s.Load, s.Work = load, ledger.Digest{work} }
}

func priority(p int) func(*ledger.Submission) { return func(s *ledger.Submission) { s.Priority = p } }

// accept hands submissions in and returns what they became.
func (e *env) accept(subs ...ledger.Submission) []ledger.Record {
	e.Helper()
	got, err := e.Accept(e.Context(), subs)
	e.must(err)
	if len(got) != len(subs) {
		e.Fatalf("%d acceptances for %d submissions", len(got), len(subs))
	}
	records := make([]ledger.Record, len(got))
	for i, a := range got {
		records[i] = a.Record
	}
	return records
}

// claim claims up to n records of the first lane.
func (e *env) claim(n int) []ledger.Claimed {
	e.Helper()
	return e.claims(ledger.Want{Lane: lane, Max: n}).Work
}

func (e *env) claims(want ledger.Want) ledger.Claims {
	e.Helper()
	got, err := e.Claim(e.Context(), want)
	e.must(err)
	return got
}

// sent accepts one record of a target and claims it.
func (e *env) sent(target string, change ...func(*ledger.Submission)) ledger.Claimed {
	e.Helper()
	id := e.accept(e.sub(target, change...))[0].ID
	at := lane
	if target == routine {
		at = otherLane
	}
	work := e.claims(ledger.Want{Lane: at, Max: 1}).Work
	if len(work) != 1 || work[0].Record.ID != id {
		e.Fatalf("claimed %v, want %s", ids(work), id)
	}
	return work[0]
}

// apply applies one event that is not refused.
func (e *env) apply(id ledger.RecordID, event ledger.Event) ledger.Applied {
	e.Helper()
	got := e.applyAll(ledger.Entry{Record: id, Event: event})[0]
	e.must(got.Err)
	return got
}

func (e *env) applyAll(entries ...ledger.Entry) []ledger.Applied {
	e.Helper()
	got, err := e.Apply(e.Context(), entries)
	e.must(err)
	if len(got) != len(entries) {
		e.Fatalf("%d answers to %d entries", len(got), len(entries))
	}
	return got
}

// answer ends a claimed record's attempt.
func (e *env) answer(c ledger.Claimed, v ledger.Verdict) ledger.Applied {
	e.Helper()
	a := ledger.Answer{Attempt: c.Record.Attempts, Outcome: ledger.Answered, Verdict: v, Reason: "because " + string(v), Jitter: 0.5}
	if v == ledger.Unsent {
		a.Outcome = ledger.NotSent
	}
	return e.apply(c.Record.ID, a)
}

func (e *env) result(id ledger.RecordID, fields string) ledger.Applied {
	e.Helper()
	return e.apply(id, ledger.Result{Attempt: 1, Fields: []byte(fields)})
}

// record reads one record with its bodies.
func (e *env) record(id ledger.RecordID) ledger.Record {
	e.Helper()
	got, err := e.Records(e.Context(), []ledger.RecordID{id})
	e.must(err)
	if len(got) != 1 {
		e.Fatalf("%d records have the ID %s", len(got), id)
	}
	return got[0]
}

func (e *env) states(records ...ledger.RecordID) []ledger.State {
	e.Helper()
	got, err := e.Records(e.Context(), records)
	e.must(err)
	states := make([]ledger.State, len(got))
	for i, r := range got {
		states[i] = r.State
	}
	return states
}

func (e *env) wantStates(want []ledger.State, of ...ledger.RecordID) {
	e.Helper()
	e.same(want, e.states(of...))
}

func (e *env) load(name string) ledger.LoadID {
	e.Helper()
	id, err := e.Load(e.Context(), ledger.Load{Target: people, Name: name})
	e.must(err)
	return id
}

func (e *env) status(target string) ledger.TargetStatus {
	e.Helper()
	got, err := e.TargetStatus(e.Context(), target)
	e.must(err)
	got.Counts = withoutZeros(got.Counts)
	return got
}

// withoutZeros drops counters that have gone back to zero: a store may keep them.
func withoutZeros(c ledger.Counts) ledger.Counts {
	maps.DeleteFunc(c, func(_ ledger.Count, n int) bool { return n == 0 })
	return c
}

// tickDue applies everything that is due.
func (e *env) tickDue() int {
	e.Helper()
	due, _, err := e.Due(e.Context(), 1000)
	e.must(err)
	for _, a := range e.applyAll(due...) {
		e.must(a.Err)
	}
	return len(due)
}

// same compares what is wanted with what is there.
func (e *env) same(want, got any) {
	e.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		e.Errorf("-want +got\n%s", diff)
	}
}

// woken checks that a subscriber was told: a store tells before the call that changed something returns.
func (e *env) woken(changed <-chan struct{}) {
	e.Helper()
	select {
	case <-changed:
	default:
		e.Error("who waits was not woken")
	}
}

func (e *env) wantKind(want ledger.Kind, err error) {
	e.Helper()
	if err == nil || ledger.KindOf(err) != want {
		e.Errorf("error %v, want one of kind %s", err, want)
	}
}

func ids(work []ledger.Claimed) []ledger.RecordID {
	got := make([]ledger.RecordID, len(work))
	for i, c := range work {
		got[i] = c.Record.ID
	}
	return got
}
