package forward_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m}) }

const (
	signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"
	former  = "whsec_OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg3"
)

// world is a ledger whose records end as a test says, and what forwards them.
type world struct {
	*testing.T
	store *sqlite.Store
	hub   *ledger.Hub
	*forward.Forwarder
}

// newWorld has the target "people" forward to the destinations.
func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	hub := &ledger.Hub{}
	target := ledger.Target{Name: "people", Lane: "main/webhook"}
	for _, name := range names {
		target.Forward = append(target.Forward, ledger.Outlet{Destination: name, Failures: true})
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "l.db"), Hub: hub, Catalog: ledger.NewCatalog([]ledger.Target{target}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: store, hub: hub, Forwarder: forward.New(forward.Options{
		Store: store, Hub: hub, Via: "this", View: func(r *ledger.Record) json.RawMessage {
			return fmt.Appendf(nil, `{"id":%q,"revision":%d,"state":%q}`, r.ID, r.Revision, r.State)
		},
	})}
	t.Cleanup(func() {
		if err := w.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// to starts forwarding.
func (w *world) to(destinations ...*forward.Destination) {
	w.Configure(forward.Configuration{Destinations: destinations})
	w.Start()
}

// done takes records in and brings them to a result.
func (w *world) done(n int, change ...func(*ledger.Submission)) (ids []ledger.RecordID) {
	w.Helper()
	var subs []ledger.Submission
	var results []ledger.Entry
	for i := range n {
		s := ledger.Submission{ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Await: true, Fields: fmt.Appendf(nil, `{"email":"%d@example.com"}`, i)}
		for _, c := range change {
			c(&s)
		}
		subs, ids = append(subs, s), append(ids, s.ID)
		results = append(results, ledger.Entry{Record: s.ID, Event: ledger.Result{Fields: fmt.Appendf(nil, `{"n":%d,"title":"Countess"}`, i)}})
	}
	if _, err := w.store.Accept(w.Context(), subs); err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Apply(w.Context(), results); err != nil {
		w.Fatal(err)
	}
	return ids
}

// until waits until a destination stands as wanted.
func (w *world) until(name string, ok func(ledger.DestinationStatus) bool) ledger.DestinationStatus {
	w.Helper()
	changed, cancel := w.hub.Subscribe(ledger.Outgoing(name))
	defer cancel()
	for {
		all, err := w.store.Destinations(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		got := ledger.DestinationStatus{Destination: name}
		for _, d := range all {
			if d.Destination == name {
				got = d
			}
		}
		if ok(got) {
			return got
		}
		select {
		case <-changed:
		case <-w.Context().Done():
			w.Fatalf("%s still stands at %+v", name, got)
		}
	}
}

func (w *world) untilEmpty(name string) {
	w.Helper()
	w.until(name, func(d ledger.DestinationStatus) bool { return d.Waiting == 0 })
}

// endpoint is a server that verifies what it is told, and answers as a test says.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	hooks  []client.Delivery
	header http.Header
	bodies []string
}

func newEndpoint(t *testing.T, answer func(http.ResponseWriter, client.Delivery)) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var hook client.Delivery
		if r.Header.Get("Webhook-Id") != "" {
			if hook, err = client.VerifyWebhook(r.Header, body, signing); err != nil {
				t.Error(err)
			}
			if _, err := client.VerifyWebhook(r.Header, body, former); err != nil && len(r.Header.Get("Webhook-Signature")) > 60 {
				t.Error(err)
			}
		}
		e.mu.Lock()
		e.hooks, e.header, e.bodies = append(e.hooks, hook), r.Header, append(e.bodies, r.Method+" "+r.URL.EscapedPath()+" "+string(body))
		e.mu.Unlock()
		if answer != nil {
			answer(w, hook)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) told() []client.Delivery {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]client.Delivery(nil), e.hooks...)
}

func (e *endpoint) said() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.bodies...)
}

func (w *world) webhook(name, url string, change ...func(*forward.Webhook)) *forward.Destination {
	w.Helper()
	hook := forward.Webhook{Settings: forward.Settings{Name: name}, URL: url, Secrets: []string{signing, former}, Reach: forward.Private}
	for _, c := range change {
		c(&hook)
	}
	d, err := forward.NewWebhook(hook)
	if err != nil {
		w.Fatal(err)
	}
	return d
}

func TestDelivers(t *testing.T) {
	w, e := newWorld(t, "crm"), newEndpoint(t, nil)
	w.to(w.webhook("crm", e.URL))
	ids := w.done(500)
	w.untilEmpty("crm")
	told := map[string]int{}
	for _, hook := range e.told() {
		told[hook.Record.ID]++
	}
	for _, id := range ids {
		if told[id.String()] != 1 {
			t.Errorf("%s was told %d times", id, told[id.String()])
		}
	}
	if via := e.header.Get(forward.ViaHeader); via != "this" {
		t.Errorf("it came from %q", via)
	}
}

// What answers say, and what no answer says.
func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, client.Delivery)
		want   func(ledger.DestinationStatus) bool
		times  int
	}{
		"201":        {func(w http.ResponseWriter, _ client.Delivery) { w.WriteHeader(201) }, func(d ledger.DestinationStatus) bool { return d.Waiting == 0 && d.Dead == 0 }, 1},
		"410":        {func(w http.ResponseWriter, _ client.Delivery) { w.WriteHeader(410) }, func(d ledger.DestinationStatus) bool { return d.Waiting == 1 && d.Disabled != "" }, 1},
		"508":        {func(w http.ResponseWriter, _ client.Delivery) { w.WriteHeader(508) }, func(d ledger.DestinationStatus) bool { return d.Dead == 1 }, 1},
		"a redirect": {func(w http.ResponseWriter, _ client.Delivery) { w.Header().Set("Location", "/"); w.WriteHeader(308) }, nil, 1},
		"500":        {func(w http.ResponseWriter, _ client.Delivery) { w.WriteHeader(500) }, nil, 1},
		"cut off":    {func(http.ResponseWriter, client.Delivery) { panic(http.ErrAbortHandler) }, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w, e := newWorld(t, "crm"), newEndpoint(t, tt.answer)
			w.done(1)
			w.to(w.webhook("crm", e.URL))
			if tt.want != nil {
				w.until("crm", tt.want)
			} else { // it waits for its next try, which is stopped
				for len(e.told()) == 0 {
					changed, cancel := w.hub.Subscribe(ledger.Outgoing("crm"))
					<-changed
					cancel()
				}
				if err := w.Stop(t.Context()); err != nil {
					t.Error(err)
				}
				w.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 1 && d.Dead == 0 && d.Disabled == "" })
			}
			if n := len(e.told()); n != tt.times {
				t.Errorf("it was told %d times", n)
			}
		})
	}
}

// A destination that hangs held up the others.
func TestADestinationThatHangsHoldsUpNoOther(t *testing.T) {
	w, good := newWorld(t, "hangs", "crm"), newEndpoint(t, nil)
	release := make(chan struct{})
	bad := newEndpoint(t, func(http.ResponseWriter, client.Delivery) { <-release })
	w.to(w.webhook("hangs", bad.URL), w.webhook("crm", good.URL))
	w.done(300)
	w.untilEmpty("crm")
	if n := len(good.told()); n != 300 {
		t.Errorf("the other was told %d times", n)
	}
	if n := len(bad.told()); n > forward.DefaultConcurrency {
		t.Errorf("%d requests are under way to the one that hangs", n)
	}
	close(release)
	w.untilEmpty("hangs")
}

// Of one dedupe key one delivery is under way at a time.
func TestOneAtATimePerKey(t *testing.T) {
	var under, most atomic.Int64
	w := newWorld(t, "crm")
	e := newEndpoint(t, func(http.ResponseWriter, client.Delivery) {
		most.Store(max(most.Load(), under.Add(1)))
		runtime.Gosched()
		under.Add(-1)
	})
	w.to(w.webhook("crm", e.URL))
	for range 30 {
		w.done(1, func(s *ledger.Submission) { s.Key, s.MaxAge = ledger.Digest{1}, new(time.Duration) })
	}
	w.untilEmpty("crm")
	if most.Load() != 1 || len(e.told()) != 30 {
		t.Errorf("%d were under way at once, of %d", most.Load(), len(e.told()))
	}
	last := ""
	for _, hook := range e.told() {
		if hook.Record.ID < last {
			t.Errorf("%s was told after %s", hook.Record.ID, last)
		}
		last = hook.Record.ID
	}
}

// Stopped while a request hangs, what it carried is delivered again by the next.
func TestStopBreaksOffWhatHangs(t *testing.T) {
	w := newWorld(t, "crm")
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	e := newEndpoint(t, func(http.ResponseWriter, client.Delivery) { arrived <- struct{}{}; <-release })
	defer close(release)
	w.to(w.webhook("crm", e.URL))
	w.done(1)
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Stop(ctx); err == nil {
		t.Error("it did not say that it broke off a request")
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	good := newEndpoint(t, nil)
	w.to(w.webhook("crm", good.URL))
	w.untilEmpty("crm")
	if len(good.told()) != 1 {
		t.Error("it was not delivered again")
	}
}

// Another configuration takes over without a gap.
func TestConfigure(t *testing.T) {
	w, one, two := newWorld(t, "crm"), newEndpoint(t, nil), newEndpoint(t, nil)
	w.to(w.webhook("crm", one.URL))
	w.done(50)
	w.Configure(forward.Configuration{Destinations: []*forward.Destination{w.webhook("crm", two.URL)}})
	w.done(50)
	w.untilEmpty("crm")
	if n := len(one.told()) + len(two.told()); n != 100 || len(two.told()) < 50 {
		t.Errorf("the former was told %d times, the new one %d times", len(one.told()), len(two.told()))
	}
	w.Start() // started twice it does nothing more
}

// Callback URLs have a lane for each host, which ends when nothing is left.
func TestCallbackURLs(t *testing.T) {
	w, one, two := newWorld(t), newEndpoint(t, nil), newEndpoint(t, nil)
	callbacks := w.webhook("callback_urls", "")
	w.Configure(forward.Configuration{Callbacks: callbacks})
	w.Start()
	for range 3 {
		for _, e := range []*endpoint{one, two} {
			w.done(20, func(s *ledger.Submission) { s.CallbackURL = e.URL + "/mine" })
			w.untilEmpty(ledger.CallbackHost(e.URL))
		}
	}
	if len(one.told()) != 60 || len(two.told()) != 60 {
		t.Errorf("they were told %d and %d times", len(one.told()), len(two.told()))
	}
}

func TestMistakes(t *testing.T) {
	for name, w := range map[string]forward.Webhook{
		"no secret":     {URL: "https://a.example"},
		"a short one":   {URL: "https://a.example", Secrets: []string{"whsec_MDEy"}},
		"another form":  {URL: "https://a.example", Secrets: []string{"canary-0123456789"}},
		"no URL at all": {URL: "canary", Secrets: []string{signing}},
		"a password":    {URL: "https://u:canary@a.example", Secrets: []string{signing}},
	} {
		_, err := forward.NewWebhook(w)
		if ledger.KindOf(err) != ledger.Invalid || err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := forward.NewHTTP(forward.HTTP{URL: "canary"}); err == nil {
		t.Error("an HTTP destination without a URL")
	}
	if _, err := forward.NewFile(forward.File{Path: filepath.Join(t.TempDir(), "no", "file")}); err == nil {
		t.Error("a file without a folder")
	}
}

// An endpoint that is down was sent everything that had been claimed.
func TestWhatIsDownIsLeftAlone(t *testing.T) {
	w := newWorld(t, "crm")
	e := newEndpoint(t, func(w http.ResponseWriter, _ client.Delivery) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	w.done(1000)
	w.to(w.webhook("crm", e.URL))
	for changed, cancel := w.hub.Subscribe(ledger.Outgoing("crm")); ; {
		<-changed
		if len(e.told()) > 0 {
			cancel()
			break
		}
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(e.told()); n > 3*forward.DefaultConcurrency {
		t.Errorf("it was told %d times", n)
	}
	w.until("crm", func(d ledger.DestinationStatus) bool { return d.Waiting == 1000 })
}
