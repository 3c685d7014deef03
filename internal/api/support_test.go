package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is the surface over a ledger in SQLite, without anything that sends.
type gateway struct {
	t       testing.TB
	store   *sqlite.Store
	handler http.Handler
}

// options says what differs from the usual gateway.
type options struct {
	api.Options
	dedupeBy []string
}

var people = ledger.Target{Name: "people", Lane: "main/webhook", Webhooks: []ledger.Webhook{{ID: ledger.Digest{7}, Limit: 50}}}
var firms = ledger.Target{Name: "eu/firms", Lane: "eu/webhook"}

func open(t testing.TB, o options) *gateway {
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
	in := intake.New(intake.Options{Store: store, Secret: []byte("of this ledger"), Targets: []intake.Target{
		{Target: people, DedupeBy: o.dedupeBy, Await: true}, {Target: firms, Await: true},
	}})
	o.Intake, o.Ledger, o.Hub, o.Version = in, store, hub, "1.2.3"
	o.Targets = []api.Target{
		{Target: people, Kind: "table", DedupeBy: o.dedupeBy, Await: true},
		{Target: firms, Kind: "table", Await: true},
	}
	return &gateway{t: t, store: store, handler: api.New(o.Options)}
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// json reads the answer's body.
func (r reply) json(t testing.TB) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("answer %d is not JSON: %v\n%s", r.status, err, r.body)
	}
	return body
}

// do sends a request from this machine. Headers are "Name: value".
func (g *gateway) do(method, path, body string, headers ...string) reply {
	g.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8787", "127.0.0.1:50000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Body)
	return reply{status: w.Code, header: w.Header(), body: string(text)}
}
