// Package forward takes the ends of records out of the ledger's outbox and to their destinations: signed webhooks, other
// HTTP services, files, tables of PostgreSQL.
//
// Each destination has its own workers, connections and pace, so that one that hangs delays no other. A delivery is on
// disk from the end of its record until the destination has it: it is made at least once, and after a crash again.
package forward

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Store is what forwarding needs of the ledger.
type Store interface {
	ClaimOutbox(ctx context.Context, want ledger.Outgoings) (ledger.Deliveries, error)
	SettleOutbox(ctx context.Context, destination string, answers []ledger.DeliveryAnswer) error
	CallbackHosts(ctx context.Context) ([]string, error)
	Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error)
}

// Options says what to forward with.
type Options struct {
	Store Store
	Hub   *ledger.Hub
	// View writes a record as callers of the API see it.
	View func(*ledger.Record) json.RawMessage
	// Via names this ledger in a header of every request, so that a record which comes back in is recognised.
	Via string
	// Log receives what went wrong, never a record's content or a URL. Default: nothing.
	Log *slog.Logger
}

// Forwarder runs a lane for each destination. It is safe for concurrent use.
type Forwarder struct {
	Options

	mu           sync.Mutex
	started      bool
	destinations map[string]*Destination
	callbacks    *Destination // how records' own URLs are called; nil when they are not
	lanes        map[string]*lane
	stop         context.CancelFunc // of what looks for hosts
	looking      sync.WaitGroup
	ending       sync.WaitGroup // lanes that were told to stop
}

// New returns a Forwarder that is not started and has no destinations.
func New(o Options) *Forwarder {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Forwarder{Options: o, lanes: map[string]*lane{}, destinations: map[string]*Destination{}, stop: func() {}}
}

// Configuration is what to forward to.
type Configuration struct {
	Destinations []*Destination
	// Callbacks says how records' own URLs are called. Nil: they are not, and wait.
	Callbacks *Destination
}

// Configure makes these the destinations, from the next delivery on. What is under way is finished as it began.
func (f *Forwarder) Configure(c Configuration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.destinations, f.callbacks = map[string]*Destination{}, c.Callbacks
	for _, d := range c.Destinations {
		f.destinations[d.name] = d
	}
	if f.started {
		f.halt()
		f.runLanes()
		f.Hub.Publish(map[any]struct{}{ledger.Outbound: {}})
	}
}

// Start begins to deliver. Started twice it does nothing more.
func (f *Forwarder) Start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.started {
		return
	}
	f.started = true
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = cancel
	f.runLanes()
	f.looking.Go(func() { f.lookForHosts(ctx) })
}

// Stop delivers nothing more and waits until what is under way has been answered and written down. When the context
// ends first it breaks that off, to be delivered again, and returns the context's error. It may be called twice, and
// without Start.
func (f *Forwarder) Stop(ctx context.Context) error {
	f.mu.Lock()
	lanes := f.halt()
	f.started = false
	f.stop()
	f.mu.Unlock()
	f.looking.Wait()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.ending.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		for _, l := range lanes {
			l.abort()
		}
		<-done
		return ctx.Err()
	}
}

// halt tells every lane to stop and forgets them. The caller holds the lock.
func (f *Forwarder) halt() (halted []*lane) {
	for name, l := range f.lanes {
		l.halt()
		halted = append(halted, l)
		delete(f.lanes, name)
	}
	return halted
}

// runLanes starts the lanes of the configured destinations. The caller holds the lock.
func (f *Forwarder) runLanes() {
	for name, d := range f.destinations {
		f.runLane(name, d)
	}
}

func (f *Forwarder) runLane(name string, d *Destination) {
	l := newLane(f, name, d)
	f.lanes[name] = l
	f.ending.Go(l.run)
}

// lookForHosts starts a lane for each host of a callback URL to which something is to be delivered.
func (f *Forwarder) lookForHosts(ctx context.Context) {
	changed, cancel := f.Hub.Subscribe(ledger.Outbound)
	defer cancel()
	for ctx.Err() == nil {
		hosts, err := f.Store.CallbackHosts(ctx)
		wait := ledger.Never
		if err != nil && ctx.Err() == nil {
			f.Log.Error("the ledger does not say what is to be delivered", "error", err)
			wait = troubleRest
		}
		f.runHosts(ctx, hosts)
		ledger.Rest(ctx, wait, changed)
	}
}

func (f *Forwarder) runHosts(ctx context.Context, hosts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, host := range hosts {
		if f.lanes[host] == nil && f.callbacks != nil && ctx.Err() == nil {
			f.runLane(host, f.callbacks)
		}
	}
}

// retire forgets the lane of a host to which nothing is to be delivered any more. What came since its last claim is found
// by another look.
func (f *Forwarder) retire(l *lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lanes[l.name] == l {
		delete(f.lanes, l.name)
	}
	f.Hub.Publish(map[any]struct{}{ledger.Outbound: {}})
}

// troubleRest is how long a lane rests when the ledger fails.
const troubleRest = time.Second

// jitter is the door through which randomness comes in.
func jitter() float64 { return rand.Float64() }
