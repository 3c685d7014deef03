package cli

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/client"
)

// server is a gateway that runs beside the commands.
type server struct {
	*command
	url, ledger string
}

// serve starts one in the world, on a ledger of its own.
func (w *world) serve(flags ...string) *server {
	w.t.Helper()
	listen := freeAddress(w.t)
	s := &server{url: "http://" + listen, ledger: w.path("l.db")}
	s.command = w.start(append([]string{"serve", "--listen", listen, "--callback-listen", w.callback, "--ledger", s.ledger}, flags...)...)
	s.until(`"msg":"serving"`)
	return s
}

// stop ends it in good order.
func (s *server) stop() {
	s.w.t.Helper()
	s.interrupt <- os.Interrupt
	if r := s.wait(); r.code != exitOK {
		s.w.t.Errorf("the server exits with %d\n%s", r.code, r.err)
	}
}

// slower is a Clay whose limit and whose results take their time.
func slower() claytest.Options {
	return claytest.Options{Misses: -1, PerSecond: 10, Burst: 20, Column: claytest.Column{Delay: claytest.Delay{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}}}
}

// A target of the main workspace may be named in full: the command knew its bare name only, the gateway both.
func TestAttachedByTheFullName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve()
	if r := w.run("enrich", w.file("leads.csv", leads(2)), "-o", w.path("out.csv"), "--ledger", s.ledger, "-t", "main/default"); r.code != exitOK {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	s.stop()
}

// What people get is the same, whether the command has the ledger to itself or a server has it in use.
func TestAttachedIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	in := w.file("leads.csv", leads(8)+"Bad\nTwin,ada.lovelace1@leads.example\n")
	alone := w.enrich(in, "-o", w.path("alone.csv"))
	s := w.serve()
	r := w.run("enrich", in, "-o", w.path("out.csv"), "--ledger", s.ledger)
	if r.code != alone.code || r.code != exitSomeFailed {
		t.Fatalf("exit %d, and alone %d\n%s", r.code, alone.code, r.err)
	}
	if diff := cmp.Diff(w.read("alone.csv"), w.read("out.csv")); diff != "" {
		t.Errorf("the output differs:\n%s", diff)
	}
	for _, text := range []string{
		"attached to the running gateway on " + s.ledger, "rows with the same email are sent once", "line 10 skipped", "10 rows: 8 enriched, 1 from cache, 1 skipped",
		"paid: 8 rows sent to Clay", "lost: none",
	} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	again := w.run("enrich", in, "-o", w.path("again.csv"), "--ledger", s.ledger)
	if diff := cmp.Diff(w.read("out.csv"), w.read("again.csv")); diff != "" || !strings.Contains(again.err, "paid: 0 rows sent to Clay (8 in an earlier run)") {
		t.Errorf("a second run (exit %d):\n%s\n%s", again.code, diff, again.err)
	}
	s.stop()
	// Alone again, it is the same load still.
	if r := w.enrich(in, "-o", w.path("2.csv"), "--ledger", s.ledger); !strings.Contains(r.err, "paid: 0 rows") || w.clay.Stats().Rows != 16 {
		t.Errorf("alone again it sends: %d rows at Clay\n%s", w.clay.Stats().Rows, r.err)
	}
}

// Two commands at once: both see all of their rows through, at one pace, and a row that both have is sent once.
func TestTwoCommandsOnOneServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	s := w.serve()
	a := w.start("enrich", w.file("a.csv", leads(20)), "-o", w.path("a.out.csv"), "--ledger", s.ledger)
	b := w.start("enrich", w.file("b.csv", leads(25)), "-o", w.path("b.out.csv"), "--ledger", s.ledger)
	for name, c := range map[string]*command{"a": a, "b": b} {
		if r := c.wait(); r.code != exitOK {
			t.Errorf("%s: exit %d\n%s", name, r.code, r.err)
		}
		for _, status := range w.statuses(name + ".out.csv") {
			if status != "ok" && status != "cached" {
				t.Errorf("%s has a row that is %s", name, status)
			}
		}
	}
	if stats := w.clay.Stats(); stats.Rows != 25 || stats.Requests != 25 {
		t.Errorf("Clay got %d requests and took %d rows, want 25", stats.Requests, stats.Rows)
	}
	s.stop()
}

// The first of two has the ledger, and sends the rows of both. When it ends, the second goes on by itself.
func TestTheSecondCommandGoesOnAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	ledger := w.path("l.db")
	a := w.start("enrich", w.file("a.csv", leads(12)), "-o", w.path("a.out.csv"), "--ledger", ledger, "--callback-listen", w.callback)
	a.until("0/12")
	// Its callbacks go where the first listens, and where it listens itself from then on: at the default port nobody else is.
	b := w.start("send", w.file("b.csv", leads(60)), "--ledger", ledger)
	if r := a.wait(); r.code != exitOK {
		t.Fatalf("the first: exit %d\n%s", r.code, r.err)
	}
	r := b.wait()
	if r.code != exitOK || !strings.Contains(r.err, "attached to the running gateway") || !strings.Contains(r.err, "60 rows: 60 in Clay") {
		t.Errorf("the second: exit %d\n%s", r.code, r.err)
	}
	if n := w.clay.Stats().Rows; n != 72 {
		t.Errorf("%d rows at Clay, want 72: each once", n)
	}
	if !strings.Contains(r.err, "going on without it") {
		t.Errorf("the second did not outlive the first, and proves nothing:\n%s", r.err)
	}
}

// Ctrl-C keeps back what has not left the gateway; the next run goes on.
func TestInterruptThroughAGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	s := w.serve()
	args := []string{"enrich", w.file("leads.csv", leads(60)), "-o", w.path("out.csv"), "--ledger", s.ledger}
	c := w.start(args...)
	w.atClay(15)
	c.interrupt <- os.Interrupt
	r := c.wait()
	sent := w.clay.Stats().Rows
	if r.code != exitInterrupted || sent >= 60 || !strings.Contains(r.err, "none under way at Clay") {
		t.Fatalf("exit %d, %d rows at Clay\n%s", r.code, sent, r.err)
	}
	if !strings.Contains(r.err, " · failed 0 · ") || strings.Contains(r.err, "60/60") {
		t.Errorf("rows that were held back look as if they had failed:\n%s", r.err)
	}
	statuses := strings.Join(w.statuses("out.csv"), " ")
	if ok, pending := strings.Count(statuses, "ok"), strings.Count(statuses, "pending"); ok != sent || pending != 60-sent {
		t.Errorf("%d rows are enriched and %d pending, %d were sent", ok, pending, sent)
	}
	if r := w.run(args...); r.code != exitOK || w.clay.Stats().Rows != 60 {
		t.Errorf("the next run: exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
	if n := strings.Count(strings.Join(w.statuses("out.csv"), " "), "ok"); n != 60 {
		t.Errorf("%d rows are enriched", n)
	}
	s.stop()
}

// A gateway that goes away in the middle: the command says how to go on, and going on sends nothing twice.
func TestGatewayGoesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	s := w.serve()
	front := w.front(s.url)
	args := []string{"enrich", w.file("leads.csv", leads(60)), "-o", w.path("out.csv"), "--gateway", front.url, "--patience", "2s"}
	c := w.start(args...)
	w.atClay(15)
	front.down.Store(true)
	r := c.wait()
	if r.code != exitNetwork || !strings.Contains(r.err, "does not answer") || !strings.Contains(r.err, "run the same command again") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	s.stop() // and starts again, with what it had
	front.down.Store(false)
	s = w.serve("--listen", strings.TrimPrefix(s.url, "http://"))
	next := w.start(args...)
	w.atClay(60)
	w.clay.RunMissing() // what came back while nobody listened
	if r := next.wait(); r.code != exitOK || w.clay.Stats().Rows != 60 {
		t.Errorf("the next run: exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
	s.stop()
}

// A connection that breaks while the rows are handed in, and while the command waits, is made again.
func TestConnectionBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve()
	front := w.front(s.url)
	front.breaks.Store(4) // each of the first requests
	r := w.run("enrich", w.file("leads.csv", leads(5)), "-o", w.path("out.csv"), "--gateway", front.url)
	if r.code != exitOK || w.clay.Stats().Rows != 5 || !strings.Contains(r.err, "trying again") {
		t.Errorf("exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
	s.stop()
}

// front stands before a gateway and can fail in its place.
type front struct {
	url    string
	down   atomic.Bool
	breaks atomic.Int32
	hang   atomic.Pointer[chan struct{}] // when set, nothing is answered before it is closed
}

func (w *world) front(to string) *front {
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	f := &front{}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = discardLog()
	server := newHTTPServer(w.t, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if f.down.Load() {
			panic(http.ErrAbortHandler)
		}
		if hang := f.hang.Load(); hang != nil {
			select {
			case <-*hang:
			case <-r.Context().Done():
			}
			return
		}
		proxy.ServeHTTP(out, r)
		if f.breaks.Add(-1) >= 0 {
			panic(http.ErrAbortHandler) // the gateway has done it, and nobody hears
		}
	}))
	f.url = server
	return f
}

// A gateway that was named is told by its URL and a key, and what it refuses has the exit code that it has elsewhere.
func TestNamedGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve()
	key := last[client.APIKey](t, w.run("keys", "create", "loads", "--scope", "send", "--json", "--ledger", s.ledger)).Key
	reads := last[client.APIKey](t, w.run("keys", "create", "looks", "--scope", "read", "--json", "--ledger", s.ledger)).Key
	in := w.file("leads.csv", leads(5))
	w.env["CLAYGATE_GATEWAY"] = s.url
	delete(w.env, "CLAY_WEBHOOK_URL") // the gateway's to know
	tests := []struct {
		name, key string
		args      []string
		code      int
		says      string
	}{
		{"no key", "", []string{"enrich", in}, exitAuth, "API key"},
		{"a wrong key", "cg_wrong", []string{"enrich", in}, exitAuth, "unknown or was revoked"},
		{"a key that only reads", reads, []string{"enrich", in}, exitAuth, "scope send"},
		{"an unknown target", key, []string{"enrich", in, "-t", "poeple"}, exitNotFound, "name one with -t: default"},
		{"a pace", key, []string{"enrich", in, "--pace", "100"}, exitInvalid, "--pace: a running gateway"},
		{"a place for callbacks", key, []string{"enrich", in, "--callback-listen", "127.0.0.1:1"}, exitInvalid, "--callback-listen: a running"},
		{"a ledger as well", key, []string{"enrich", in, "--gateway", s.url, "--ledger", s.ledger}, exitInvalid, "exclude each other"},
		{"no gateway", key, []string{"enrich", in, "--gateway", "leads.csv"}, exitInvalid, "is not the URL of a gateway"},
		{"nobody there", key, []string{"enrich", in, "--gateway", "http://127.0.0.1:1", "--patience", "1ms"}, exitNetwork, "does not answer"},
		{"a look", key, []string{"enrich", in, "--dry-run"}, exitOK, "5 would be sent"},
		{"the rows", key, []string{"enrich", in, "-o", w.path("out.csv")}, exitOK, "5 rows: 5 enriched"},
		{"another look", key, []string{"enrich", in, "--dry-run"}, exitOK, "0 would be sent, 0 answered from cache or by another row, 5 known"},
		{"a fresh look", key, []string{"enrich", in, "--dry-run", "--fresh"}, exitOK, "5 would be sent"},
		{"sent without results", key, []string{"send", in}, exitOK, "5 rows: 5 in Clay"},
		{"as JSON", key, []string{"send", in, "--json"}, exitOK, `"gateway":"` + s.url},
		{"sent afresh", key, []string{"enrich", in, "--fresh", "-o", w.path("2.csv")}, exitOK, "paid: 5 rows"},
	}
	for _, tt := range tests {
		w.env["CLAYGATE_KEY"] = tt.key
		if r := w.run(tt.args...); r.code != tt.code || !strings.Contains(r.err, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", tt.name, r.code, tt.code, tt.says, r.err)
		}
	}
	if n := w.clay.Stats().Rows; n != 15 {
		t.Errorf("%d rows at Clay, want 15", n)
	}
	s.stop()
}

// What cannot be sent is said before anything is handed in.
func TestGatewayThatSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{Misses: -1})
	s := w.serve()
	in := w.file("leads.csv", leads(5))
	on := func(args ...string) result { return w.run(append(args, "--ledger", s.ledger)...) }
	on("targets", "pause", "default", "--reason", "being rebuilt")
	if r := on("enrich", in); r.code != exitOther || !strings.Contains(r.err, "being rebuilt") || r.out != "" {
		t.Errorf("a paused target: exit %d\n%s", r.code, r.err)
	}
	on("targets", "resume", "default")
	on("stop", "--all", "--reason", "too dear")
	if r := on("enrich", in); r.code != exitOther || !strings.Contains(r.err, "too dear") {
		t.Errorf("a stop: exit %d\n%s", r.code, r.err)
	}
	on("start", "--all")
	w.env["CLAY_WEBHOOK_URL"] = w.clay.WebhookURL("another")
	if r := on("send", in); r.code != exitInvalid || !strings.Contains(r.err, "another webhook") {
		t.Errorf("another table's webhook: exit %d\n%s", r.code, r.err)
	}
	if r := on("send", in, "--emulate"); r.code != exitInvalid || !strings.Contains(r.err, "sends to the real Clay") {
		t.Errorf("a real gateway where an emulated one was asked for: exit %d\n%s", r.code, r.err)
	}
	if n := w.clay.Stats().Requests; n != 0 {
		t.Errorf("%d requests went to Clay", n)
	}
	s.stop()
}

// A target that pauses in the middle ends the run, with what was there.
func TestPauseThroughAGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	if err := w.clay.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{401}, From: 13}); err != nil {
		t.Fatal(err)
	}
	s := w.serve()
	r := w.run("enrich", w.file("leads.csv", leads(30)), "-o", w.path("out.csv"), "--ledger", s.ledger)
	statuses := strings.Join(w.statuses("out.csv"), " ")
	if ok := strings.Count(statuses, "ok"); r.code != exitAuth || ok != 12 || strings.Count(statuses, "pending") != 18 {
		t.Errorf("exit %d, statuses %s\n%s", r.code, statuses, r.err)
	}
	s.stop()
}

// An edited file: what it lost is not sent, and nobody waits for it.
func TestEditedFileThroughAGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	s := w.serve()
	in := filepath.Join(w.dir, "leads.csv")
	args := []string{"enrich", in, "-o", w.path("out.csv"), "--ledger", s.ledger}
	w.file("leads.csv", leads(40))
	c := w.start(args...)
	w.atClay(12)
	c.interrupt <- os.Interrupt
	c.wait()
	before := w.clay.Stats().Rows
	w.file("leads.csv", leads(5)+"New,new@leads.example\n")
	r := w.run(args...)
	if now := w.clay.Stats().Rows; r.code != exitOK || now != before+1 || !strings.Contains(r.err, "6 rows: 6 enriched") {
		t.Errorf("exit %d, %d rows at Clay after %d\n%s", r.code, now, before, r.err)
	}
	s.stop()
}

// The failure it prevents: an operating command waits for ever for a gateway that is not there.
func TestOperateNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	began := time.Now()
	r := w.run("targets", "list", "--gateway", "http://127.0.0.1:1")
	if took := time.Since(began); r.code != exitNetwork || took > 20*time.Second {
		t.Errorf("exit %d after %s\n%s", r.code, took, r.err)
	}
	if fmt.Sprint(r.err) == "" {
		t.Error("it says nothing")
	}
}

// A gateway that hangs holds nobody up: the first Ctrl-C asks it to stop, the second leaves.
func TestInterruptOfAHangingGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slower())
	s := w.serve()
	front := w.front(s.url)
	c := w.start("enrich", w.file("leads.csv", leads(60)), "-o", w.path("out.csv"), "--gateway", front.url)
	w.atClay(12)
	hang, release := make(chan struct{}), make(chan struct{})
	front.hang.Store(&hang)
	defer close(release)
	go func() { <-release; close(hang) }()
	c.interrupt <- os.Interrupt
	c.interrupt <- os.Interrupt
	r := c.wait()
	if r.code != exitInterrupted || !strings.Contains(r.err, "could not be told to stop") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	s.stop()
}

// The hint was to wait until the gateway has ended, or to name another ledger; neither is what one wants.
func TestReleaseOfALedgerInUseNamesStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	s := w.serve()
	if r := w.run("restore", "--release", "--ledger", s.ledger); r.code == exitOK || !strings.Contains(r.err, "claygate start --all --ledger") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	s.stop()
}
