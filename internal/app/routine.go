package app

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/ledger"
)

// PublicAPI is how a workspace reaches Clay's Public API, which runs its routines.
type PublicAPI struct {
	Key     string // sent as clay-api-key
	BaseURL string // default: Clay's
	// Pace of all calls: starts, questions, pages of results. Clay publishes no limit: it slows down when Clay says so.
	// Default 5 a second, burst 5.
	Pace ledger.Pace
	// Completion is the completion webhook that Clay tells of the ends of runs. The zero one is none.
	Completion Completion
}

// Completion is a completion webhook, as Clay's command line registers it.
type Completion struct {
	ID     string // wh_…
	Secret string // whsec_…, which Clay shows once
}

// Routine is a function or a workflow of Clay, which works on many records in one run.
type Routine struct {
	ID string // function:… or workflow:…
	// Inputs names, for each of its inputs, the record's field that it gets. Empty: the fields are the inputs.
	Inputs map[string]string
	// Runs says how records are gathered into runs.
	Runs ledger.RunPolicy
	// FailedWhen makes a failure of a complete item on whose result it holds. Nil: none is one.
	FailedWhen *expression.Condition
}

// defaultAPIPace is a guess on the safe side: Clay publishes no limit (docs/clay.md).
var defaultAPIPace = ledger.Pace{PerSecond: 5, Burst: 5}

func (p PublicAPI) pace() ledger.Pace {
	pace := ledger.Pace{
		PerSecond: cmp.Or(p.Pace.PerSecond, defaultAPIPace.PerSecond), Burst: cmp.Or(p.Pace.Burst, defaultAPIPace.Burst), Adaptive: true,
	}
	return pace
}

// baseURL is where the API is, without its path.
func (p PublicAPI) baseURL() string { return cmp.Or(p.BaseURL, "https://api.clay.com") }

// pace returns the pace of a target's lane.
func (c Config) pace(t Target) ledger.Pace {
	if t.Routine != nil {
		return c.PublicAPI[t.workspace()].pace()
	}
	return c.Pace[t.workspace()]
}

// withAPIs returns the configuration's Public APIs, one for each workspace that has a routine at least. The map is a copy.
func withAPIs(c Config) map[string]PublicAPI {
	apis := maps.Clone(c.PublicAPI)
	if apis == nil {
		apis = map[string]PublicAPI{}
	}
	for _, t := range c.Targets {
		if t.Routine != nil {
			apis[t.workspace()] = apis[t.workspace()]
		}
	}
	return apis
}

func (t Target) workspace() string { return cmp.Or(t.Workspace, "main") }

// connectAPIs finds or makes the client of each workspace that has routines, or whose callers may start some through the
// gateway.
func (a *App) connectAPIs(p *parts) (err error) {
	needed := map[string]bool{}
	for _, t := range p.config.Targets {
		needed[t.workspace()] = needed[t.workspace()] || t.Routine != nil
	}
	for workspace, w := range p.config.PublicAPI {
		if !needed[workspace] && w.Key == "" {
			continue
		}
		lane := ledger.LaneOf(workspace, ledger.APISurface)
		at := account{apiKey: w.Key, apiURL: strings.TrimSuffix(w.baseURL(), "/") + publicAPIPath}
		if p.apis[lane], err = a.client(at); err != nil {
			return err
		}
	}
	return nil
}

const publicAPIPath = "/public/v0"

// runners returns what starts the runs of each routine.
func (p *parts) runners() map[string]dispatch.Runner {
	runners := map[string]dispatch.Runner{}
	for _, t := range p.config.Targets {
		if t.Routine == nil {
			continue
		}
		runners[t.Name] = &dispatch.Routine{
			Routine: p.apis[t.lane()].Routine(t.Routine.ID), Inputs: t.Routine.Inputs,
			CompletionWebhook: p.config.PublicAPI[t.workspace()].Completion.ID,
		}
	}
	return runners
}

// failures returns, for each routine that has one, what makes a failure of a complete item.
func (p *parts) failures() map[string]func([]byte) string {
	failed := map[string]func([]byte) string{}
	for _, t := range p.config.Targets {
		if t.Routine == nil || t.Routine.FailedWhen == nil {
			continue
		}
		condition := t.Routine.FailedWhen
		failed[t.Name] = func(result []byte) string {
			holds, err := condition.Holds(result)
			if err != nil || !holds { // a result that cannot be judged was paid for: it is kept
				return ""
			}
			return "Clay completed it with a failure: failed_when holds on its result"
		}
	}
	return failed
}

// completions returns the handlers of the workspaces' completion webhooks.
func (p *parts) completions(store ledger.Runs, log *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()
	for workspace, w := range p.config.PublicAPI {
		if w.Completion.Secret == "" {
			continue
		}
		handler, err := collect.NewCompletions(collect.Completions{
			Lane: ledger.LaneOf(workspace, ledger.APISurface), Secrets: []string{w.Completion.Secret}, Store: store, Log: log,
		})
		if err != nil {
			return nil, err
		}
		mux.Handle(collect.CompletionPath+workspace, handler)
	}
	return mux, nil
}

// completed answers completion webhooks by the present configuration.
func (a *App) completed(w http.ResponseWriter, r *http.Request) {
	a.parts.Load().completed.ServeHTTP(w, r)
}

// newPoller returns what asks Clay about the runs of a configuration.
func (a *App) newPoller(p *parts) *collect.Poller {
	return collect.NewPoller(collect.PollerOptions{
		Store: a.Ledger, Hub: a.Hub, Clients: p.apis, Failed: p.failures(), Log: a.config.Log,
	})
}

// repoll asks by another configuration from now on. A question that is cut off is asked again. The caller holds
// reloading.
func (a *App) repoll(p *parts) {
	a.poller.Load().Stop()
	a.poller.Store(a.newPoller(p))
	if a.started {
		a.poller.Load().Start()
	}
}

// stopPolling asks nothing more.
func (a *App) stopPolling() {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.started = false
	a.poller.Load().Stop()
}

// emulateAPI points the routines of all workspaces at the emulated Clay.
func (a *App) emulateAPI(apis map[string]PublicAPI) {
	for workspace, p := range apis {
		p.Key, p.BaseURL = emulatedKey, a.emulator.URL()
		p.Completion = a.emulatedCompletion(workspace)
		apis[workspace] = p
	}
}

// emulatedCompletion is the completion webhook of a workspace at the emulated Clay; none when no callbacks are taken.
func (a *App) emulatedCompletion(workspace string) Completion {
	if a.callbacks == nil {
		return Completion{}
	}
	return Completion{ID: "wh_" + workspace, Secret: "whsec_emulated_" + workspace}
}
