package config

import (
	"fmt"
	"strings"
	"time"
)

const (
	noTarget = "tables: {people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}} makes one"
	// What Clay allows a workspace's webhooks (docs/clay.md).
	clayPerSecond, clayBurst = 10, 20
)

func (d *decoder) checkWorkspaces(c *Config) {
	switch {
	case d.source.Path == "" || d.refused[""] || !d.sound("workspaces"):
	case !d.given("workspaces"):
		d.refuse("workspaces", "is missing", "name at least one, or leave out the file to use CLAY_WEBHOOK_URL alone")
	case len(c.Targets()) == 0 && !passes(c):
		d.refuse("workspaces", "there is no table, no routine, no lookup and no public_api_key, so nothing to send to", noTarget)
	}
	for _, name := range names(c.Workspaces) {
		w := c.Workspaces[name]
		d.checkWorkspace(join("workspaces", name), &w, c)
		c.Workspaces[name] = w
	}
	d.checkWebhooksTogether(c)
	d.checkOneClay(c)
}

// passes reports whether calls of the Public API can be passed through, which needs no target.
func passes(c *Config) bool {
	for _, w := range c.Workspaces {
		if w.PublicAPIKey.IsSet() {
			return true
		}
	}
	return false
}

func (d *decoder) checkWorkspace(path string, w *Workspace, c *Config) {
	d.checkURL(path+".base_url", w.BaseURL, c)
	w.BaseURL = strings.TrimRight(w.BaseURL, "/")
	d.checkPace(path+".pace", w.Pace)
	if len(w.Lookups) > 0 && !w.EnterpriseAPIKey.IsSet() && d.sound(path+".enterprise_api_key") {
		d.refuse(path+".enterprise_api_key", "is missing; lookups need it", "write enterprise_api_key: env:CLAY_ENTERPRISE_API_KEY")
	}
	d.checkAPI(path, w)
	for _, name := range names(w.Tables) {
		t := w.Tables[name]
		d.checkTable(join(path+".tables", name), &t, c)
		w.Tables[name] = t
	}
	for _, name := range names(w.Routines) {
		r := w.Routines[name]
		at := join(path+".routines", name)
		d.checkName(at, name, map[string]bool{"table": has(w.Tables, name)})
		d.checkRoutine(at, &r, c)
		w.Routines[name] = r
	}
	for _, name := range names(w.Lookups) {
		l := w.Lookups[name]
		at := join(path+".lookups", name)
		d.checkName(at, name, map[string]bool{"table": has(w.Tables, name), "routine": has(w.Routines, name)})
		d.checkLookup(at, &l, c)
		w.Lookups[name] = l
	}
	d.checkDropIn(path+".drop_in", w)
}

// checkName refuses a target's name that one of another kind has.
func (d *decoder) checkName(path, name string, also map[string]bool) {
	for _, kind := range names(also) {
		if also[kind] && name != "?" {
			d.refuse(path, "there is a "+kind+" of this name already", "name one of them otherwise: both are addressed by it")
		}
	}
}

func has[T any](m map[string]T, name string) bool {
	_, ok := m[name]
	return ok
}

func (d *decoder) checkPace(path string, p Pace) {
	switch {
	case !d.sound(path + ".per_second"):
	case p.PerSecond <= 0 || p.PerSecond > 1000:
		d.refuse(path+".per_second", "must be more than 0 and at most 1000", "")
	case p.PerSecond > clayPerSecond:
		d.warn(path+".per_second", fmt.Sprintf("is above %d, Clay's limit for a workspace", clayPerSecond),
			"keep to it unless Clay has raised yours: what is too fast is dropped and sent again")
	}
	d.checkRange(path+".burst", p.Burst, limits{least: 1, most: 1000})
	if d.sound(path+".burst") && p.Burst > clayBurst {
		d.warn(path+".burst", fmt.Sprintf("is above %d, Clay's limit for a workspace", clayBurst), "keep to it unless Clay has raised yours")
	}
}

func (d *decoder) checkTable(path string, t *Table, c *Config) {
	if d.refused[path] {
		return // it is no map at all
	}
	if len(t.Webhooks) == 0 && d.sound(path+".webhooks") {
		d.refuse(path+".webhooks", "is missing", "write webhooks: [{url: env:CLAY_WEBHOOK_URL}]")
	}
	for i, w := range t.Webhooks {
		d.checkWebhook(fmt.Sprintf("%s.webhooks[%d]", path, i), w, c)
	}
	d.checkAges(path, ages{&t.MaxAge, &t.EmptyMaxAge}, c)
	d.checkRange(path+".priority", t.Priority, limits{most: 9})
	d.checkPositive(path+".result_timeout", t.ResultTimeout)
	d.checkIDField(path, t)
	d.checkAwaited(path, t)
	d.checkExpression(path+".complete_when", t.CompleteWhen)
}

func (d *decoder) checkWebhook(path string, w Webhook, c *Config) {
	if !w.URL.IsSet() && d.sound(path) {
		d.refuse(path+".url", "is missing", "write url: env:CLAY_WEBHOOK_URL")
	}
	d.checkWebhookURL(path+".url", w.URL, c)
	d.checkRange(path+".limit", w.Limit, limits{})
	d.checkRange(path+".start", w.Start, limits{})
	switch {
	case !d.sound(path+".limit") || !d.sound(path+".start"):
	case w.Limit > 0 && w.Start > w.Limit:
		d.refuse(path+".start", fmt.Sprintf("%d is more than the webhook's limit, %d", w.Start, w.Limit), "")
	case w.Limit > DefaultWebhookLimit:
		d.warn(path+".limit", fmt.Sprintf("is above %d, after which Clay refuses", DefaultWebhookLimit),
			"leave it out, or write 0 for a table that deletes rows by itself")
	}
}

func (d *decoder) checkIDField(path string, t *Table) {
	switch {
	case !d.sound(path + ".id_field"):
	case len(t.IDField) > 64:
		d.refuse(path+".id_field", "is longer than 64 bytes", "")
	}
	for i, field := range t.DedupeBy {
		if field == t.IDField {
			d.refuse(fmt.Sprintf("%s.dedupe_by[%d]", path, i), "is the ticket's field (id_field), which differs for every record",
				"name a field of the input")
		}
	}
}

// ofResults are the keys of a table that say something about its results.
var ofResults = []string{
	"dedupe_by", "max_age", "empty_max_age", "version", "on_conflict", "result_timeout", "on_update", "complete_when", "callback_secret",
}

// checkAwaited refuses what can have no effect where no result is awaited, and decides on_uncertain where it was left.
func (d *decoder) checkAwaited(path string, t *Table) {
	if t.AwaitsResult {
		if t.OnUncertain == "" {
			t.OnUncertain = Wait
		}
		return
	}
	for _, key := range ofResults {
		if at := join(path, key); d.given(at) && d.sound(at) {
			d.refuse(at, "has no effect with awaits_result: false", "leave one of the two out")
		}
	}
	if t.OnUncertain == Wait {
		d.refuse(path+".on_uncertain", "wait needs a result to wait for", "write resend or hold, or leave out awaits_result: false")
	}
	if t.OnUncertain == "" {
		t.OnUncertain = Resend
	}
}

func (d *decoder) checkLookup(path string, l *Lookup, c *Config) {
	if l.Kind == "" && d.sound(path) {
		d.refuse(path+".kind", "is missing", "write kind: person or kind: company")
	}
	if l.OnUncertain == Wait {
		d.refuse(path+".on_uncertain", "wait needs a callback to wait for, and a lookup has none", "write resend or hold")
	}
	d.checkAges(path, ages{&l.MaxAge, &l.EmptyMaxAge}, c)
	d.checkRange(path+".priority", l.Priority, limits{most: 9})
}

// ages are how old results may be to answer again.
type ages struct{ max, empty *time.Duration }

// checkAges keeps both within what is stored: an answer from the cache needs its body.
func (d *decoder) checkAges(path string, a ages, c *Config) {
	bodies, maxAge, emptyAge := c.Retention.Bodies, path+".max_age", path+".empty_max_age"
	switch {
	case !d.given(maxAge) && d.sound("retention.bodies"):
		*a.max = min(*a.max, bodies)
	case d.sound(maxAge) && d.sound("retention.bodies") && *a.max > bodies:
		d.refuse(maxAge, fmt.Sprintf("%s is longer than bodies are kept (retention.bodies: %s)", spell(*a.max), spell(bodies)),
			"shorten it, or keep bodies as long")
	}
	switch {
	case !d.given(emptyAge):
		*a.empty = min(*a.empty, *a.max)
	case d.sound(maxAge) && d.sound(emptyAge) && *a.empty > *a.max:
		d.refuse(emptyAge, fmt.Sprintf("%s is longer than max_age, %s", spell(*a.empty), spell(*a.max)),
			"no result answers for longer than max_age: shorten it")
	}
}
