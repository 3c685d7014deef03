package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/ledger"
)

var ada = map[string]any{"email": "ada@example.com"}

func TestEnrich(t *testing.T) {
	g := open(t)
	g.clay(titled)
	r, err := g.Enrich(t.Context(), "people", ada, client.Options{Metadata: map[string]int{"lead": 7}})
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Title string }
	if err := r.Decode(&result); err != nil || result.Title != "Countess" || string(r.Metadata) != `{"lead":7}` || r.State != client.Done {
		t.Errorf("record %+v, result %+v (%v)", r, result, err)
	}
	again, err := g.Enrich(t.Context(), "people", ada, client.Options{})
	if err != nil || !again.Cached || again.ID == r.ID {
		t.Errorf("the second time it is %+v (%v), want it from the cache", again, err)
	}
	zero := time.Duration(0)
	fresh, err := g.Enrich(t.Context(), "people", ada, client.Options{MaxAge: &zero})
	if err != nil || fresh.Cached {
		t.Errorf("forced it is %+v (%v), want it sent", fresh, err)
	}
}

func TestEnrichFails(t *testing.T) {
	g := open(t)
	g.clay(titled)
	r, err := g.Enrich(t.Context(), "people", map[string]any{"email": "bad@example.com"}, client.Options{})
	failed, ok := errors.AsType[*client.Failed](err)
	if !ok || failed.Record.ID != r.ID || !strings.Contains(err.Error(), "Clay refuses it") {
		t.Errorf("record %+v, error %v", r, err)
	}
	_, err = g.Enrich(t.Context(), "poeple", ada, client.Options{})
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Status != 404 || e.Kind != "not_found" || e.Hint == "" {
		t.Errorf("an unknown target: %#v", err)
	}
}

// The gateway accepts the record and breaks off, is then busy, and cuts the wait short: it is one record all the same.
func TestEnrichGoesOn(t *testing.T) {
	g := open(t)
	var requests atomic.Int32
	g.before = func(w http.ResponseWriter, r *http.Request) bool {
		switch requests.Add(1) {
		case 1:
			r.URL.RawQuery = ""
			g.handler.ServeHTTP(discard{http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		case 4:
			g.clay(titled)
		}
		return false
	}
	r, err := g.Enrich(t.Context(), "people", ada, client.Options{Wait: 50 * time.Millisecond})
	if err != nil || r.State != client.Done || requests.Load() < 4 {
		t.Fatalf("after %d requests record %+v (%v)", requests.Load(), r, err)
	}
	n := 0
	for _, err := range g.Records(t.Context(), client.Query{}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 1 {
		t.Errorf("%d records, want one", n)
	}
}

// discard is a response that nobody hears.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func TestEnrichEndsWithItsContext(t *testing.T) {
	g := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := g.Enrich(ctx, "people", ada, client.Options{Wait: 10 * time.Millisecond})
	if err == nil || r.ID == "" {
		t.Fatalf("record %+v (%v), want its ID and an error", r, err)
	}
	if now, err := g.Record(t.Context(), r.ID, client.Look{}); err != nil || now.State != client.Queued {
		t.Errorf("it is now %+v (%v), want it queued", now, err)
	}
}

func TestSubmitAll(t *testing.T) {
	g := open(t)
	const n = 4_500 // three requests
	var records iter.Seq[client.Submission] = func(yield func(client.Submission) bool) {
		for i := range n {
			s := client.Submission{Fields: map[string]any{"n": i}, Options: client.Options{Metadata: map[string]int{"n": i}}}
			switch i {
			case 10:
				s.Fields = []int{1} // the gateway refuses it
			case 20:
				s.Fields = func() {} // it cannot be sent
			}
			if !yield(s) {
				return
			}
		}
	}
	next, ids := 0, map[string]bool{}
	for a, err := range g.SubmitAll(t.Context(), "eu/firms", records) {
		if err != nil {
			t.Fatal(err)
		}
		if a.N != next || (a.Err != nil) != (next == 10 || next == 20) || (a.ID == "") != (a.Err != nil) {
			t.Fatalf("answer %d is %+v", next, a)
		}
		ids[a.ID] = true
		next++
	}
	if next != n || len(ids) != n-1 {
		t.Errorf("%d answers with %d IDs, want %d", next, len(ids), n)
	}
	seen := 0
	for r, err := range g.Records(t.Context(), client.Query{Target: "eu/firms", States: []client.State{client.Queued}, Page: 500}) {
		if err != nil {
			t.Fatal(err)
		}
		if !ids[r.ID] {
			t.Fatalf("record %s twice, or never accepted", r.ID)
		}
		delete(ids, r.ID)
		seen++
	}
	if seen != n-2 {
		t.Errorf("%d records listed, want %d", seen, n-2)
	}
}

func TestOperate(t *testing.T) {
	g, ctx := open(t), t.Context()
	r, err := g.Submit(ctx, "people", ada, client.Options{Priority: 9, SendBy: time.Hour, ResultTimeout: time.Minute, IdempotencyKey: "k"})
	if err != nil || r.State != client.Queued {
		t.Fatalf("%+v (%v)", r, err)
	}
	same, err := g.Submit(ctx, "people", ada, client.Options{Priority: 9, SendBy: time.Hour, ResultTimeout: time.Minute, IdempotencyKey: "k"})
	if err != nil || same.ID != r.ID {
		t.Errorf("the same key makes %s and %s (%v)", r.ID, same.ID, err)
	}
	if _, err := g.Submit(ctx, "people", ada, client.Options{IdempotencyKey: "k"}); !isKind(err, "idempotency_key_reused") {
		t.Errorf("another body under the key: %v", err)
	}
	if r, err = g.Cancel(ctx, r.ID, "a typo"); err != nil || r.State != client.Canceled || r.Error.Reason != "a typo" {
		t.Errorf("%+v (%v)", r, err)
	}
	if r, err = g.Replay(ctx, r.ID); err != nil || r.State != client.Queued {
		t.Errorf("%+v (%v)", r, err)
	}
	if _, err := g.Resolve(ctx, r.ID, true); !isKind(err, "conflict") {
		t.Errorf("resolving what is not in doubt: %v", err)
	}
	if r, err = g.Record(ctx, r.ID, client.Look{Attempts: true}); err != nil || r.Attempts == nil || len(r.Attempts) != 0 {
		t.Errorf("%+v (%v)", r, err)
	}
	for _, err := range g.Records(ctx, client.Query{Key: "x"}) {
		if !isKind(err, "invalid") {
			t.Errorf("a key without a target: %v", err)
		}
	}
	for run, err := range g.Runs(ctx, client.RunQuery{Target: "people", States: []string{"lost"}, Page: 1}) {
		t.Errorf("a run of a table: %+v (%v)", run, err)
	}
	for _, err := range g.Runs(ctx, client.RunQuery{States: []string{"nonsense"}}) {
		if !isKind(err, "invalid") {
			t.Errorf("runs in no state that there is: %v", err)
		}
	}
	if target, err := g.Pause(ctx, "people", "rebuilding"); err != nil || target.Paused == nil || target.Paused.Reason != "rebuilding" {
		t.Errorf("%+v (%v)", target, err)
	}
	if target, err := g.Resume(ctx, "people"); err != nil || target.Paused != nil {
		t.Errorf("%+v (%v)", target, err)
	}
	if u, err := g.Usage(ctx, client.UsageQuery{By: []string{"day", "target", "key"}, From: "2020-01-01"}); err != nil || u.From != "2020-01-01" {
		t.Errorf("%+v (%v)", u, err)
	}
	if _, err := g.Usage(ctx, client.UsageQuery{Month: "December"}); !isKind(err, "invalid") {
		t.Errorf("a month that is none: %v", err)
	}
	if is, err := g.Stop(ctx, "", "too dear"); err != nil || is.Stopped == nil {
		t.Errorf("%+v (%v)", is, err)
	}
	if is, err := g.Stop(ctx, "main", "rebuilt"); err != nil || is.Workspaces["main"] != "rebuilt" {
		t.Errorf("%+v (%v)", is, err)
	}
	overview, err := g.Targets(ctx)
	if err != nil || len(overview.Targets) != 2 || *overview.Stopped != "too dear" || overview.StoppedWorkspaces["main"] != "rebuilt" || overview.Targets[0].Counts[client.Queued] != 1 {
		t.Errorf("%+v (%v)", overview, err)
	}
	if is, err := g.Start(ctx, ""); err != nil || is.Stopped != nil || is.Workspaces["main"] != "rebuilt" {
		t.Errorf("%+v (%v), want the workspace to stay stopped", is, err)
	}
}

func isKind(err error, kind string) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && e.Kind == kind && e.Status >= 400
}

func TestKeys(t *testing.T) {
	g, ctx := open(t), t.Context()
	key, err := g.CreateKey(ctx, client.NewKey{Name: "the CRM", Scopes: []string{"send"}, Targets: []string{"people"}})
	if err != nil || !strings.HasPrefix(key.Key, "cg_") {
		t.Fatalf("%+v (%v)", key, err)
	}
	if _, err := g.Targets(ctx); !isKind(err, "unauthorized") {
		t.Errorf("without a key: %v", err)
	}
	crm := g.as(key.Key)
	if _, err := crm.Submit(ctx, "people", ada, client.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := crm.Keys(ctx); !isKind(err, "forbidden") {
		t.Errorf("a key that may only send lists the keys: %v", err)
	}
	keys, err := g.store.Keys(ctx)
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if err := g.store.RevokeKey(ctx, key.ID); err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	g := open(t)
	g.clay(titled)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var connections atomic.Int32
	g.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/events" && connections.Add(1) > 1 && r.Header.Get("Last-Event-ID") == "" {
			t.Error("it came back without saying where it was")
		}
		return false
	}
	var kinds []string
	for e, err := range g.follow(ctx, func() { _, _ = g.Enrich(ctx, "people", ada, client.Options{}) }) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind)
		switch len(kinds) {
		case 1:
			if e.Record == nil || string(e.Record.Result) != `{"title":"Countess"}` || e.Target != "people" {
				t.Errorf("event %+v", e)
			}
			g.server.CloseClientConnections() // it comes back, and misses nothing
			if err := g.store.Pause(ctx, "people", ledger.Pause{Reason: "why"}); err != nil {
				t.Fatal(err)
			}
			continue
		case 2:
			if e.Record != nil || e.Reason != "why" || e.At.IsZero() {
				t.Errorf("event %+v", e)
			}
		}
		break
	}
	if diff := cmp.Diff([]string{"record.done", "target.paused"}, kinds); diff != "" {
		t.Error(diff)
	}
	connections.Store(-1)
	for _, err := range g.Events(ctx, client.Follow{Target: "nowhere"}) {
		if !isKind(err, "not_found") {
			t.Errorf("events of an unknown target: %v", err)
		}
	}
}

// follow follows the events, and does something once it does.
func (g *gateway) follow(ctx context.Context, then func()) iter.Seq2[client.Event, error] {
	after, err := g.store.LastNotice(ctx)
	if err != nil {
		g.t.Fatal(err)
	}
	go then()
	return g.Events(ctx, client.Follow{After: fmt.Sprint(after)})
}

func TestOverSocket(t *testing.T) {
	g := open(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "127.0.0.1:1" // as the trusted socket's gateway would have it
		g.server.Config.Handler.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	c, err := client.New(client.Config{BaseURL: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if overview, err := c.Targets(t.Context()); err != nil || len(overview.Targets) != 2 {
		t.Errorf("%+v (%v)", overview, err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, base := range []string{"localhost:8787", "ftp://x", "http://", "unix:", "http://%zz"} {
		if _, err := client.New(client.Config{BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

// What answers is no gateway, or something before it: a clear error, and no endless loop.
func TestForeignAnswers(t *testing.T) {
	g := open(t)
	for name, tt := range map[string]struct {
		status int
		kind   string
		body   string
	}{
		"a page":             {200, "text/html", "<html>"},
		"a redirect":         {302, "text/html", "moved"},
		"an error page":      {500, "text/html", strings.Repeat("<p>", 10_000)},
		"a half problem":     {400, "application/problem+json", `{"type":`},
		"another's problem":  {418, "application/problem+json", `{"type":"about:blank","title":"I'm a teapot"}`},
		"an event of no use": {200, "text/event-stream", "id: 1\nevent: record.done\ndata: {\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g.before = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Type", tt.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
				return true
			}
			_, err := g.Submit(t.Context(), "people", ada, client.Options{})
			if err == nil || len(err.Error()) > 500 {
				t.Errorf("error %v", err)
			}
			if e, ok := errors.AsType[*client.Error](err); ok && e.Status != tt.status {
				t.Errorf("status %d, want %d", e.Status, tt.status)
			}
			if tt.kind == "text/event-stream" || tt.status != 200 {
				for _, err := range g.Events(t.Context(), client.Follow{}) {
					if err == nil {
						t.Error("an event came of it")
					}
				}
			}
		})
	}
}
