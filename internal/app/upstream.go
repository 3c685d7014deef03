package app

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// upstreams returns the workspaces whose Public API can be called through the gateway: those that have a key.
func (c Config) upstreams() []api.Upstream {
	var all []api.Upstream
	for _, workspace := range slices.Sorted(maps.Keys(c.PublicAPI)) {
		p := c.PublicAPI[workspace]
		if p.Key == "" {
			continue
		}
		up := api.Upstream{
			Workspace: workspace, URL: p.baseURL(), Key: p.Key, Lane: ledger.LaneOf(workspace, ledger.APISurface),
			Routines: map[string]string{}, Emulated: c.Emulate != nil,
		}
		for _, t := range c.Targets {
			if t.Routine != nil && t.workspace() == workspace {
				up.Routines[t.Routine.ID] = t.Name
			}
		}
		all = append(all, up)
	}
	return all
}

// pacesAPIs adds the paces of these workspaces' calls, also of those without a routine.
func (c Config) pacesAPIs(lanes map[ledger.LaneID]ledger.Pace) {
	for workspace, p := range c.PublicAPI {
		if p.Key != "" {
			lanes[ledger.LaneOf(workspace, ledger.APISurface)] = p.pace()
		}
	}
}

// upstreams returns them as the API works with them now.
func (a *App) upstreams() []api.Upstream { return a.parts.Load().upstreams }

// newOutgoing returns what sends the calls that are passed through. It follows no redirect, as no transport does.
func newOutgoing() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ForceAttemptHTTP2 = false
	t.TLSHandshakeTimeout = 5 * time.Second
	t.IdleConnTimeout = 15 * time.Second // what Clay has closed meanwhile costs a call
	t.MaxIdleConnsPerHost = 16
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}
