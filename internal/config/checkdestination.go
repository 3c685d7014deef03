package config

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/expression"
)

func (d *decoder) checkDestinations(c *Config) {
	for _, name := range names(c.Destinations) {
		to := c.Destinations[name]
		d.checkDestination(join("destinations", name), &to, c)
		c.Destinations[name] = to
	}
	d.checkSigning("callback_urls", c.CallbackURLs.Secret, c.CallbackURLs.FormerSecret)
	d.checkTimeout("callback_urls.timeout", c.CallbackURLs.Timeout)
	for _, t := range c.Targets() {
		d.checkForwarded(t, c)
	}
}

func (d *decoder) checkDestination(path string, to *Destination, c *Config) {
	if d.refused[path] {
		return
	}
	var kinds []string
	for _, kind := range []string{"webhook", "http", "file", "postgres"} {
		if d.given(join(path, kind)) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) != 1 {
		d.refuse(path, "must have exactly one of webhook, http, file and postgres", "it is what the destination is")
		return
	}
	switch at := join(path, kinds[0]); kinds[0] {
	case "webhook":
		d.checkNeeded(at+".url", to.Webhook.URL.Secret, "write url: https://…, or env:NAME")
		d.checkPrivateURL(at+".url", to.Webhook.URL, c)
		d.checkNeeded(at+".secret", to.Webhook.Secret, "write secret: env:NAME")
		d.checkSigning(at, to.Webhook.Secret, to.Webhook.FormerSecret)
	case "http":
		d.checkHTTP(at, to.HTTP, c)
	case "postgres":
		d.checkPostgres(path, to, c)
	default:
		d.checkFile(path, to)
	}
	d.checkExpression(path+".when", to.When)
	for _, name := range names(to.Compute) {
		if !fieldForm.MatchString(name) {
			d.refuse(path+".compute", "has a name that is not one word", "a name has letters, digits and _, at most 64")
			continue
		}
		d.checkValue(join(path+".compute", name), to.Compute[name])
	}
	if d.sound(path+".per_second") && (to.PerSecond < 0 || to.PerSecond > 100_000 || to.PerSecond == 0 && d.given(path+".per_second")) {
		d.refuse(path+".per_second", "must be more than 0 and at most 100000", "leave it out for no bound")
	}
	d.checkRange(path+".concurrency", to.Concurrency, limits{least: 1, most: 256})
	d.checkTimeout(path+".timeout", to.Timeout)
}

// fieldForm is what computed fields may be called.
var fieldForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (d *decoder) checkHTTP(path string, h HTTPDestination, c *Config) {
	d.checkNeeded(path+".url", h.URL.Secret, "write url: https://…, or env:NAME")
	d.checkPrivateURL(path+".url", h.URL, c)
	d.checkValue(path+".path", h.Path)
	d.checkValue(path+".body", h.Body)
	d.checkValue(path+".item", h.Item)
	for _, name := range names(h.Headers) {
		at := join(path+".headers", name)
		if !headerName(name) {
			d.refuse(path+".headers", "has a name that is not a header's, or one that claygate sets itself", "")
		} else if text, ok := strings.CutPrefix(h.Headers[name].Reveal(), "="); ok {
			d.checkValue(at, text)
		}
	}
	d.checkRange(path+".batch", h.Batch, limits{least: 1, most: 1000})
	if h.Batch > 1 && h.Path != "" && d.sound(path) {
		d.refuse(path+".path", "has no effect with a batch: the records of one request share its path", "leave one of the two out")
	}
}

// headerName reports whether a text is the name of a header that may be set.
func headerName(text string) bool {
	reserved := []string{"host", "content-length", "connection", "transfer-encoding", "user-agent", "claygate-via"}
	return text != "" && !slices.Contains(reserved, strings.ToLower(text)) && !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func (d *decoder) checkFile(path string, to *Destination) {
	at := path + ".file"
	switch {
	case to.File.Path == "" && d.sound(at):
		d.refuse(at+".path", "is missing", "write path: /var/lib/claygate/results.ndjson")
	case strings.HasPrefix(to.File.Path, "~"):
		d.refuse(at+".path", "~ is not expanded", "write the whole path")
	case to.File.Path != "":
		to.File.Path = d.beside(to.File.Path)
	}
	d.checkRange(at+".max_size", to.File.MaxSize, limits{least: 1, most: 1 << 20})
	d.checkRange(at+".keep", to.File.Keep, limits{})
	for _, key := range []string{"timeout", "concurrency", "allow_private"} {
		if key := join(path, key); d.given(key) && d.sound(key) {
			d.refuse(key, "has no effect on a file", "leave it out")
		}
	}
}

func (d *decoder) checkNeeded(path string, s Secret, hint string) {
	if !s.IsSet() && d.sound(path) && !d.refused[parent(path)] {
		d.refuse(path, "is missing", hint)
	}
}

// checkPrivateURL checks a URL without showing any of it.
func (d *decoder) checkPrivateURL(path string, p Private, c *Config) {
	if p.Reveal() == "" || !d.sound(path) {
		return
	}
	if message, hint := badURL(p.Reveal(), c.AllowInsecure); message != "" {
		d.refuse(path, message, hint)
	}
}

const makeSecret = `printf 'whsec_%s\n' "$(openssl rand -base64 32)" makes one`

// checkSigning checks what signs, without showing it.
func (d *decoder) checkSigning(path string, secrets ...Secret) {
	for i, key := range []string{"secret", "former_secret"} {
		s, at := secrets[i], join(path, key)
		if s.Reveal() == "" || !d.sound(at) {
			continue
		}
		digits, ok := strings.CutPrefix(s.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(digits)
		if !ok || err != nil || len(raw) < 24 || len(raw) > 64 { // by Standard Webhooks 1.0
			d.refuse(at, "is not whsec_ and the base64 of 24 to 64 bytes", makeSecret)
		}
	}
	if secrets[1].IsSet() && !secrets[0].IsSet() && d.sound(path) {
		d.refuse(join(path, "secret"), "is missing", "former_secret is the one that it took the place of")
	}
}

// maxTimeout is as long as a try may take: what was claimed is tried again after three minutes.
const maxTimeout = 30 * time.Second

func (d *decoder) checkTimeout(path string, span time.Duration) {
	if d.sound(path) && (span < time.Second || span > maxTimeout) {
		d.refuse(path, fmt.Sprintf("%s is not from 1s to %s", spell(span), spell(maxTimeout)), "")
	}
}

// checkValue compiles an expression that comes to a value.
func (d *decoder) checkValue(path, text string) {
	if !d.sound(path) {
		return
	}
	if _, err := expression.CompileValue(text); err != nil {
		d.refuse(path, err.Error(), `write it like {email: fields.email}; the manual's "Expressions" says what there is`)
	}
}

// checkForwarded checks that the destinations of a target are there.
func (d *decoder) checkForwarded(t Target, c *Config) {
	part, fields := "tables", t.Table.Destinations
	switch t.Kind {
	case KindRoutine:
		part, fields = "routines", t.Routine.Destinations
	case KindLookup:
		part, fields = "lookups", t.Lookup.Destinations
	}
	path := join(join(join("workspaces", t.Workspace), part), t.Name) + ".destinations"
	for i, name := range fields {
		at := fmt.Sprintf("%s[%d]", path, i)
		if has(c.Destinations, name) || !d.sound(at) || !d.sound("destinations") {
			continue
		}
		hint := "name it under destinations"
		if near := nearest(name, names(c.Destinations)); near != "" {
			hint = "did you mean " + near + "?"
		}
		d.refuse(at, "there is no destination "+shown(name), hint)
	}
}
