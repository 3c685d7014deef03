package app

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Config says what to run. The zero value of each field means its default.
type Config struct {
	// Ledger is the path of the ledger's file.
	Ledger string
	// Targets are the tables that records go to. With Emulate their webhooks are the emulator's.
	Targets []Target
	// Emulate runs Clay's emulator in this process, in place of Clay: nothing leaves the machine. Nil for the real Clay.
	Emulate *Emulation
	// CallbackListen is the address where callbacks are taken, such as "127.0.0.1:8788". "" takes none.
	CallbackListen string
	// Pace of each workspace's webhooks. The zero Pace is Clay's limit.
	Pace ledger.Pace
	// Observe, when set, is told of every attempt. It must not block.
	Observe func(ledger.Record, ledger.Answer)
	// Trouble, when set, is told when the ledger fails, as on a full disk, and told nil when it works again. It must not
	// block.
	Trouble func(error)
	// Log receives what happens. Default: nothing.
	Log *slog.Logger
}

// Target is a table in Clay.
type Target struct {
	Name string
	// Webhooks are the table's webhook URLs, used up in their order.
	Webhooks []Webhook
	// DedupeBy names the fields that make two records the same work.
	DedupeBy []string
	// MaxAge, ResultTimeout: see [ledger.Target].
	MaxAge, ResultTimeout time.Duration
	// CallbackSecret, when set, must come with every callback in the header [collect.SecretHeader].
	CallbackSecret string
}

// Webhook is one webhook of a table. Its URL is a secret.
type Webhook struct {
	URL   string
	Token string // "" for a webhook without one
}

// Emulation says how Clay is emulated.
type Emulation struct {
	// Journal is a file in which the emulator remembers its rows, so that it calls back for them after a restart.
	Journal string
	// Seed makes the emulated answers; the same seed gives the same ones.
	Seed uint64
}

// emulatedBase is the Clay base URL of every emulated ledger: the emulator's port differs from run to run.
const emulatedBase = "the emulator"

// webhookLane is the lane of the one workspace's webhooks.
const webhookLane ledger.LaneID = "main/webhook"

// id returns the digest under which the ledger knows the webhook.
func (w Webhook) id() ledger.Digest {
	path := w.URL
	if u, err := url.Parse(w.URL); err == nil {
		path = u.RequestURI() // the ledger is tied to one host; an emulator changes its port
	}
	sum := sha256.Sum256([]byte(path))
	return ledger.Digest(sum[:16])
}

// ledgerTarget returns what the domain knows of the target.
func (t Target) ledgerTarget(emulated bool) ledger.Target {
	lt := ledger.Target{
		Name: t.Name, Lane: webhookLane, MaxAge: t.MaxAge, ResultTimeout: t.ResultTimeout, Emulated: emulated,
	}
	for _, w := range t.Webhooks {
		lt.Webhooks = append(lt.Webhooks, ledger.Webhook{ID: w.id(), Limit: ledger.WebhookLimit})
	}
	return lt
}

// base returns the Clay base URL that the targets share, which the ledger is tied to.
func (c Config) base() (string, error) {
	if c.Emulate != nil {
		return emulatedBase, nil
	}
	base := ""
	for _, t := range c.Targets {
		for _, w := range t.Webhooks {
			u, err := url.Parse(w.URL)
			if err != nil || u.Host == "" {
				return "", &ledger.Error{
					Kind: ledger.Invalid, Op: "configuration", Message: "the webhook URL of " + t.Name + " is not a URL",
					Hint: "copy it from the table's webhook source, e.g. https://api.clay.com/v3/sources/webhook/…",
				}
			}
			here := strings.ToLower(u.Scheme + "://" + u.Host)
			if base != "" && base != here {
				return "", &ledger.Error{
					Kind: ledger.Invalid, Op: "configuration",
					Message: fmt.Sprintf("the webhooks belong to different Clays: %s and %s", base, here),
					Hint:    "use a ledger for each",
				}
			}
			base = here
		}
	}
	return base, nil
}
