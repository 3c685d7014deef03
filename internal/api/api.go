// Package api is claygate's HTTP surface: it reads requests, asks the engine, and writes answers. It knows no state of
// its own but who may come in and who is waiting.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// Intake is what the surface needs of [intake.Intake].
type Intake interface {
	Submit(ctx context.Context, target string, items []intake.Item) ([]ledger.Acceptance, error)
	SubmitAll(ctx context.Context, target string, items []intake.Item) ([]ledger.Acceptance, error)
	Key(target, value string) (ledger.Digest, error)
	Run(ctx context.Context, store intake.RunStore, o intake.RunOptions) (*intake.Run, error)
	Erase(ctx context.Context, store intake.Eraser, e intake.Erasing) (ledger.Erased, error)
}

// Ledger is what the surface needs of the ledger.
type Ledger interface {
	Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error)
	Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error)
	TargetStatus(ctx context.Context, target string) (ledger.TargetStatus, error)
	Targets(ctx context.Context) ([]string, error)
	Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error)
	Pause(ctx context.Context, target string, p ledger.Pause) error
	Resume(ctx context.Context, target string) error
	Loads
	ledger.Lister
	ledger.Eraser
	Rotate(ctx context.Context, name string) error
	ledger.Audit
	ledger.RunLister
	ledger.Flows
	ledger.Notices
	ledger.Keys
	ledger.Switch
	ledger.Money
	// Take and Report are for calls that are passed through: see [ledger.Lanes].
	Take(ctx context.Context, lane ledger.LaneID, n int) (granted int, wait time.Duration, err error)
	Report(ctx context.Context, lane ledger.LaneID, s ledger.Signal) error
	Follows
	Outbox
}

// Outbox is what the surface needs of the ledger's.
type Outbox interface {
	Destinations(ctx context.Context) ([]ledger.DestinationStatus, error)
	Redeliver(ctx context.Context, what ledger.Redelivery) (n int, err error)
	Disable(ctx context.Context, destination, reason string) error
	Enable(ctx context.Context, destination string) error
}

// Hub is what the surface needs of [ledger.Hub].
type Hub interface {
	Subscribe(topics ...any) (changed <-chan struct{}, cancel func())
}

// Target is a target as callers see it.
type Target struct {
	ledger.Target
	Kind     string   // "table", "routine" or "lookup"
	DedupeBy []string // the fields that make two records the same work
	Await    bool     // results are awaited
	DropIn   []DropIn // which of Clay's Enterprise endpoints it answers
	// ConfirmAbove is from which cost on a load from the command line is to ask first, in each meter; 0 for none.
	ConfirmAbove ledger.Cost
}

// Options says what the surface works with.
type Options struct {
	Intake Intake
	Ledger Ledger
	Hub    Hub
	// Targets returns the targets as they are now; nobody may change what it returns.
	Targets func() []Target
	// Workspaces returns the names of the configured workspaces, as they are now; nobody may change what it returns.
	Workspaces func() []string
	// Calendar says in which days and months the usage is counted. Nil for those of UTC.
	Calendar func() ledger.Calendar
	// Upstreams returns the workspaces whose Public API calls are passed through to, as they are now; nobody may change
	// what it returns. Nil for none.
	Upstreams func() []Upstream
	// Outgoing sends those calls. It must not follow redirects. Default: [http.DefaultTransport].
	Outgoing http.RoundTripper
	// Reload reads the configuration again. Nil where there is none.
	Reload func(context.Context) (Reloaded, error)
	// Version of claygate, shown in the OpenAPI document.
	Version string
	// Keys are the API keys in memory. Default: those of Ledger, for this surface alone.
	Keys *Keyring
	// Trusted lets everybody do everything: for the socket that only the ledger's owner can open.
	Trusted bool
	// Loaded, when set, is told of each load whose rows have been handed in. It must not block.
	Loaded func(ledger.LoadID)
	// Via names this ledger in what it forwards: a request that carries it is this gateway's own, come back in.
	Via string
	// Stop, when it ends, makes calls that wait answer with what there is, ends event streams and makes /readyz fail, so
	// that [http.Server.Shutdown] is quick. Default: never.
	Stop context.Context
	// Log receives what went wrong inside. Default: nothing.
	Log *slog.Logger
}

// server answers requests.
type server struct {
	Options
	mux     *http.ServeMux
	routed  []string // the patterns of the mux, but for /
	keys    *Keyring
	tags    tagger
	origins *http.CrossOriginProtection
	pages   func() pages // made when somebody first asks
	fullAt  atomic.Int64 // when the ledger last said that it has no space, in nanoseconds of Unix time; 0 for never
}

// New returns the handler for all paths of the surface. It starts nothing: what it does ends with its requests.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Outgoing == nil {
		o.Outgoing = http.DefaultTransport
	}
	if o.Stop == nil {
		o.Stop = context.Background()
	}
	if o.Keys == nil {
		o.Keys = NewKeyring(o.Ledger)
	}
	s := &server{
		Options: o, mux: http.NewServeMux(), keys: o.Keys,
		tags:    tagger{secret: o.Ledger.Secret},
		origins: http.NewCrossOriginProtection(), pages: sync.OnceValue(func() pages { return documents(o.Version) }),
	}
	s.routes()
	return s
}

func (s *server) routes() {
	const record = "/v1/records/{id}"
	s.onTarget("POST", "/records", ledger.ScopeSend, s.submit)
	s.on("GET /v1/records", s.list, ledger.ScopeRead)
	s.on("GET "+record, s.record, ledger.ScopeRead, ledger.ScopeSend)
	s.on("POST "+record+"/replay", s.replay, ledger.ScopeReplay)
	s.on("POST "+record+"/resolve", s.resolve, ledger.ScopeReplay)
	s.on("POST "+record+"/cancel", s.cancel, ledger.ScopeReplay)

	s.on("POST /v1/erase", s.erase, ledger.ScopeAdmin)
	s.on("GET /v1/export", s.export, ledger.ScopeRead)
	s.on("GET /v1/runs", s.runs, ledger.ScopeRead)
	s.on("POST /v1/records/read", s.readRecords, ledger.ScopeRead, ledger.ScopeSend)
	s.loadRoutes()
	s.destinationRoutes()

	s.on("GET /v1/targets", s.targets, ledger.ScopeRead, ledger.ScopeSend)
	s.on("GET /v1/usage", s.usage, ledger.ScopeRead)
	s.onTarget("POST", "/pause", ledger.ScopeAdmin, s.pause)
	s.onTarget("POST", "/resume", ledger.ScopeAdmin, s.resume)
	s.onAll("POST /v1/stop", s.stop)
	s.onAll("POST /v1/start", s.start)
	s.onAll("POST /v1/reload", s.reload)
	s.on("GET /v1/events", s.events, ledger.ScopeRead)

	s.onAll("GET /v1/audit", s.audit)
	s.onAll("POST /v1/tickets/rotate", s.rotateTickets)
	s.onAll("POST /v1/keys", s.createKey)
	s.onAll("GET /v1/keys", s.listKeys)
	s.onAll("DELETE /v1/keys/{id}", s.revokeKey)

	s.public(webhookPath+"{webhook...}", s.webhook) // it lets in whom it knows by itself, and answers as Clay does
	s.dropInRoutes()
	s.public(PublicAPIPath+"{path...}", s.pass)
	s.public(workspacesPath+"{path...}", s.passTools)
	s.visited("GET "+keptPath+"{token}", s.keptFile)
	s.visited("GET /openapi.json", s.openapi)
	s.visited("GET /docs", s.docs)
	s.public("GET /healthz", s.healthz)
	s.public("GET /readyz", s.readyz)
	s.mux.HandleFunc("/", s.nowhere)
}
