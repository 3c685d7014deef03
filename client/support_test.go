package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	people = ledger.Target{Name: "people", Lane: "main/webhook"}
	firms  = ledger.Target{Name: "eu/firms", Lane: "eu/webhook"}
)

// gateway is a real one over loopback, with a ledger on disk. Who sends records to Clay is the test.
type gateway struct {
	*client.Client
	t       *testing.T
	store   *sqlite.Store
	hub     *ledger.Hub
	handler http.Handler
	server  *httptest.Server
	before  func(http.ResponseWriter, *http.Request) bool // when set, sees requests first; true when it answered
}

func open(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{t: t, hub: &ledger.Hub{}}
	var err error
	g.store, err = sqlite.Open(context.Background(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "ledger.db"), Catalog: ledger.NewCatalog([]ledger.Target{people, firms}, nil), Hub: g.hub,
	})
	if err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Options{Store: g.store, Secret: []byte("s"), Targets: []intake.Target{
		{Target: people, DedupeBy: []string{"email"}, Await: true}, {Target: firms, Await: true},
	}})
	stop, end := context.WithCancel(context.Background())
	g.handler = api.New(api.Options{
		Intake: in, Ledger: g.store, Hub: g.hub, Stop: stop,
		Targets: func() []api.Target {
			return []api.Target{
				{Target: people, Kind: "table", DedupeBy: []string{"email"}, Await: true}, {Target: firms, Kind: "table", Await: true},
			}
		},
		Reload: func(context.Context) (api.Reloaded, error) {
			return api.Reloaded{Targets: 2, Removed: []string{"old"}}, nil
		},
	})
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.before == nil || !g.before(w, r) {
			g.handler.ServeHTTP(w, r)
		}
	}))
	g.Client = g.as("")
	t.Cleanup(func() {
		end()
		g.server.Close()
		if err := g.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// as returns a client with an API key.
func (g *gateway) as(key string) *client.Client {
	g.t.Helper()
	c, err := client.New(client.Config{BaseURL: g.server.URL + "/", Key: key})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(c.Close)
	return c
}

// clay answers every record that comes with a result made from its fields, until the test ends.
func (g *gateway) clay(answer func(fields map[string]any) ledger.Event) {
	changed, cancel := g.hub.Subscribe(people.Lane)
	ctx, end := context.WithCancel(context.Background())
	over := make(chan struct{})
	g.t.Cleanup(func() { end(); <-over; cancel() })
	go func() {
		defer close(over)
		for {
			g.work(ctx, answer)
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (g *gateway) work(ctx context.Context, answer func(map[string]any) ledger.Event) {
	claims, err := g.store.Claim(ctx, ledger.Want{Lane: people.Lane, Max: 100})
	if err != nil && ctx.Err() == nil {
		g.t.Error(err)
	}
	for _, work := range claims.Work {
		var fields map[string]any
		if err := json.Unmarshal(work.Record.Fields, &fields); err != nil {
			g.t.Error(err)
		}
		if _, err := g.store.Apply(ctx, []ledger.Entry{{Record: work.Record.ID, Event: answer(fields)}}); err != nil && ctx.Err() == nil {
			g.t.Error(err)
		}
	}
}

// titled answers with a title.
func titled(fields map[string]any) ledger.Event {
	if fields["email"] == "bad@example.com" {
		return ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Status: 400, Reason: "Clay refuses it"}
	}
	return ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)}
}
