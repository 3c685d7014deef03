package app

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/dispatch"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// Config says what to run. The zero value of each field means its default.
type Config struct {
	// Ledger is the path of the ledger's file; with Database, what may be shown of that.
	Ledger string
	// Database is the DSN of the PostgreSQL database that holds the ledger, a secret. "" for a file. Any number of processes
	// may share one.
	Database string
	// Targets are the tables and lookups that records go to. With Emulate their webhooks are the emulator's.
	Targets []Target
	// Destinations are where the ends of records are forwarded. With Emulate nothing is.
	Destinations []Destination
	// Passive opens no destination, forwards nothing and does not tie the ledger to the targets' Clay: for a command on a
	// ledger that nobody serves. What is to be forwarded waits for the next process that does. Such an app is never started.
	Passive bool
	// Callbacks says how the URLs are called that records bring; its own URL means nothing. Nil: records may bring none.
	Callbacks *forward.Webhook
	// Emulate runs Clay's emulator in this process, in place of Clay: nothing leaves the machine. Nil for the real Clay.
	Emulate *Emulation
	// Listen is the address where the API is served, such as "127.0.0.1:8787". "" serves none.
	Listen string
	// Socket serves the API on a local socket beside the ledger as well, which only the ledger's owner can open: other
	// commands reach the process that owns the ledger there.
	Socket bool
	// Source, when set, reads the configuration again for [App.Reload]. What a reload cannot change is passed over.
	Source func() (Config, error)
	// Version is shown in the API's description.
	Version string
	// CallbackListen is the address where callbacks are taken, such as "127.0.0.1:8788". "" takes none.
	CallbackListen string
	// PublicAPI is how each workspace reaches Clay's Public API. Only routines need it.
	PublicAPI map[string]PublicAPI
	// Pace of each workspace, for its webhooks and its lookups each. A zero Pace, or none, is Clay's limit.
	Pace map[string]ledger.Pace
	// Budgets bound what workspaces and API keys spend.
	Budgets ledger.Budgets
	// Retention says how long what has finished is kept.
	Retention ledger.Retention
	// Observe, when set, is told of every attempt. It must not block.
	Observe func(ledger.Record, ledger.Answer)
	// Trouble, when set, is told when the ledger fails, as on a full disk, and told nil when it works again. It must not
	// block.
	Trouble func(error)
	// Idle, when set, is told how long it is until a lane can send again. See [dispatch.Options].
	Idle func(ledger.LaneID, time.Duration)
	// Alerts says where it is told what is wrong.
	Alerts Alerts
	// Refused, when set, is told of every callback that was refused. It must not block.
	Refused func(Refusal)
	// Log receives what happens. Default: nothing.
	Log *slog.Logger
	// LogAs is how Log is written, such as "info, json". A reload that finds another says that it takes a restart.
	LogAs string
}

// Refusal is a callback that was refused.
type Refusal = collect.Refusal

// Target is a table in Clay, or one of its lookups.
type Target struct {
	// Workspace whose pace it shares. Default "main".
	Workspace string
	// Name addresses it: "people", or "workspace/people".
	Name string
	// Webhooks are a table's webhook URLs, used up in their order.
	Webhooks []Webhook
	// Lookup makes it one of Clay's Enterprise endpoints in place of a table.
	Lookup *Lookup
	// Routine makes it a routine of the Public API in place of a table.
	Routine *Routine
	// NoResults says that the table sends nothing back: a record is done once Clay took it.
	NoResults bool
	// DedupeBy names the fields that make two records the same work.
	DedupeBy []string
	// TicketField is the payload's extra field. Default [ledger.TicketField].
	TicketField string
	// CallbackSecret, when set, must come with every callback in the header [collect.SecretHeader].
	CallbackSecret string
	// Version, MaxAge, EmptyMaxAge, ResultTimeout, OnUncertain, OnUpdate: see [ledger.Target].
	Version                            string
	MaxAge, EmptyMaxAge, ResultTimeout time.Duration
	OnUncertain                        ledger.UncertainPolicy
	OnUpdate                           ledger.UpdatePolicy
	OnConflict                         ledger.ConflictPolicy
	// CompleteWhen keeps a record open until it holds on the results so far. Nil: the first result completes.
	CompleteWhen *expression.Condition
	// Cost and Budget: see [ledger.Target].
	Cost   ledger.Cost
	Budget ledger.Budget
	// ConfirmAbove is from which cost on a load from the command line asks first, in each meter; 0 for none.
	ConfirmAbove ledger.Cost
	// Personal refuses records of personal domains.
	Personal intake.Guard
	// Priority of its records that ask for none.
	Priority int
	// Destinations names where the ends of its records are forwarded.
	Destinations []string
	// DropIn lists Clay's Enterprise endpoints that it answers in Clay's place.
	DropIn []api.DropIn
}

// Webhook is one webhook of a table. Its URL is a secret.
type Webhook struct {
	URL   string
	Token string // "" for a webhook without one
	Limit int    // submissions that it takes in its life; 0 for Clay's, negative for no limit
	Start int    // submissions that it had taken before this ledger counted them
}

// Lookup is one of Clay's Enterprise endpoints.
type Lookup struct {
	Kind    dispatch.LookupKind
	Key     string // the Enterprise API key
	BaseURL string // default: Clay's
}

// Emulation says how Clay is emulated.
type Emulation struct {
	// Journal is a file in which the emulator remembers its rows, so that it calls back for them after a restart.
	Journal string
	// Seed makes the emulated answers; the same seed gives the same ones.
	Seed uint64
	// Pace is the one that the emulated Clay allows, and as much burst again. The zero Pace is Clay's limit.
	Pace ledger.Pace
}

// emulatedBase is the Clay base URL of every emulated ledger: the emulator's port differs from run to run.
const emulatedBase = "the emulator"

// lane returns the lane that paces the target's sends.
func (t Target) lane() ledger.LaneID {
	surface := ledger.WebhookSurface
	switch {
	case t.Lookup != nil:
		surface = ledger.LookupSurface
	case t.Routine != nil:
		surface = ledger.APISurface
	}
	return ledger.LaneOf(t.workspace(), surface)
}

// id returns the digest under which the ledger knows the webhook.
func (w Webhook) id() ledger.Digest {
	path := w.URL
	if u, err := url.Parse(w.URL); err == nil {
		path = u.RequestURI() // the ledger is tied to one host; an emulator changes its port
	}
	sum := sha256.Sum256([]byte(path))
	return ledger.Digest(sum[:16])
}

// kind names what the target is.
func (t Target) kind() string {
	switch {
	case t.Lookup != nil:
		return "lookup"
	case t.Routine != nil:
		return "routine"
	}
	return "table"
}

// ledgerTarget returns what the domain knows of the target.
func (t Target) ledgerTarget(emulated bool) ledger.Target {
	lt := ledger.Target{
		Name: t.Name, Lane: t.lane(), Version: t.Version, MaxAge: t.MaxAge, EmptyMaxAge: t.EmptyMaxAge,
		ResultTimeout: t.ResultTimeout, OnUncertain: t.OnUncertain, OnUpdate: t.OnUpdate, OnConflict: t.OnConflict, Emulated: emulated,
		Cost: t.Cost, Budget: t.Budget,
	}
	if t.CompleteWhen != nil {
		lt.CompleteWhen = t.CompleteWhen.Holds
	}
	if t.Routine != nil {
		lt.Runs = &t.Routine.Runs
	}
	if t.Lookup != nil && lt.OnUncertain == "" {
		lt.OnUncertain = ledger.Resend // asking again makes no second row
	}
	for _, w := range t.Webhooks {
		limit := cmp.Or(w.Limit, ledger.WebhookLimit)
		lt.Webhooks = append(lt.Webhooks, ledger.Webhook{ID: w.id(), Limit: max(limit, 0), Start: w.Start})
	}
	return lt
}

// urls returns the URLs that a target's requests go to.
func (c Config) urls(t Target) []string {
	var urls []string
	for _, w := range t.Webhooks {
		urls = append(urls, w.URL)
	}
	if t.Lookup != nil && t.Lookup.BaseURL != "" {
		urls = append(urls, t.Lookup.BaseURL)
	}
	if t.Routine != nil {
		urls = append(urls, c.PublicAPI[t.workspace()].baseURL())
	}
	return urls
}

// base returns the Clay base URL that the targets share, which the ledger is tied to.
func (c Config) base() (string, error) {
	if c.Emulate != nil {
		return emulatedBase, nil
	}
	base := ""
	for _, t := range c.Targets {
		for _, address := range c.urls(t) {
			u, err := url.Parse(address)
			if err != nil || u.Host == "" {
				return "", &ledger.Error{
					Kind: ledger.Invalid, Op: "configuration", Message: "the webhook URL of the table " + t.Name + " is not a URL",
					Hint: "set CLAY_WEBHOOK_URL, or the configuration's url, to what the webhook source in Clay shows: https://api.clay.com/v3/sources/webhook/…",
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
