package app

import (
	"net/http"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/ledger"
)

// emulate starts Clay's emulator in this process and points every target at it. It listens on loopback and calls back
// there, whatever the environment says about the real Clay.
func (a *App) emulate() error {
	e := a.config.Emulate
	if e == nil {
		return nil
	}
	options := claytest.Options{
		Enterprise: claytest.Enterprise{Key: emulatedKey}, Seed: e.Seed, Journal: e.Journal, LoopbackOnly: true, Log: a.config.Log,
	}
	if e.Pace != (ledger.Pace{}) {
		options.PerSecond, options.Burst = e.Pace.PerSecond, 2*e.Pace.Burst // Clay's own burst is twice the default's
	}
	for workspace := range a.config.PublicAPI {
		if c := a.emulatedCompletion(workspace); c.ID != "" {
			options.PublicAPI.Webhooks = append(options.PublicAPI.Webhooks, claytest.CompletionWebhook{
				ID: c.ID, Secret: c.Secret, URL: "http://" + a.CallbackAddr() + collect.CompletionPath + workspace,
			})
		}
	}
	if len(a.config.Targets) > 0 {
		options.Column = a.column(a.config.Targets[0]) // from the start: rows of an earlier run are owed callbacks
	}
	emulator, err := claytest.Start(options)
	if err != nil {
		return &ledger.Error{Kind: ledger.Unavailable, Op: "emulator", Message: "Clay cannot be emulated", Err: err}
	}
	a.emulator = emulator
	return a.emulateTargets(a.config)
}

// emulateTargets points targets at the emulator, and has it call back for them.
func (a *App) emulateTargets(c Config) error {
	a.emulateAPI(c.PublicAPI)
	targets := c.Targets
	for i, t := range targets {
		if t.Routine != nil {
			continue
		}
		if t.Lookup != nil {
			targets[i].Lookup = &Lookup{Kind: t.Lookup.Kind, Key: emulatedKey, BaseURL: a.emulator.URL()}
			continue
		}
		targets[i].Webhooks = []Webhook{{URL: a.emulator.WebhookURL(t.Name)}}
		column := a.column(t)
		column.Webhook = t.Name
		if err := a.emulator.SetColumn(column); err != nil {
			return &ledger.Error{Kind: ledger.Internal, Op: "emulator", Message: "Clay cannot be emulated", Err: err}
		}
	}
	return nil
}

// emulatedKey is the API key that the emulator takes, of either API.
const emulatedKey = "emulated"

// EmulatedClay returns where the emulated Clay has its Public API, and a key that it takes; "" where Clay is not emulated.
func (a *App) EmulatedClay() (base, key string) {
	if a.emulator == nil {
		return "", ""
	}
	return a.emulator.URL(), emulatedKey
}

// column returns the emulated HTTP API column that sends a table's results back; none when no callbacks are taken.
func (a *App) column(t Target) claytest.Column {
	if a.callbacks == nil {
		return claytest.Column{}
	}
	return claytest.Column{
		URL:    "http://" + a.CallbackAddr() + collect.CallbackPath + t.Name,
		Header: http.Header{collect.SecretHeader: {t.CallbackSecret}},
	}
}
