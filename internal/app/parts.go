package app

import (
	"maps"
	"net/http"
	"slices"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// parts is all that follows from which targets are configured. It is never changed: a reload makes another one.
type parts struct {
	config    Config
	base      string // the Clay that they belong to
	catalog   *ledger.Catalog
	intakes   []intake.Target
	callbacks []collect.Target
	served    []api.Target
	upstreams []api.Upstream
	spaces    []string // the workspaces
	webhooks  map[ledger.Digest]*clay.Client
	lookups   map[string]*clay.Client // by target
	apis      map[ledger.LaneID]*clay.Client
	forward   forward.Configuration
	completed http.Handler // completion webhooks; made once there is a ledger
}

// prepare makes the parts of a configuration. It changes nothing that is running; the error says what is wrong with a
// URL, a token or a key.
func (a *App) prepare(c Config) (*parts, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	p := &parts{
		config: c, base: base, webhooks: map[ledger.Digest]*clay.Client{}, lookups: map[string]*clay.Client{},
		apis: map[ledger.LaneID]*clay.Client{},
	}
	if err := a.connect(p); err != nil {
		return nil, err
	}
	if err := p.destine(c); err != nil {
		return nil, err
	}
	var targets []ledger.Target
	lanes := map[ledger.LaneID]ledger.Pace{}
	for _, t := range c.Targets {
		lt := t.ledgerTarget(c.Emulate != nil)
		lt.Forward = c.outlets(t)
		targets = append(targets, lt)
		await := !t.NoResults || t.Lookup != nil || t.Routine != nil
		p.intakes = append(p.intakes, intake.Target{Target: lt, DedupeBy: t.DedupeBy, TicketField: t.TicketField, Priority: t.Priority, Await: await, Personal: t.Personal, CallbackURL: c.checkCallback()})
		p.served = append(p.served, api.Target{Target: lt, Kind: t.kind(), DedupeBy: t.DedupeBy, Await: await, ConfirmAbove: t.ConfirmAbove, DropIn: t.DropIn})
		if t.Lookup == nil && t.Routine == nil {
			p.callbacks = append(p.callbacks, collect.Target{Name: t.Name, TicketField: t.TicketField, Secret: t.CallbackSecret})
		}
		lanes[t.lane()] = c.pace(t)
	}
	c.paces(lanes)
	c.pacesAPIs(lanes)
	p.upstreams, p.spaces = c.upstreams(), c.workspaces()
	p.catalog = ledger.NewCatalog(targets, lanes).WithBudgets(c.Budgets)
	return p, nil
}

// served returns the targets as the API shows them now.
func (a *App) served() []api.Target { return a.parts.Load().served }

// workspaces returns the names of the workspaces as they are now.
func (a *App) workspaces() []string { return a.parts.Load().spaces }

// workspaces returns the names of those that are configured, with or without targets.
func (c Config) workspaces() []string {
	named := maps.Clone(c.PublicAPI)
	for _, t := range c.Targets {
		named[t.workspace()] = PublicAPI{}
	}
	return slices.Sorted(maps.Keys(named))
}
