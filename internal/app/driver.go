package app

import (
	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/ledger"
)

// connect makes the client of each webhook and lookup. It sends nothing; the error says what is wrong with a URL, a
// token or a key.
func (a *App) connect() error {
	for _, t := range a.config.Targets {
		for _, w := range t.Webhooks {
			client, err := clay.New(clay.Config{
				WebhookURL: w.URL, WebhookToken: w.Token, Concurrency: dispatch.DefaultConcurrency,
			})
			if err != nil {
				return err
			}
			a.webhooks[w.id()] = client
		}
		if t.Lookup == nil { // routines share their workspace's client, see connectAPIs
			continue
		}
		client, err := clay.New(clay.Config{
			EnterpriseKey: t.Lookup.Key, BaseURL: t.Lookup.BaseURL, Concurrency: dispatch.DefaultConcurrency,
			Retries: -1, // each try is an attempt in the ledger
		})
		if err != nil {
			return err
		}
		a.lookups[t.Name] = client
	}
	return a.connectAPIs()
}

// drivers returns what sends the records of each target.
func (a *App) drivers(tickets ledger.Tickets) map[string]dispatch.Driver {
	drivers := map[string]dispatch.Driver{}
	for _, t := range a.config.Targets {
		if t.Routine != nil {
			continue // see runners
		}
		if t.Lookup != nil {
			drivers[t.Name] = &dispatch.Lookup{Finder: a.lookups[t.Name], Kind: t.Lookup.Kind}
			continue
		}
		table := &dispatch.Table{Webhooks: map[ledger.Digest]dispatch.Sender{}, Tickets: tickets, TicketField: t.TicketField}
		for _, w := range t.Webhooks {
			table.Webhooks[w.id()] = a.webhooks[w.id()]
		}
		drivers[t.Name] = table
	}
	return drivers
}
