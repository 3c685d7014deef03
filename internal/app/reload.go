package app

import (
	"context"
	"errors"
	"slices"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/ledger"
)

// ReloadLocally is [App.Reload] for whoever told this process to, as by a signal.
func (a *App) ReloadLocally(ctx context.Context) error {
	err := a.Ledger.Note(ctx, ledger.Deed{Who: ledger.Local, What: ledger.ReloadedConfig})
	if err == nil {
		_, err = a.Reload(ctx)
	}
	return err
}

// Reload reads the configuration again, by [Config.Source], and works by it from then on: targets, their settings, paces,
// keys and webhooks come and go, and no request or waiting call notices. With any mistake the error says so and
// everything stays as it was. What takes a restart to change is listed in what it returns.
func (a *App) Reload(ctx context.Context) (api.Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.config.Source == nil {
		return api.Reloaded{}, &ledger.Error{Kind: ledger.Conflict, Op: "reload", Message: "this process has no configuration that it could read again"}
	}
	c, err := a.config.Source()
	if err != nil {
		return api.Reloaded{}, a.mistakes(err)
	}
	done, err := a.configure(ctx, c)
	if err != nil {
		return api.Reloaded{}, err
	}
	a.config.Log.Info("the configuration was read again", "added", done.Added, "removed", done.Removed)
	for _, key := range done.Restart {
		a.config.Log.Warn("a change in the configuration takes a restart", "key", key)
	}
	a.warnOfStrays(ctx)
	return done, nil
}

// mistakes logs what is wrong with a configuration, and returns it as one error.
func (a *App) mistakes(err error) error {
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		problems = config.Problems{{Message: err.Error()}}
	}
	for _, p := range problems {
		a.config.Log.Error("the configuration has a mistake: the one from before goes on", "mistake", p.Error())
	}
	return &ledger.Error{
		Kind: ledger.Conflict, Op: "reload", Message: problems.Error(), Hint: "mend these; the configuration from before goes on meanwhile",
	}
}

// configure works by another configuration. The caller holds reloading.
func (a *App) configure(ctx context.Context, c Config) (api.Reloaded, error) {
	before := a.parts.Load()
	c.Emulate, c.Targets, c.PublicAPI = a.config.Emulate, slices.Clone(c.Targets), withAPIs(c)
	if a.emulator != nil {
		if err := a.emulateTargets(c); err != nil {
			return api.Reloaded{}, err
		}
	}
	p, err := a.prepare(c)
	if err != nil {
		return api.Reloaded{}, err
	}
	if p.base != "" {
		if err := a.Ledger.Bind(ctx, p.base); err != nil {
			return api.Reloaded{}, err
		}
	}
	for lane, client := range before.apis { // runs of a routine that has gone are still asked about: they are paid for
		if p.apis[lane] == nil {
			p.apis[lane] = client
		}
	}
	if p.completed, err = p.completions(a.Ledger, a.config.Log); err != nil {
		return api.Reloaded{}, err
	}
	err = a.dispatcher.Configure(dispatch.Configuration{
		Lanes: p.catalog.Lanes(), Drivers: p.drivers(a.tickets), Runners: p.runners(),
		Store: func() error { return a.Ledger.Configure(ctx, p.catalog) },
	})
	if err != nil {
		return api.Reloaded{}, err
	}
	crash.Point(crash.Reloading)
	a.parts.Store(p)
	a.repoll(p)
	a.Intake.Configure(p.intakes)
	a.collector.Configure(p.callbacks)
	a.janitor.configure(c.Retention)
	a.roll.catalog.Store(p.catalog)
	a.forwarder.Configure(p.forward)
	return api.Reloaded{
		Targets: len(c.Targets), Added: missing(c.Targets, before.config.Targets), Removed: missing(before.config.Targets, c.Targets),
		Restart: a.restarts(c),
	}, nil
}

// missing returns the names of targets that others lack.
func missing(targets, others []Target) []string {
	names := []string{}
	for _, t := range targets {
		if !slices.ContainsFunc(others, func(o Target) bool { return o.Name == t.Name }) {
			names = append(names, t.Name)
		}
	}
	return names
}

// restarts returns the keys whose change takes a restart.
func (a *App) restarts(c Config) []string {
	keys := []string{}
	for _, s := range []struct{ key, is, wanted string }{
		{"listen", a.config.Listen, c.Listen}, {"callback_listen", a.config.CallbackListen, c.CallbackListen}, {"ledger", a.config.Ledger + a.config.Database, c.Ledger + c.Database},
		{"log", a.config.LogAs, c.LogAs},
	} {
		if s.is != s.wanted {
			keys = append(keys, s.key)
		}
	}
	if a.config.Alerts != c.Alerts {
		keys = append(keys, "alerts")
	}
	return keys
}

// reloader returns what the API reloads with, nil where there is nothing to read.
func (a *App) reloader() func(context.Context) (api.Reloaded, error) {
	if a.config.Source == nil {
		return nil
	}
	return a.Reload
}

// warnOfStrays says which targets are not configured although records wait for them.
func (a *App) warnOfStrays(ctx context.Context) {
	names, err := a.Ledger.Targets(ctx)
	if err != nil {
		a.config.Log.Error("the ledger does not say which targets it has", "error", err)
	}
	for _, name := range names {
		if _, configured := a.parts.Load().catalog.Target(name); configured {
			continue
		}
		status, err := a.Ledger.TargetStatus(ctx, name)
		if open := status.Counts.Open(); err == nil && open > 0 {
			a.config.Log.Warn("records wait for a target that is not configured; they go on when it is again, or can be canceled",
				"target", name, "records", open)
		}
	}
}
