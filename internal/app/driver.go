package app

import (
	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/ledger"
)

// account is what a client is made of. A reload that leaves it as it was goes on with the client and its connections.
type account struct{ webhook, token, key, base, apiKey, apiURL string }

// connect finds or makes the client of each webhook and lookup. It sends nothing; the error says what is wrong with a
// URL, a token or a key.
func (a *App) connect(p *parts) (err error) {
	for _, t := range p.config.Targets {
		for _, w := range t.Webhooks {
			if p.webhooks[w.id()], err = a.client(account{webhook: w.URL, token: w.Token}); err != nil {
				return err
			}
		}
		if t.Lookup == nil { // routines share their workspace's client, see connectAPIs
			continue
		}
		if p.lookups[t.Name], err = a.client(account{key: t.Lookup.Key, base: t.Lookup.BaseURL}); err != nil {
			return err
		}
	}
	return a.connectAPIs(p)
}

func (a *App) client(of account) (*clay.Client, error) {
	if client, ok := a.clients[of]; ok {
		return client, nil
	}
	client, err := clay.New(clay.Config{
		WebhookURL: of.webhook, WebhookToken: of.token, EnterpriseKey: of.key, BaseURL: of.base,
		PublicAPIKey: of.apiKey, PublicAPIURL: of.apiURL, Concurrency: dispatch.DefaultConcurrency,
		Retries: -1, PublicAPIPacer: clay.NewPacer(-1, 0), // the ledger paces, and each try is written down there
	})
	if err == nil {
		a.clients[of] = client
	}
	return client, err
}

// drivers returns what sends the records of each target.
func (p *parts) drivers(tickets ledger.Tickets) map[string]dispatch.Driver {
	drivers := map[string]dispatch.Driver{}
	for _, t := range p.config.Targets {
		if t.Routine != nil {
			continue // see runners
		}
		if t.Lookup != nil {
			drivers[t.Name] = &dispatch.Lookup{Finder: p.lookups[t.Name], Kind: t.Lookup.Kind}
			continue
		}
		table := &dispatch.Table{Webhooks: map[ledger.Digest]dispatch.Sender{}, Tickets: tickets, TicketField: t.TicketField}
		for _, w := range t.Webhooks {
			table.Webhooks[w.id()] = p.webhooks[w.id()]
		}
		drivers[t.Name] = table
	}
	return drivers
}
