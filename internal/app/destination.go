package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
)

// Destination is where the ends of records are forwarded: exactly one of Webhook, HTTP, File and
// Postgres.
type Destination struct {
	Name string
	// Failures and Cached: see [ledger.Outlet].
	Failures, Cached bool
	// Pace of its deliveries. The zero Pace is none.
	Pace     ledger.Pace
	Webhook  *forward.Webhook
	HTTP     *forward.HTTP
	File     *forward.File
	Postgres *forward.Postgres
}

// open makes what delivers.
func (d Destination) open() (*forward.Destination, error) {
	switch {
	case d.Webhook != nil:
		return forward.NewWebhook(*d.Webhook)
	case d.HTTP != nil:
		return forward.NewHTTP(*d.HTTP)
	case d.Postgres != nil:
		return forward.NewPostgres(*d.Postgres)
	}
	return forward.NewFile(*d.File)
}

// outlets returns where a target's records go: nowhere when Clay is emulated.
func (c Config) outlets(t Target) []ledger.Outlet {
	var outlets []ledger.Outlet
	for _, d := range c.Destinations {
		for _, name := range t.Destinations {
			if d.Name == name && c.Emulate == nil {
				outlets = append(outlets, ledger.Outlet{Destination: d.Name, Failures: d.Failures, Cached: d.Cached})
			}
		}
	}
	return outlets
}

// destine makes what forwards by a configuration. It connects to nothing.
func (p *parts) destine(c Config) error {
	if c.Passive {
		return nil
	}
	for _, d := range c.Destinations {
		if c.Emulate != nil {
			break // what was invented must not reach a real CRM
		}
		to, err := d.open()
		if err != nil {
			return err
		}
		p.forward.Destinations = append(p.forward.Destinations, to)
	}
	if c.Callbacks == nil {
		return nil
	}
	callbacks := *c.Callbacks
	callbacks.Name, callbacks.URL = "callback_urls", ""
	if c.Emulate != nil {
		callbacks.Reach = forward.Loopback
	}
	var err error
	p.forward.Callbacks, err = forward.NewWebhook(callbacks)
	return err
}

// checkCallback returns what checks the callback URLs that records bring, nil where none is taken.
func (c Config) checkCallback() func(string) error {
	if c.Callbacks == nil {
		return nil
	}
	secure := c.Callbacks.Reach == forward.Public && c.Emulate == nil
	return func(address string) error {
		if err := forward.CheckURL(address); err != nil {
			return err
		}
		if u, err := url.Parse(address); secure && (err != nil || u.Scheme != "https") {
			return errInsecure
		}
		return nil
	}
}

// forwarder returns what forwards from a ledger. It is started with the rest.
func (a *App) newForwarder(ctx context.Context, p *parts) (*forward.Forwarder, error) {
	secret, err := a.Ledger.Secret(ctx, "via")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(secret)
	a.via = hex.EncodeToString(sum[:8])
	f := forward.New(forward.Options{
		Store: a.Ledger, Hub: a.Hub, Via: a.via, Log: a.config.Log,
		View: func(r *ledger.Record) json.RawMessage { return api.View(r) },
	})
	f.Configure(p.forward)
	return f, nil
}

// paces adds those of the destinations.
func (c Config) paces(lanes map[ledger.LaneID]ledger.Pace) {
	for _, d := range c.Destinations {
		if d.Pace != (ledger.Pace{}) {
			lanes[ledger.Outgoing(d.Name).Lane()] = d.Pace
		}
	}
}
