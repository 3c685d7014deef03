package app

import (
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// FromConfig turns a configuration into what runs it. The ledger's path is the caller's to choose where the
// configuration leaves it open.
func FromConfig(c config.Config) Config {
	out := Config{
		Ledger: c.Ledger, Database: c.Database.Reveal(), Listen: c.Listen, CallbackListen: c.CallbackListen, Pace: map[string]ledger.Pace{},
		PublicAPI: map[string]PublicAPI{},
		Retention: ledger.Retention{Bodies: c.Retention.Bodies, Metadata: c.Retention.Metadata, Audit: c.Retention.Audit},
		LogAs:     string(c.Log.Level) + ", " + string(c.Log.Format),
	}
	out.Budgets = budgets(c)
	out.Alerts = Alerts{
		URL: c.Alerts.URL.Reveal(), Private: c.Alerts.AllowPrivate, DeadLetters: c.Alerts.DeadLetters, Callbacks: c.Alerts.Callbacks,
		Waiting: c.Alerts.OldestWaiting,
	}
	out.Destinations, out.Callbacks = destinations(c), callbacks(c.CallbackURLs)
	for name, w := range c.Workspaces {
		out.Pace[name] = ledger.Pace{PerSecond: w.Pace.PerSecond, Burst: w.Pace.Burst}
		out.PublicAPI[name] = publicAPI(w)
	}
	for _, t := range c.Targets() {
		switch t.Kind {
		case config.KindLookup:
			out.Targets = append(out.Targets, lookupTarget(t, c.Workspaces[t.Workspace]))
		case config.KindRoutine:
			out.Targets = append(out.Targets, routineTarget(t))
		default:
			out.Targets = append(out.Targets, tableTarget(t))
		}
		last := &out.Targets[len(out.Targets)-1]
		last.Personal.Also = c.PersonalDomains
		last.DropIn = dropIn(t.Name, c.Workspaces[t.Workspace].DropIn)
	}
	return out
}

// dropIn lists the endpoints that a target answers.
func dropIn(name string, d config.DropIn) (answers []api.DropIn) {
	if d.People == name {
		answers = append(answers, api.People)
	}
	if d.Companies == name {
		answers = append(answers, api.Companies)
	}
	return answers
}

func tableTarget(t config.Target) Target {
	out := Target{
		Workspace: t.Workspace, Name: t.Short(), NoResults: !t.Table.AwaitsResult, DedupeBy: t.Table.DedupeBy,
		TicketField: t.Table.IDField, CallbackSecret: t.Table.CallbackSecret.Reveal(), Version: t.Table.Version,
		MaxAge: never(t.Table.MaxAge), EmptyMaxAge: never(t.Table.EmptyMaxAge), ResultTimeout: t.Table.ResultTimeout,
		OnConflict: ledger.ConflictPolicy(t.Table.OnConflict), Priority: t.Table.Priority,
		Destinations: t.Table.Destinations,
		Cost:         cost(t.Table.Cost), Budget: budget(t.Table.Budget), ConfirmAbove: bound(t.Table.ConfirmAbove), Personal: intake.Guard{Fields: t.Table.RefusePersonal},
		OnUncertain: ledger.UncertainPolicy(t.Table.OnUncertain), OnUpdate: ledger.UpdatePolicy(t.Table.OnUpdate),
	}
	out.CompleteWhen, _ = expression.Compile(t.Table.CompleteWhen) // the configuration compiled it before
	for _, w := range t.Table.Webhooks {
		limit := w.Limit
		if limit == 0 {
			limit = -1 // none: a table that deletes its rows by itself
		}
		out.Webhooks = append(out.Webhooks, Webhook{URL: w.URL.Reveal(), Token: w.Token.Reveal(), Limit: limit, Start: w.Start})
	}
	return out
}

func lookupTarget(t config.Target, w config.Workspace) Target {
	return Target{
		Workspace: t.Workspace, Name: t.Short(), DedupeBy: t.Lookup.DedupeBy, Version: t.Lookup.Version,
		OnConflict: ledger.ConflictPolicy(t.Lookup.OnConflict), Priority: t.Lookup.Priority,
		OnUncertain: ledger.UncertainPolicy(t.Lookup.OnUncertain), Destinations: t.Lookup.Destinations,
		Cost: cost(t.Lookup.Cost), Budget: budget(t.Lookup.Budget), ConfirmAbove: bound(t.Lookup.ConfirmAbove), Personal: intake.Guard{Fields: t.Lookup.RefusePersonal},
		MaxAge: never(t.Lookup.MaxAge), EmptyMaxAge: never(t.Lookup.EmptyMaxAge),
		Lookup: &Lookup{
			Kind: dispatch.LookupKind(t.Lookup.Kind), Key: w.EnterpriseAPIKey.Reveal(), BaseURL: w.BaseURL,
		},
	}
}

func publicAPI(w config.Workspace) PublicAPI {
	return PublicAPI{
		Key: w.PublicAPIKey.Reveal(), BaseURL: w.BaseURL, Pace: ledger.Pace{PerSecond: w.APIPace.PerSecond, Burst: w.APIPace.Burst},
		Completion: Completion{ID: w.CompletionWebhook.ID, Secret: w.CompletionWebhook.Secret.Reveal()},
	}
}

func routineTarget(t config.Target) Target {
	r := t.Routine
	routine := &Routine{
		ID: r.Routine, Inputs: r.Inputs, Runs: ledger.RunPolicy{Linger: never(r.Linger), BulkFrom: r.BulkFrom},
	}
	if r.BulkFrom == 0 {
		routine.Runs.BulkFrom = -1
	}
	routine.FailedWhen, _ = expression.Compile(r.FailedWhen) // the configuration compiled it before
	return Target{
		Workspace: t.Workspace, Name: t.Short(), DedupeBy: r.DedupeBy, Version: r.Version, Priority: r.Priority,
		Cost: cost(r.Cost), Budget: budget(r.Budget), ConfirmAbove: bound(r.ConfirmAbove), Personal: intake.Guard{Fields: r.RefusePersonal},
		MaxAge: never(r.MaxAge), EmptyMaxAge: never(r.EmptyMaxAge), ResultTimeout: r.ResultTimeout,
		OnConflict: ledger.ConflictPolicy(r.OnConflict), OnUncertain: ledger.UncertainPolicy(r.OnUncertain), Routine: routine, Destinations: r.Destinations,
	}
}

// never turns the configuration's 0, which says that no result is reused, or that nothing lingers, into the ledger's way to say so.
func never(age time.Duration) time.Duration {
	if age == 0 {
		return -1
	}
	return age
}
