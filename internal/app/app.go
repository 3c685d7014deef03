// Package app puts the parts together. It is the only package that knows them all; the commands and the end-to-end
// tests start the same thing.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// App is a running claygate.
type App struct {
	Intake *intake.Intake
	Ledger ledger.Store
	Hub    *ledger.Hub
	// Trusted is the API for this machine's own commands: it asks nobody for a key.
	Trusted http.Handler

	config     Config
	dispatcher *dispatch.Dispatcher
	janitor    *janitor
	roll       roll
	alerts     *alerts
	broken     chan error // holds the one error after which the ledger takes nothing
	forwarder  *forward.Forwarder
	via        string // names this ledger to its destinations
	callbacks  *server
	api        *server
	socket     *server
	stopping   context.Context // ends when the app begins to close
	stopCalls  context.CancelFunc
	emulator   *claytest.Server
	collector  *collect.Callbacks
	poller     atomic.Pointer[collect.Poller]
	tickets    ledger.Tickets
	rotation   *rotation
	reloading  sync.Mutex // held while parts are replaced
	started    bool
	parts      atomic.Pointer[parts]    // what follows from the configured targets
	clients    map[account]*clay.Client // all that were ever used
	outgoing   *http.Transport          // of calls that are passed through
	close      sync.Once
}

// Open builds everything from the configuration, top to bottom. Callbacks are taken from here on, because Clay may
// still owe some; nothing is sent before [App.Start].
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Targets, c.PublicAPI = slices.Clone(c.Targets), withAPIs(c)
	stopping, stopCalls := context.WithCancel(context.Background())
	a := &App{
		stopping: stopping, stopCalls: stopCalls, Hub: &ledger.Hub{}, broken: make(chan error, 1), config: c,
		clients: map[account]*clay.Client{}, outgoing: newOutgoing(),
	}
	a.poller.Store(collect.NewPoller(collect.PollerOptions{}))
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) (err error) {
	if err := a.listen(); err != nil {
		return err
	}
	if err := a.emulate(); err != nil {
		return err
	}
	p, err := a.prepare(a.config) // before the ledger is tied to what may be a mistake
	if err != nil {
		return err
	}

	store, err := a.openLedger(ctx, p.catalog)
	if err != nil {
		return err
	}
	a.Ledger = store
	if p.base != "" && !a.config.Passive { // which only looks
		if err := store.Bind(ctx, p.base); err != nil {
			return err
		}
	}
	if p.completed, err = p.completions(store, a.config.Log); err != nil {
		return err
	}
	a.parts.Store(p)
	firstTicketSecret, err := store.Secret(ctx, ticketSecret)
	if err != nil {
		return err
	}
	dedupeSecret, err := store.Secret(ctx, "dedupe")
	if err != nil {
		return err
	}
	a.tickets = ledger.NewTickets(firstTicketSecret)
	a.rotation = &rotation{store: store, tickets: a.tickets}
	if err := a.rotation.refresh(ctx); err != nil {
		return err
	}

	a.Intake = intake.New(intake.Options{Store: store, Secret: dedupeSecret, Targets: p.intakes})
	a.alerts = &alerts{store: store, hub: a.Hub, log: a.config.Log, targets: a.served, unreachable: map[string]bool{}}
	if err := a.ring(); err != nil {
		return err
	}
	a.dispatcher = dispatch.New(dispatch.Options{
		Store: store, Hub: a.Hub, Lanes: p.catalog.Lanes(), Drivers: p.drivers(a.tickets), Runners: p.runners(),
		Observe: a.observe, Trouble: a.config.Trouble, Idle: a.config.Idle, Log: a.config.Log,
	})
	a.poller.Store(a.newPoller(p))
	a.collector = collect.New(collect.Options{Store: store, Tickets: a.tickets, Targets: p.callbacks, Refused: a.refused, Unmatched: a.alerts.stray, Log: a.config.Log})
	a.janitor = &janitor{store: store, log: a.config.Log}
	a.janitor.configure(a.config.Retention)
	a.roll.log = a.config.Log
	a.roll.catalog.Store(p.catalog)
	if a.forwarder, err = a.newForwarder(ctx, p); err != nil {
		return err
	}
	if a.callbacks != nil {
		a.takeCallbacks(a.collector, http.HandlerFunc(a.completed))
	}
	a.warnOfStrays(ctx)
	surface := api.Options{
		Intake: a.Intake, Ledger: store, Hub: a.Hub, Targets: a.served, Version: a.config.Version, Stop: a.stopping,
		Log: a.config.Log, Via: a.via, Reload: a.reloader(), Loaded: a.dispatcher.Also, Keys: api.NewKeyring(store),
		Workspaces: a.workspaces, Calendar: a.calendar, Upstreams: a.upstreams, Outgoing: a.outgoing,
	}
	a.serveAPI(a.api, api.New(surface))
	surface.Trusted = true
	a.Trusted = api.New(surface)
	return a.openSocket()
}

// observe passes on what is told of every attempt.
func (a *App) observe(r ledger.Record, answer ledger.Answer) {
	if a.config.Observe != nil {
		a.config.Observe(r, answer)
	} else {
		a.alerts.attempt(r, answer)
	}
}

// Start begins to send: the records of one load, or of any with 0.
func (a *App) Start(only ledger.LoadID) {
	a.dispatcher.Start(only)
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.started = true
	a.poller.Load().Start()
	a.janitor.start()
	a.rotation.start()
	a.roll.start()
	if a.config.Socket { // a service, which nobody looks at
		a.alerts.start()
	}
	a.forwarder.Start()
}

// Broken brings the error of a disk that failed under the ledger. Nothing is acknowledged after it: end the process, and
// what was acknowledged before is there at the next start.
func (a *App) Broken() <-chan error { return a.broken }

func (a *App) breaks(err error) { a.broken <- err }

// StopSending claims nothing more. Requests under way are answered, callbacks are still taken, and runs under way are still
// asked for their results.
func (a *App) StopSending() { a.dispatcher.StopSending() }

// Stop ends sending and waits until the requests under way have been answered, or the context ends.
func (a *App) Stop(ctx context.Context) error {
	err := a.dispatcher.Stop(ctx)
	a.stopPolling()
	return errors.Join(err, a.forwarder.Stop(ctx))
}

// Close ends everything, in the reverse order of [Open]. Call [App.Stop] first: a request that is still under way
// leaves its record uncertain. It may be called twice.
func (a *App) Close() (err error) {
	a.close.Do(func() { err = a.closeAll() })
	return err
}

// closeAll stops the emulator before the callbacks' listener: a callback that found nobody would be given up.
func (a *App) closeAll() error {
	var errs []error
	a.stopCalls()
	a.stopPolling()
	if a.emulator != nil {
		a.emulator.Close()
	}
	for _, s := range []*server{a.callbacks, a.api, a.socket} {
		errs = append(errs, s.close())
	}
	a.outgoing.CloseIdleConnections()
	for _, c := range a.clients {
		errs = append(errs, c.Close())
	}
	if a.janitor != nil {
		a.janitor.stop()
		a.rotation.stop()
		a.roll.stop()
		a.alerts.stop()
	}
	if a.forwarder != nil {
		_ = a.forwarder.Stop(a.stopping) // which has ended: what is still under way is broken off, and goes again
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	return errors.Join(errs...)
}
