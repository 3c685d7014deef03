package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	people = ledger.Target{
		Name: "people", Lane: "main/webhook", Forward: []ledger.Outlet{{Destination: "crm"}}, Webhooks: []ledger.Webhook{{ID: ledger.Digest{7}, Limit: 50_000}},
	}
	firms = ledger.Target{Name: "eu/firms", Lane: "eu/webhook"}
)

// gateway is the surface over a ledger, without anything that sends.
type gateway struct {
	t       testing.TB
	store   store
	hub     *counted
	handler http.Handler
	// configured are the targets, which a test may change.
	configured []api.Target
}

// counted is a hub that knows how many wait.
type counted struct {
	*ledger.Hub
	waiting atomic.Int64
}

func (c *counted) Subscribe(topics ...any) (<-chan struct{}, func()) {
	c.waiting.Add(1)
	changed, cancel := c.Hub.Subscribe(topics...)
	return changed, func() { c.waiting.Add(-1); cancel() }
}

// store is a ledger, real or in memory.
type store interface {
	api.Ledger
	ledger.Intake
}

// setup says what differs from the usual gateway: a ledger in memory, open to everybody.
type setup struct {
	store    store       // default: a new [fake]
	hub      *ledger.Hub // default: the fake's
	guarded  bool        // it is not the trusted socket
	stop     context.Context
	dedupeBy []string
	people   *ledger.Target // default: people
	clay     atClay         // answers calls that are passed through; default: 200 {"ok":true}
	others   []api.Upstream // workspaces beside main
	targets  []api.Target   // as the surface sees them; default: people and firms, which answer drop-in clients
}

func newGateway(t testing.TB, o setup) *gateway {
	t.Helper()
	if o.clay == nil {
		o.clay = func(*http.Request) (*http.Response, error) { return answered(200, `{"ok":true}`), nil }
	}
	people := people
	if o.people != nil {
		people = *o.people
	}
	if o.store == nil {
		f := newFake(people, firms)
		o.store, o.hub = f, f.hub
	}
	in := intake.New(intake.Options{Store: o.store, Secret: []byte("of this ledger"), Targets: []intake.Target{
		{Target: people, DedupeBy: o.dedupeBy, Await: true}, {Target: firms, Await: true},
	}})
	hub := &counted{Hub: o.hub}
	g := &gateway{t: t, store: o.store, hub: hub, configured: o.targets}
	if g.configured == nil {
		g.configured = []api.Target{
			{Target: people, Kind: "table", DedupeBy: o.dedupeBy, Await: true, DropIn: []api.DropIn{api.People}},
			{Target: firms, Kind: "table", Await: true, DropIn: []api.DropIn{api.Companies}},
		}
	}
	g.handler = api.New(api.Options{
		Intake: in, Ledger: o.store, Hub: hub, Version: "1.2.3", Trusted: !o.guarded, Stop: o.stop,
		Targets:    func() []api.Target { return g.configured },
		Workspaces: func() []string { return []string{"eu", "main"} },
		Upstreams:  func() []api.Upstream { return append([]api.Upstream{upstream}, o.others...) }, Outgoing: o.clay,
		Reload: func(context.Context) (api.Reloaded, error) {
			return api.Reloaded{Targets: 2, Added: []string{"people"}, Removed: []string{}, Restart: []string{"listen"}}, nil
		},
	})
	return g
}

// onDisk opens a ledger in SQLite for a gateway.
func onDisk(t testing.TB) setup {
	t.Helper()
	hub := &ledger.Hub{}
	catalog := ledger.NewCatalog([]ledger.Target{people, firms}, nil)
	store, err := sqlite.Open(context.Background(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "ledger.db"), Catalog: catalog, Hub: hub,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return setup{store: store, hub: hub}
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// decode reads the answer's body, which has to be JSON.
func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	var body T
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("answer %d is not the JSON wanted: %v\n%s", r.status, err, r.body)
	}
	return body
}

// request makes a request as it would come from this machine. Headers are "Name: value".
func request(method, path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8787", "127.0.0.1:50000"
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch name {
		case "Host":
			r.Host = value
		case "From":
			r.RemoteAddr = value
		default:
			r.Header.Set(name, value)
		}
	}
	return r
}

// do sends a request and checks its answer against the document.
func (g *gateway) do(method, path, body string, headers ...string) reply {
	g.t.Helper()
	return g.send(request(method, path, body, headers...))
}

func (g *gateway) send(r *http.Request) reply {
	g.t.Helper()
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
	checkAnswer(g.t, r, got)
	return got
}

// submit hands in a record, which has to be accepted, and returns its ID.
func (g *gateway) submit(target, item string) ledger.RecordID {
	g.t.Helper()
	got := g.do("POST", "/v1/targets/"+target+"/records", item)
	if got.status != http.StatusAccepted {
		g.t.Fatalf("handing in %.80s: status %d: %s", item, got.status, got.body)
	}
	id, err := ledger.ParseRecordID(decode[record](g.t, got).ID)
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// apply lets events happen to a record.
func (g *gateway) apply(id ledger.RecordID, events ...ledger.Event) {
	g.t.Helper()
	for _, e := range events {
		applied, err := g.store.Apply(context.Background(), []ledger.Entry{{Record: id, Event: e}})
		if err != nil || applied[0].Err != nil {
			g.t.Fatalf("%T: %v, %v", e, err, applied)
		}
	}
}

// finish lets a record come to its result.
func (g *gateway) finish(id ledger.RecordID, result string) {
	g.t.Helper()
	g.apply(id, ledger.Result{Fields: json.RawMessage(result)})
}

// record is a record as callers see it.
type record struct {
	ID, Target   string
	State        ledger.State
	Cached       bool
	Emulated     bool
	Revision     int
	Result       json.RawMessage
	Error        *struct{ Reason, Hint string }
	Metadata     json.RawMessage
	MayDuplicate int        `json:"may_duplicate"`
	CreatedAt    time.Time  `json:"created_at"`
	DoneAt       *time.Time `json:"done_at"`
	Attempts     []api.Attempt
}

// plain sends a request without a look into the document, for answers that are large.
func (g *gateway) plain(r *http.Request) reply {
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	return reply{status: w.Code, header: w.Header(), body: w.Body.String()}
}
