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

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
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
	callbacks  *server
	api        *server
	socket     *server
	stopping   context.Context // ends when the app begins to close
	stopCalls  context.CancelFunc
	emulator   *claytest.Server
	webhooks   map[ledger.Digest]*clay.Client
	lookups    map[string]*clay.Client // by target
	apis       map[ledger.LaneID]*clay.Client
	poller     *collect.Poller
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
		stopping: stopping, stopCalls: stopCalls, Hub: &ledger.Hub{}, config: c,
		webhooks: map[ledger.Digest]*clay.Client{}, lookups: map[string]*clay.Client{},
		apis: map[ledger.LaneID]*clay.Client{}, poller: collect.NewPoller(collect.PollerOptions{}),
	}
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
	base, err := a.config.base()
	if err != nil {
		return err
	}
	if err := a.connect(); err != nil { // before the ledger is tied to what may be a mistake
		return err
	}

	emulated := a.config.Emulate != nil
	var targets []ledger.Target
	var intakes []intake.Target
	var callbacks []collect.Target
	var served []api.Target
	lanes := map[ledger.LaneID]ledger.Pace{}
	for _, t := range a.config.Targets {
		lt := t.ledgerTarget(emulated)
		targets = append(targets, lt)
		await := !t.NoResults || t.Lookup != nil || t.Routine != nil
		intakes = append(intakes, intake.Target{Target: lt, DedupeBy: t.DedupeBy, TicketField: t.TicketField, Priority: t.Priority, Await: await})
		served = append(served, api.Target{Target: lt, Kind: t.kind(), DedupeBy: t.DedupeBy, Await: await})
		if t.Lookup == nil && t.Routine == nil {
			callbacks = append(callbacks, collect.Target{Name: t.Name, TicketField: t.TicketField, Secret: t.CallbackSecret})
		}
		lanes[t.lane()] = a.config.pace(t)
	}
	catalog := ledger.NewCatalog(targets, lanes)

	store, err := sqlite.Open(ctx, sqlite.Options{Path: a.config.Ledger, Catalog: catalog, Hub: a.Hub})
	if err != nil {
		return err
	}
	a.Ledger = store
	if base != "" {
		if err := store.Bind(ctx, base); err != nil {
			return err
		}
	}
	ticketSecret, err := store.Secret(ctx, "ticket")
	if err != nil {
		return err
	}
	dedupeSecret, err := store.Secret(ctx, "dedupe")
	if err != nil {
		return err
	}
	tickets := ledger.NewTickets(ticketSecret)

	a.Intake = intake.New(intake.Options{Store: store, Secret: dedupeSecret, Targets: intakes})
	a.dispatcher = dispatch.New(dispatch.Options{
		Store: store, Hub: a.Hub, Lanes: catalog.Lanes(), Drivers: a.drivers(tickets), Runners: a.runners(),
		Observe: a.config.Observe, Trouble: a.config.Trouble, Idle: a.config.Idle, Log: a.config.Log,
	})
	a.poller = collect.NewPoller(collect.PollerOptions{
		Store: store, Hub: a.Hub, Clients: a.apis, Failed: a.failures(), Log: a.config.Log,
	})
	if a.callbacks != nil {
		completions, err := a.completions(store)
		if err != nil {
			return err
		}
		a.takeCallbacks(collect.New(collect.Options{Store: store, Tickets: tickets, Targets: callbacks, Log: a.config.Log}), completions)
	}
	surface := api.Options{
		Intake: a.Intake, Ledger: store, Hub: a.Hub, Targets: served, Version: a.config.Version, Stop: a.stopping,
		Log: a.config.Log,
	}
	a.serveAPI(a.api, api.New(surface))
	surface.Trusted = true
	a.Trusted = api.New(surface)
	return a.openSocket()
}

// Start begins to send: the records of one load, or of any with 0.
func (a *App) Start(only ledger.LoadID) {
	a.dispatcher.Start(only)
	a.poller.Start()
}

// StopSending claims nothing more. Requests under way are answered, callbacks are still taken, and runs under way are still
// asked for their results.
func (a *App) StopSending() { a.dispatcher.StopSending() }

// Stop ends sending and waits until the requests under way have been answered, or the context ends.
func (a *App) Stop(ctx context.Context) error {
	err := a.dispatcher.Stop(ctx)
	a.poller.Stop()
	return err
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
	a.poller.Stop()
	if a.emulator != nil {
		a.emulator.Close()
	}
	for _, s := range []*server{a.callbacks, a.api, a.socket} {
		errs = append(errs, s.close())
	}
	for _, c := range a.webhooks {
		errs = append(errs, c.Close())
	}
	for _, c := range a.lookups {
		errs = append(errs, c.Close())
	}
	for _, c := range a.apis {
		errs = append(errs, c.Close())
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	return errors.Join(errs...)
}
