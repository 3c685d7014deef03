// Package app puts the parts together. It is the only package that knows them all; the commands and the end-to-end
// tests start the same thing.
package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
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

	config     Config
	dispatcher *dispatch.Dispatcher
	callbacks  *server
	emulator   *claytest.Server
	clients    []*clay.Client
}

// Open builds everything from the configuration, top to bottom. Callbacks are taken from here on, because Clay may
// still owe some; nothing is sent before [App.Start].
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{Hub: &ledger.Hub{}, config: c}
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

	emulated := a.config.Emulate != nil
	var targets []ledger.Target
	var intakes []intake.Target
	var callbacks []collect.Target
	for _, t := range a.config.Targets {
		lt := t.ledgerTarget(emulated)
		targets = append(targets, lt)
		intakes = append(intakes, intake.Target{Target: lt, DedupeBy: t.DedupeBy})
		callbacks = append(callbacks, collect.Target{Name: t.Name, Secret: t.CallbackSecret})
	}
	catalog := ledger.NewCatalog(targets, map[ledger.LaneID]ledger.Pace{webhookLane: a.config.Pace})

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

	drivers, err := a.drivers(tickets)
	if err != nil {
		return err
	}
	a.Intake = intake.New(intake.Options{Store: store, Secret: dedupeSecret, Targets: intakes})
	a.dispatcher = dispatch.New(dispatch.Options{
		Store: store, Hub: a.Hub, Lanes: catalog.Lanes(), Drivers: drivers,
		Observe: a.config.Observe, Log: a.config.Log,
	})
	a.serve(collect.New(collect.Options{Store: store, Tickets: tickets, Targets: callbacks, Log: a.config.Log}))
	return nil
}

// drivers returns what sends the records of each target.
func (a *App) drivers(tickets ledger.Tickets) (map[string]dispatch.Driver, error) {
	drivers := map[string]dispatch.Driver{}
	for _, t := range a.config.Targets {
		table := &dispatch.Table{Webhooks: map[ledger.Digest]dispatch.Sender{}, Tickets: tickets}
		for _, w := range t.Webhooks {
			client, err := clay.New(clay.Config{
				WebhookURL: w.URL, WebhookToken: w.Token, Concurrency: dispatch.DefaultConcurrency,
			})
			if err != nil {
				return nil, err
			}
			a.clients = append(a.clients, client)
			table.Webhooks[w.id()] = client
		}
		drivers[t.Name] = table
	}
	return drivers, nil
}

// Start begins to send: the records of one load, or of any with 0.
func (a *App) Start(only ledger.LoadID) { a.dispatcher.Start(only) }

// StopSending claims nothing more. Requests under way are answered, and callbacks are still taken.
func (a *App) StopSending() { a.dispatcher.StopSending() }

// Stop ends sending and waits until the requests under way have been answered, or the context ends.
func (a *App) Stop(ctx context.Context) error { return a.dispatcher.Stop(ctx) }

// Close ends everything, in the reverse order of [Open]. Call [App.Stop] first: a request that is still under way
// leaves its record uncertain. It may be called twice.
func (a *App) Close() error {
	var errs []error
	if a.callbacks != nil {
		errs = append(errs, a.callbacks.close())
	}
	if a.emulator != nil {
		a.emulator.Close()
	}
	for _, c := range a.clients {
		errs = append(errs, c.Close())
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	return errors.Join(errs...)
}
