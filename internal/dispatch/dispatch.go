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
	// Concurrency bounds the requests under way. Default [DefaultConcurrency]. A crash leaves at most as many
	// records uncertain.
	Concurrency int
	// Observe, when set, is told of every attempt once the ledger has its answer. It must not block.
	Observe func(ledger.Record, ledger.Answer)
	Log     *slog.Logger // default: none
}

// Dispatcher runs the lanes and the deadlines.
type Dispatcher struct {
	Options
	slots chan struct{} // one token per request under way

	mu      sync.Mutex
	stop    context.CancelFunc // ends claiming; nil before Start
	loops   sync.WaitGroup
	flights sync.WaitGroup
}

// New returns a Dispatcher that is not started.
func New(o Options) *Dispatcher {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{Options: o, slots: make(chan struct{}, o.Concurrency)}
}

// Start begins to send: the records of one load, or of any with 0. Started twice it does nothing more.
func (d *Dispatcher) Start(only ledger.LoadID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	for _, lane := range d.Lanes {
		d.loops.Go(func() { d.runLane(ctx, ledger.Want{Lane: lane, Load: only}) })
	}
	d.loops.Go(func() { d.runDeadlines(ctx) })
}

// StopSending ends all claiming; what is under way goes on, and so do the deadlines' effects that are already due.
func (d *Dispatcher) StopSending() {
	d.mu.Lock()
	stop := d.stop
	d.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// Stop ends all claiming and waits until every request under way has been answered and reported, or until the context
// ends; then it returns the context's error. It may be called twice, and without Start.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.StopSending()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.loops.Wait()
		d.flights.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep waits for the duration (for ever when negative), for a change, or for the context.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-changed:
	case <-ctx.Done():
	}
}

// faultDelay is how long a loop waits after the ledger failed, as on a full disk, before it asks again.
const faultDelay = time.Second

// persist applies entries until the ledger takes them: an answer is a fact that must not be lost to a full disk.
// It gives up when the ledger is closed or broken.
func (d *Dispatcher) persist(entries []ledger.Entry) {
	for {
		applied, err := d.Store.Apply(context.Background(), entries)
		if err == nil {
			for _, a := range applied {
				if a.Err != nil {
					d.Log.Error("an event was refused", "record", a.Record.ID, "error", a.Err)
				}
			}
			return
		}
		d.Log.Error("the ledger did not take an answer", "error", err)
		if ledger.KindOf(err) == ledger.Unavailable {
			return
		}
		time.Sleep(faultDelay)
	}
}

// jitter is the door through which randomness comes in.
func jitter() float64 { return rand.Float64() }
