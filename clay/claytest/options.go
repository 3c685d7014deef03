package claytest

import (
	"log/slog"
	"net/http"
)

// Defaults of [Options]; all but MaxBody's exact figure are documented by Clay
// (docs/clay.md, "Webhook sources").
const (
	DefaultPerSecond = 10     // sustained requests per second, per workspace
	DefaultBurst     = 20     // requests at once, per workspace
	DefaultCap       = 50_000 // accepted submissions in a webhook's life
	DefaultMaxBody   = 100_000
	DefaultMisses    = 0.1
	DefaultKeep      = 100_000
)

// Options configure a [Server]. The zero value is useful: Clay's documented
// limits, every webhook path accepted, no token, no callback.
type Options struct {
	// Listen is the address to listen on. Default 127.0.0.1:0 (a free port).
	Listen string
	// InMemory serves through an in-memory [Pipe] instead of a socket; only
	// [Server.Client] and [Server.Transport] reach it. For testing/synctest.
	InMemory bool

	// Webhooks, when set, are the only ones that exist: any other is 404.
	// Default: every webhook path is accepted and makes its own table.
	Webhooks []Webhook
	// Token is asked for in x-clay-webhook-auth by webhooks without their own.
	// Default: none is asked for.
	Token string
	// PerSecond is the sustained rate all webhooks share, in requests per
	// second. Default 10; negative: no limit.
	PerSecond float64
	// Burst is how many requests the shared limit lets through at once.
	// Default 20; values below 1 mean the default.
	Burst int
	// Cap is how many submissions a webhook accepts in its life before it
	// answers 403. Default 50,000; negative: no cap (an auto-delete table).
	Cap int
	// MaxBody is the largest request body taken, in bytes. Clay says "100 KB"
	// and not whether that is 100,000 or 102,400 bytes. Default 100,000, the
	// stricter: what passes here passes there.
	MaxBody int

	// Seed decides all that looks like chance: delays, enrichment, misses,
	// fault rates. Default 0, a seed like any other.
	Seed uint64
	// Misses is the share of people and companies nothing is found for, 0 to
	// 1. Default 0.1; negative: everybody is found.
	Misses float64
	// Enterprise is how /v1/people/enrich and /v1/companies/enrich answer.
	// Default: as Clay does, retired.
	Enterprise Enterprise
	// PublicAPI is how the endpoints under /public/v0 answer.
	PublicAPI PublicAPI
	// Column is the HTTP API column that calls back. Default: none.
	Column Column

	// Faults are what goes wrong, and when. Default: nothing does.
	Faults []Fault
	// Keep bounds how many rows, requests and callbacks are kept in memory,
	// each; the oldest go first. Default 100,000; negative: all are kept.
	Keep int
	// Journal is the path of an append-only file of accepted rows, delivered
	// callbacks and started runs. A server started on the same file has the
	// rows and runs again and calls back for those still owed. Default: none.
	Journal string
	// JournalAll also writes a line for every request that was not accepted,
	// and never compacts: the file is then a full record of what arrived.
	JournalAll bool
	// JournalSync writes through to the disk, so that the journal outlives a
	// power cut and not only the process. Slow.
	JournalSync bool
	// JournalMax is the size in bytes at which the journal is rewritten
	// without the rows that are finished. Default 64 MiB.
	JournalMax int64

	// Transport carries the callbacks. Default: a transport of the server's
	// own, without proxies. Set a [Pipe]'s transport for tests without sockets.
	Transport http.RoundTripper
	// LoopbackOnly refuses callbacks to any address but loopback ones, after
	// name resolution. It has no say over a Transport that is set.
	LoopbackOnly bool
	// Log, when set, gets one line per request: method, table, status. Bodies
	// and headers are never logged.
	Log *slog.Logger
}

// Webhook is one webhook source; see [Options.Webhooks].
type Webhook struct {
	// Name is the last part of its URL, as given to [Server.WebhookURL].
	Name string
	// Token it asks for. Default: [Options.Token].
	Token string
	// Cap of accepted submissions. Default: [Options.Cap].
	Cap int
}

// withDefaults fills in what was left zero.
func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.PerSecond == 0 {
		o.PerSecond = DefaultPerSecond
	}
	if o.Burst < 1 {
		o.Burst = DefaultBurst
	}
	if o.Cap == 0 {
		o.Cap = DefaultCap
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	if o.JournalMax <= 0 {
		o.JournalMax = 64 << 20
	}
	o.PublicAPI = o.PublicAPI.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
