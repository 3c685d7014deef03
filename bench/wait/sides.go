package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

// emulator starts a Clay without limits that calls back after the delay.
func emulator(callback string) *claytest.Server {
	s, err := claytest.Start(claytest.Options{
		PerSecond: -1, Cap: -1, Misses: -1,
		Column: claytest.Column{
			URL: callback, Delay: claytest.Delay{Min: *delay, Max: *delay}, Limit: claytest.Limit{Requests: -1}, Concurrency: 1000,
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// httpClient keeps a connection for each caller.
func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10_000, IdleConnTimeout: time.Minute}}
}

// post sends JSON and reads the answer to its end.
func post(ctx context.Context, client *http.Client, url string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d: %s", resp.StatusCode, answer)
	}
	return answer, err
}

// direct is a program that speaks to Clay by itself, and keeps what it waits for in memory.
type direct struct {
	clay    *claytest.Server
	server  *http.Server
	client  *http.Client
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

func newDirect() *direct {
	d := &direct{client: httpClient(), waiting: map[string]chan struct{}{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	d.server = &http.Server{Handler: http.HandlerFunc(d.callback)}
	go func() { _ = d.server.Serve(l) }()
	d.clay = emulator("http://" + l.Addr().String())
	return d
}

func (d *direct) callback(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID string `json:"claygate_id"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	came := d.waiting[body.ID]
	delete(d.waiting, body.ID)
	d.mu.Unlock()
	if came != nil {
		close(came)
	}
}

func (d *direct) call(ctx context.Context, n int) error {
	id, came := fmt.Sprintf("%d-%d", n, time.Now().UnixNano()), make(chan struct{})
	d.mu.Lock()
	d.waiting[id] = came
	d.mu.Unlock()
	if _, err := post(ctx, d.client, d.clay.WebhookURL("direct"), map[string]any{"email": email(n), "claygate_id": id}); err != nil {
		return err
	}
	<-came
	return nil
}

func (d *direct) close() {
	d.clay.Close()
	_ = d.server.Close()
}

func email(n int) string { return fmt.Sprintf("jo.doe%d@example.com", n) }

// gateway is a program that asks serve, and waits.
type gateway struct {
	clay   *claytest.Server
	app    *app.App
	client *http.Client
	dir    string
}

func newGateway() *gateway {
	dir, err := os.MkdirTemp(".", ".wait-*") // on the disk of the checkout: /tmp may be memory
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port for the callbacks, which the emulator has to know first
	if err != nil {
		log.Fatal(err)
	}
	callbacks := l.Addr().String()
	_ = l.Close()
	g := &gateway{client: httpClient(), dir: dir, clay: emulator("http://" + callbacks + app.CallbackPath + "people")}
	g.app, err = app.Open(context.Background(), app.Config{
		Ledger: filepath.Join(dir, "ledger.db"), Listen: "127.0.0.1:0", CallbackListen: callbacks, Log: slog.New(slog.DiscardHandler),
		Targets: []app.Target{{Name: "people", Webhooks: []app.Webhook{{URL: g.clay.WebhookURL("people"), Limit: -1}}}},
		Pace:    map[string]ledger.Pace{"main": {PerSecond: 1e6, Burst: 1e5}},
	})
	if err != nil {
		log.Fatal(err)
	}
	g.app.Start(0)
	return g
}

func (g *gateway) call(ctx context.Context, n int) error {
	answer, err := post(ctx, g.client, "http://"+g.app.APIAddr()+"/v1/targets/people/records?wait=60s",
		map[string]any{"fields": map[string]any{"email": email(n)}})
	if err == nil && !bytes.Contains(answer, []byte(`"state":"done"`)) {
		err = fmt.Errorf("not done: %s", answer)
	}
	return err
}

func (g *gateway) close() {
	g.clay.Close()
	if err := g.app.Stop(context.Background()); err != nil {
		log.Print(err)
	}
	if err := g.app.Close(); err != nil {
		log.Print(err)
	}
	_ = os.RemoveAll(g.dir)
}
