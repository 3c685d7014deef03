package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

const onePerson = `{"fields":{"email":"ada@example.com"}}`

func TestWait(t *testing.T) {
	tests := map[string]struct {
		query, header string
		doneAfter     time.Duration // 0 for never
		status        int
		took          time.Duration
	}{
		"not asked to":           {"", "", 10 * time.Second, 202, 0},
		"until it is done":       {"?wait=30s", "", 10 * time.Second, 200, 10 * time.Second},
		"in seconds":             {"?wait=30", "", 10 * time.Second, 200, 10 * time.Second},
		"until the time is over": {"?wait=5s", "", 10 * time.Second, 202, 5 * time.Second},
		"the longest":            {"?wait=100s", "", 0, 202, 100 * time.Second},
		"as the header prefers":  {"", "Prefer: respond-async, wait=30", 10 * time.Second, 200, 10 * time.Second},
		"no longer than allowed": {"", "Prefer: wait=1000", 0, 202, 100 * time.Second},
		"the URL comes first":    {"?wait=5s", "Prefer: wait=30", 0, 202, 5 * time.Second},
		"a preference is no law": {"", "Prefer: wait=soon", 0, 202, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, setup{})
				if tt.doneAfter > 0 {
					go func() {
						time.Sleep(tt.doneAfter)
						g.finish(g.only(), `{"title":"Countess"}`)
					}()
				}
				began := time.Now()
				got := g.do("POST", "/v1/targets/people/records"+tt.query, onePerson, tt.header)
				if took := time.Since(began); got.status != tt.status || took != tt.took {
					t.Errorf("status %d after %s, want %d after %s", got.status, took, tt.status, tt.took)
				}
				r := decode[record](t, got)
				if done := string(r.Result) == `{"title":"Countess"}` && r.State == ledger.Done; done != (tt.status == 200) {
					t.Errorf("status %d with %s", got.status, got.body)
				}
				if (got.header.Get("Location") == "/v1/records/"+r.ID) != (tt.status == 202) {
					t.Errorf("status %d with Location %q", got.status, got.header.Get("Location"))
				}
				time.Sleep(tt.doneAfter)
			})
		})
	}
}

// only returns the one record of the ledger.
func (g *gateway) only() ledger.RecordID {
	g.t.Helper()
	records, err := g.store.List(context.Background(), ledger.Query{Max: 2})
	if err != nil || len(records) != 1 {
		g.t.Fatalf("the ledger has %d records, want one (%v)", len(records), err)
	}
	return records[0].ID
}

// A change that is no end wakes the waiter and no more.
func TestWaitForRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		id := g.submit("people", onePerson)
		time.AfterFunc(time.Second, func() { g.apply(id, ledger.Claim{}) })
		time.AfterFunc(2*time.Second, func() { g.finish(id, `{}`) })
		began := time.Now()
		got := g.do("GET", "/v1/records/"+id.String()+"?wait=90s", "")
		if took := time.Since(began); decode[record](t, got).State != ledger.Done || took != 2*time.Second {
			t.Errorf("after %s it is %s", took, got.body)
		}
	})
}

func TestWaitForArray(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		var asked sync.WaitGroup
		asked.Go(func() {
			got := g.do("POST", "/v1/targets/people/records?wait=60s", `[`+onePerson+`,{"fields":7},`+onePerson+`]`)
			answers := decode[[]map[string]any](t, got)
			if got.status != 200 || answers[0]["state"] != "done" || answers[1]["index"] != 1.0 || answers[2]["state"] != "dead" {
				t.Errorf("status %d: %s", got.status, got.body)
			}
		})
		synctest.Wait()
		records, _ := g.store.List(t.Context(), ledger.Query{Max: 9})
		g.finish(records[1].ID, `{}`) // the newest is first
		time.Sleep(30 * time.Second)
		g.apply(records[0].ID, ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Status: 400})
		asked.Wait()
	})
}

// The failure it prevents: somebody who has left keeps a place, and 10,000 of them keep the memory.
func TestClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		ctx, leave := context.WithCancel(t.Context())
		over := make(chan time.Duration)
		began := time.Now()
		go func() {
			r := request("POST", "/v1/targets/people/records?wait=90s", onePerson).WithContext(ctx)
			g.handler.ServeHTTP(httptest.NewRecorder(), r)
			over <- time.Since(began)
		}()
		time.Sleep(time.Second)
		leave()
		if took := <-over; took != time.Second {
			t.Errorf("it waited %s for somebody who left after 1s", took)
		}
		if n := g.hub.waiting.Load(); n != 0 {
			t.Errorf("%d still wait", n)
		}
		if g.only(); g.store.(*fake).records[g.only()].State != ledger.Queued {
			t.Error("the record went with its client")
		}
	})
}

func TestStopEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, end := context.WithCancel(t.Context())
		g := newGateway(t, setup{stop: stop})
		time.AfterFunc(3*time.Second, end)
		began := time.Now()
		got := g.do("POST", "/v1/targets/people/records?wait=90s", onePerson)
		if took := time.Since(began); got.status != 202 || took != 3*time.Second {
			t.Errorf("status %d after %s, want 202 when the gateway stops, after 3s", got.status, took)
		}
		if got := g.do("GET", "/readyz", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("a gateway that stops is ready: %d", got.status)
		}
		if got := g.do("GET", "/healthz", ""); got.status != 200 {
			t.Errorf("a gateway that stops is not alive: %d", got.status)
		}
	})
}

// The failure it prevents: the deadline for reading a request passes while its answer is waited for, and the server takes
// the silent client for one that has left.
func TestWaitOutlastsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		near, far := net.Pipe()
		server := &http.Server{Handler: g.handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
		l := &pipe{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conns <- far
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		in := bufio.NewReader(near)
		lasts := func(request string, status int, want time.Duration) {
			t.Helper()
			go func() { _, _ = near.Write([]byte(request)) }()
			began := time.Now()
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			if took := time.Since(began); res.StatusCode != status || took != want {
				t.Errorf("status %d after %s, want %d after %s", res.StatusCode, took, status, want)
			}
		}
		lasts(fmt.Sprintf(head+"Content-Length: %d\r\n\r\n%s", "?wait=90s", "application/json", len(onePerson), onePerson), 202, 90*time.Second)
		lasts("GET /v1/records/"+g.only().String()+"?wait=95s HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, 95*time.Second)
		lasts(fmt.Sprintf(head+"Content-Length: 9\r\n\r\n", "", "application/json"), 400, 30*time.Second)
		_ = near.Close()
	})
}

// pipe is a listener in memory.
type pipe struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8787} }
func (p *pipe) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }

// A client that leaves while its record is taken leaves a record: once begun, a change is finished.
func TestClientLeavesWhileTaken(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	f := newFake(people, firms)
	g := newGateway(t, setup{store: &leaving{fake: f, leave: leave}, hub: f.hub})
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, request("POST", "/v1/targets/people/records", onePerson).WithContext(ctx))
	if g.only(); w.Code != 202 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// leaving is a ledger whose caller's client leaves at that moment.
type leaving struct {
	*fake
	leave func()
}

func (l *leaving) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	l.leave()
	return l.fake.Accept(ctx, in)
}

// TestManyWaiters holds many waiting calls to what they may cost: memory, and no reads while nothing happens.
func TestManyWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 2_000 // 10,000 cost the same each, and the race detector would take long
		g := newGateway(t, setup{})
		f := g.store.(*fake)
		before := heap()
		answers := make(chan int, callers)
		for i := range callers {
			go func() {
				w := &discard{header: http.Header{}}
				body := fmt.Sprintf(`{"fields":{"n":%d}}`, i)
				g.handler.ServeHTTP(w, request("POST", "/v1/targets/people/records?wait=90s", body))
				answers <- w.status
			}()
		}
		synctest.Wait()
		cost := (heap() - before) / callers
		t.Logf("a waiting call costs %d bytes", cost)
		if cost > 32<<10 {
			t.Errorf("a waiting call costs %d bytes, which is too much", cost)
		}
		reads := f.reads
		time.Sleep(60 * time.Second)
		if synctest.Wait(); f.reads != reads {
			t.Errorf("%d reads while nothing happened", f.reads-reads)
		}
		for id := range f.records {
			g.finish(id, `{}`)
		}
		for range callers {
			if status := <-answers; status != 200 {
				t.Fatalf("status %d, want 200", status)
			}
		}
	})
}

// heap returns what is in use, garbage left out. Each collection halves the stacks that are mostly empty.
func heap() int {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// TestOneSend: callers of one dedupe key at the same moment make one record that is sent, and each gets its result under
// an ID of its own.
func TestOneSend(t *testing.T) {
	const callers = 50
	o := onDisk(t)
	o.dedupeBy = []string{"email"}
	g := newGateway(t, o)
	answers := make(chan reply, callers)
	for i := range callers {
		go func() {
			email := []string{"ada@example.com", " ADA@example.com"}[i%2]
			body := fmt.Sprintf(`{"fields":{"email":%q},"metadata":{"caller":%d}}`, email, i)
			w := httptest.NewRecorder()
			g.handler.ServeHTTP(w, request("POST", "/v1/targets/people/records?wait=90s", body))
			answers <- reply{status: w.Code, header: w.Header(), body: w.Body.String()}
		}()
	}
	changed, cancel := o.hub.Subscribe(people.Lane)
	defer cancel()
	for counts := (ledger.Counts{}); counts.Total() < callers; {
		status, err := o.store.TargetStatus(t.Context(), "people")
		if err != nil {
			t.Fatal(err)
		}
		if counts = status.Counts; counts.Total() < callers {
			<-changed
		}
	}
	claims, err := o.store.(ledger.Lanes).Claim(t.Context(), ledger.Want{Lane: people.Lane, Max: callers})
	if err != nil || len(claims.Work) != 1 {
		t.Fatalf("%d sends, want one (%v)", len(claims.Work), err)
	}
	g.apply(claims.Work[0].Record.ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200},
		ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)})
	ids, cached := map[string]bool{}, 0
	for range callers {
		got := <-answers
		r := decode[record](t, got)
		ids[r.ID] = true
		var metadata struct{ Caller *int }
		if got.status != 200 || !strings.Contains(string(r.Result), "Countess") || json.Unmarshal(r.Metadata, &metadata) != nil || metadata.Caller == nil {
			t.Errorf("a caller got %d %s", got.status, got.body)
		}
		if r.Cached {
			cached++
		}
	}
	if len(ids) != callers || cached != callers-1 {
		t.Errorf("%d records, %d of them at no cost; want %d and %d", len(ids), cached, callers, callers-1)
	}
}
