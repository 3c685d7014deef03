package config

import "testing"

// Where nothing is said, the only lookup of its kind answers, and no other target does.
func TestDropInDefaults(t *testing.T) {
	const top = "workspaces:\n  main:\n    enterprise_api_key: env:CLAY_ENTERPRISE_API_KEY\n"
	for name, tt := range map[string]struct{ more, people, companies string }{
		"one of each":  {"    lookups: {who: {kind: person}, firm: {kind: company}}", "who", "firm"},
		"two of one":   {"    lookups: {who: {kind: person}, whom: {kind: person}}", "", ""},
		"one is named": {"    drop_in: {people: whom}\n    lookups: {who: {kind: person}, whom: {kind: person}}", "whom", ""},
		"a table":      {"    drop_in: {companies: rows, people: rows}\n    tables: {rows: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}", "rows", "rows"},
		"none":         {"    tables: {rows: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}", "", ""},
	} {
		c := mustLoad(t, world{yaml: top + tt.more + "\n"}.source())
		if got := c.Workspaces["main"].DropIn; got != (DropIn{People: tt.people, Companies: tt.companies}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
