package config

import "fmt"

// use is one place where a webhook's URL stands.
type use struct {
	workspace, table, path string
	webhook                Webhook
}

// uses returns all webhooks whose URL is known, in order.
func uses(c *Config) []use {
	var all []use
	for _, workspace := range names(c.Workspaces) {
		for _, table := range names(c.Workspaces[workspace].Tables) {
			path := join(join(join("workspaces", workspace), "tables"), table)
			for i, w := range c.Workspaces[workspace].Tables[table].Webhooks {
				if w.URL.Reveal() != "" {
					all = append(all, use{workspace, table, fmt.Sprintf("%s.webhooks[%d].url", path, i), w})
				}
			}
		}
	}
	return all
}

// checkWebhooksTogether finds URLs that stand in several places. Their submissions are counted, and paced, once.
func (d *decoder) checkWebhooksTogether(c *Config) {
	first := map[string]use{}
	for _, u := range uses(c) {
		other, again := first[u.webhook.URL.Reveal()]
		switch {
		case !again:
			first[u.webhook.URL.Reveal()] = u
		case !d.sound(u.path):
		case other.workspace != u.workspace:
			d.refuse(u.path, "is the same webhook as "+other.path, "a webhook belongs to one workspace, whose pace it shares")
		case other.table == u.table:
			d.refuse(u.path, "is the same webhook as "+other.path, "leave one of them out")
		case other.webhook.Limit != u.webhook.Limit || other.webhook.Start != u.webhook.Start:
			d.refuse(u.path, "is the same webhook as "+other.path+", with another limit or start",
				"give both the same: its submissions are counted once")
		default:
			d.warn(u.path, "is the same webhook as "+other.path, "both feed one table in Clay and use up one limit; each should have its own")
		}
	}
}

// checkOneClay refuses to mix Clay with another one, such as an emulator: a ledger belongs to one of them, or emulated
// results could answer for real ones.
func (d *decoder) checkOneClay(c *Config) {
	firstPath, first := "", ""
	see := func(path, url string) {
		here := origin(url)
		switch {
		case here == "" || !d.sound(path):
		case first == "":
			firstPath, first = path, here
		case here != first:
			d.refuse(path, "leads to another Clay than "+firstPath,
				"one gateway, and one ledger, belongs to one Clay: both must have the same scheme, host and port")
		}
	}
	for _, u := range uses(c) {
		see(u.path, u.webhook.URL.Reveal())
	}
	for _, name := range names(c.Workspaces) {
		w, path := c.Workspaces[name], join("workspaces", name)+".base_url"
		if (len(w.Lookups)+len(w.Routines) > 0 || w.PublicAPIKey.IsSet() || d.given(path)) && !d.source.Emulate {
			see(path, w.BaseURL)
		}
	}
}
