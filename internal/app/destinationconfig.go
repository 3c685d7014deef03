package app

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
)

var errInsecure = errors.New("it is not encrypted: write https://")

// destinations turns those of a configuration into what runs them.
func destinations(c config.Config) []Destination {
	var all []Destination
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		d := c.Destinations[name]
		to := Destination{Name: name, Failures: d.Failures, Cached: d.Cached}
		if d.PerSecond > 0 {
			to.Pace = ledger.Pace{PerSecond: d.PerSecond, Burst: max(int(d.PerSecond), 1)}
		}
		settings := forward.Settings{Name: name, Compute: values(d.Compute), Concurrency: d.Concurrency}
		if when, _ := expression.Compile(d.When); when != nil { // the configuration compiled it before
			settings.When = when
		}
		switch {
		case d.Webhook.URL.IsSet():
			to.Webhook = &forward.Webhook{
				Settings: settings, URL: d.Webhook.URL.Reveal(), Secrets: secrets(d.Webhook.Secret, d.Webhook.FormerSecret),
				Reach: reach(d.AllowPrivate), Timeout: d.Timeout,
			}
		case d.HTTP.URL.IsSet():
			to.HTTP = httpDestination(settings, d)
		case d.Postgres.DSN.IsSet():
			to.Postgres = postgresDestination(settings, d)
		default:
			to.File = &forward.File{Settings: settings, Path: d.File.Path, MaxBytes: int64(d.File.MaxSize) << 20, Keep: d.File.Keep}
		}
		all = append(all, to)
	}
	return all
}

func httpDestination(settings forward.Settings, d config.Destination) *forward.HTTP {
	h := &forward.HTTP{
		Settings: settings, URL: d.HTTP.URL.Reveal(), Method: string(d.HTTP.Method), Path: value(d.HTTP.Path), Body: value(d.HTTP.Body),
		Item: value(d.HTTP.Item), Batch: d.HTTP.Batch, Reach: reach(d.AllowPrivate), Timeout: d.Timeout,
		Headers: map[string]string{}, Computed: map[string]forward.Value{},
	}
	for name, v := range d.HTTP.Headers {
		if text, computed := strings.CutPrefix(v.Reveal(), "="); computed {
			h.Computed[name] = value(text)
		} else {
			h.Headers[name] = v.Reveal()
		}
	}
	return h
}

func postgresDestination(settings forward.Settings, d config.Destination) *forward.Postgres {
	return &forward.Postgres{
		Settings: settings, DSN: d.Postgres.DSN.Reveal(), Table: strings.Split(d.Postgres.Table, "."), Key: d.Postgres.Key,
		Columns: values(d.Postgres.Columns), Types: d.Postgres.Types, Create: d.Postgres.Create, Batch: d.Postgres.Batch,
		Reach: reach(d.AllowPrivate), Timeout: d.Timeout,
	}
}

// value compiles an expression that the configuration compiled before; "" is none.
func value(text string) forward.Value {
	if v, _ := expression.CompileValue(text); v != nil {
		return v
	}
	return nil
}

func values(texts map[string]string) map[string]forward.Value {
	all := map[string]forward.Value{}
	for name, text := range texts {
		all[name] = value(text)
	}
	return all
}

func reach(private bool) forward.Reach {
	if private {
		return forward.Private
	}
	return forward.Public
}

func secrets(all ...config.Secret) []string {
	var texts []string
	for _, s := range all {
		if s.Reveal() != "" {
			texts = append(texts, s.Reveal())
		}
	}
	return texts
}

// callbacks says how records' own URLs are called; nil where they are not.
func callbacks(c config.CallbackURLs) *forward.Webhook {
	if c.Secret.Reveal() == "" {
		return nil
	}
	return &forward.Webhook{Secrets: secrets(c.Secret, c.FormerSecret), Reach: reach(c.AllowPrivate), Timeout: c.Timeout}
}
