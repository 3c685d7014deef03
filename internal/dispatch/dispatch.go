// Package dispatch sends records to Clay: for each lane it claims what the pace allows, hands each claimed record to
// the driver of its target and reports the answer to the ledger. It also applies the deadlines that pass.
//
// A record is on disk as claimed, with its attempt, before its driver hears of it, and every answer is reported, so
// that the ledger always knows at least as much as was done.
package dispatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Driver speaks to one surface of Clay.
type Driver interface {
	// Send makes one try to send a claimed record and tells how it ended. It returns within [ledger.ClaimTimeout].
	Send(ctx context.Context, c ledger.Claimed) ledger.Answer
}

// Store is what dispatch needs of the ledger.
type Store interface {
	ledger.Lanes
	ledger.Events
	ledger.Runs
}

// DefaultConcurrency is how many requests may be under way at once: Clay's 10 a second times the 25 s that the slowest
// answers may take.
const DefaultConcurrency = 250

// Options says what to send and how.
type Options struct {
	Store   Store
	Hub     *ledger.Hub
	Lanes   []ledger.LaneID
	Drivers map[string]Driver // by target
	Runners map[string]Runner // by target, for those whose records leave in runs
	// Concurrency bounds the requests under way. Default [DefaultConcurrency]. A crash leaves at most as many
	// records uncertain.
	Concurrency int
	// Observe, when set, is told of every attempt once the ledger has its answer, but for those of bulk runs. It must not
	// block.
	Observe func(ledger.Record, ledger.Answer)
	// Trouble, when set, is told when the ledger fails, as on a full disk, and told nil when it works again. It must
	// not block.
	Trouble func(error)
	// Idle, when set, is told after each claim how long it is until the next one can get anything: 0 when this one did,
	// [ledger.Never] when only new work can change that. It must not block.
	Idle func(lane ledger.LaneID, wait time.Duration)
	Log  *slog.Logger // default: none
}

// Dispatcher runs the lanes and the deadlines.
type Dispatcher struct {
	Options
	slots chan struct{} // one token per request under way

	plan sync.RWMutex // held for reading from a claim until its drivers are known, see [Dispatcher.Configure]

	mu      sync.Mutex
	started bool
	stopped bool
	only    ledger.LoadID
	others  []ledger.LoadID                      // see [Dispatcher.Also]
	running map[ledger.LaneID]context.CancelFunc // ends the claiming of one lane
	claims  context.Context                      // of all lanes, once started
	claim   context.CancelFunc                   // ends claiming
	end     context.CancelFunc                   // ends the deadlines too
	failing bool                                 // Trouble was told an error last

	lanes, deadlines, flights sync.WaitGroup
}

// New returns a Dispatcher that is not started.
func New(o Options) *Dispatcher {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	nothing := func() {}
	return &Dispatcher{Options: o, slots: make(chan struct{}, o.Concurrency), claim: nothing, end: nothing}
}

// Start begins to send: the records of one load, or of any with 0. Started twice it does nothing more.
func (d *Dispatcher) Start(only ledger.LoadID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.started {
		return
	}
	d.started, d.stopped, d.only = true, false, only
	var all context.Context
	all, d.end = context.WithCancel(context.Background())
	d.claims, d.claim = context.WithCancel(all)
	d.running = map[ledger.LaneID]context.CancelFunc{}
	d.runLanes()
	for _, load := range d.others {
		d.runOther(load)
	}
	d.deadlines.Go(func() { d.runDeadlines(all) })
}

// StopSending ends all claiming. What is under way goes on, and so do the deadlines: a record whose result never comes
// must not be waited for for ever.
func (d *Dispatcher) StopSending() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.claim()
}

// Stop ends all claiming and waits until every request under way has been answered and reported, or until the context
// ends; then it returns the context's error. It may be called twice, and without Start.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.StopSending()
	err := wait(ctx, &d.lanes, &d.flights)
	d.mu.Lock()
	d.end()
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return wait(ctx, &d.deadlines)
}

// wait returns when all of the groups are done, or with the context's error.
func wait(ctx context.Context, groups ...*sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, g := range groups {
			g.Wait()
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter is the door through which randomness comes in.
func jitter() float64 { return rand.Float64() }
