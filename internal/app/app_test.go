package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m}) }

// fast is a pace that does not hold tests up. The emulator's own limit is Clay's, so only bursts may be larger.
var fast = ledger.Pace{PerSecond: 10, Burst: 20}

// emulated is a configuration that runs without anything else.
func emulated(t *testing.T) Config {
	dir := t.TempDir()
	return Config{
		Ledger: filepath.Join(dir, "ledger.db"), Targets: []Target{{Name: "people"}}, Pace: map[string]ledger.Pace{"main": fast},
		Emulate: &Emulation{Journal: filepath.Join(dir, "clay.journal")}, CallbackListen: "127.0.0.1:0",
	}
}

// real is a configuration for a Clay that is never reached.
func real(t *testing.T, webhook string) Config {
	return Config{
		Ledger:  filepath.Join(t.TempDir(), "ledger.db"),
		Targets: []Target{{Name: "people", Webhooks: []Webhook{{URL: webhook}}}}, CallbackListen: "127.0.0.1:0",
	}
}

const webhookURL = "https://clay.invalid/v3/sources/webhook/pull-in-data-from-a-webhook-canary"

// open opens an app, which has to work, and closes it with the test.
func open(t *testing.T, c Config) *App {
	t.Helper()
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, a) })
	return a
}

// shut stops and closes an app.
func shut(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(a.Stop(ctx), a.Close()); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// accept takes n rows in, as one load.
func accept(t *testing.T, a *App, n int) ledger.LoadID {
	t.Helper()
	load, err := a.Ledger.Load(t.Context(), ledger.Load{Target: "people", Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	maker := a.Intake.Load("people", load)
	var subs []ledger.Submission
	for i := range n {
		s, err := maker.Submission(json.RawMessage(fmt.Sprintf(`{"email":"jo.doe%d@example.com"}`, i)))
		if err != nil {
			t.Fatal(err)
		}
		s.Await = true
		subs = append(subs, s)
	}
	if _, err := a.Intake.Accept(t.Context(), subs); err != nil {
		t.Fatal(err)
	}
	return load
}

// until waits for a load's counts to be as wanted.
func until(t *testing.T, a *App, load ledger.LoadID, ok func(ledger.Counts) bool) {
	t.Helper()
	moved, cancel := a.Hub.Subscribe(load)
	defer cancel()
	giveUp := time.After(time.Minute)
	for {
		counts, err := a.Ledger.LoadCounts(t.Context(), load)
		if err != nil {
			t.Fatal(err)
		}
		if ok(counts) {
			return
		}
		select {
		case <-moved:
		case <-giveUp:
			t.Fatalf("waited a minute, have %v", counts)
		}
	}
}

func TestEmulatedRoundTrip(t *testing.T) {
	a := open(t, emulated(t))
	load := accept(t, a, 5)
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 5 })
	if rows := a.emulator.Stats().Rows; rows != 5 {
		t.Errorf("the emulator has %d rows", rows)
	}
	listed, err := a.Ledger.Records(t.Context(), records(t, a, load))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range listed {
		if !r.Emulated || len(r.Result) == 0 {
			t.Errorf("emulated %t, result %s", r.Emulated, r.Result)
		}
	}
}

// records returns the IDs of a load's records, by handing the rows in again.
func records(t *testing.T, a *App, load ledger.LoadID) []ledger.RecordID {
	t.Helper()
	maker := a.Intake.Load("people", load)
	var ids []ledger.RecordID
	for i := range 5 {
		s, err := maker.Submission(json.RawMessage(fmt.Sprintf(`{"email":"jo.doe%d@example.com"}`, i)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Intake.Accept(t.Context(), []ledger.Submission{s})
		if err != nil || !got[0].Repeated {
			t.Fatalf("row %d is not known again: %v", i, err)
		}
		ids = append(ids, got[0].Record.ID)
	}
	return ids
}

// The failure it prevents: the listener was closed before the emulator, so callbacks that fell due in between found
// nobody, were given up, and their rows never came back in the next run.
func TestRestartedEmulatorStillCallsBack(t *testing.T) {
	c := emulated(t)
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	load := accept(t, a, 20)
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Queued, ledger.Sending) == 0 })
	holdUp(t, a, 2*time.Second) // longer than the emulator's slowest callback takes
	shut(t, a)

	a = open(t, c)
	if again := accept(t, a, 20); again != load {
		t.Fatalf("the load is %d, was %d", again, load)
	}
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 20 })
	if rows := a.emulator.Stats().Rows; rows != 20 {
		t.Errorf("the emulator has %d rows of 20 records", rows)
	}
}

// holdUp sends half a callback, which the listener waits for when it is closed.
func holdUp(t *testing.T, a *App, held time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", a.CallbackAddr())
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /callbacks/people HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if err == nil {
		_, err = bufio.NewReader(conn).ReadString('\n') // "100 Continue": the body is being read
	}
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(held, func() { _ = conn.Close() })
}

func TestOpenFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	noLedger := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(noLedger, []byte(strings.Repeat("this is no ledger ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*Config)
		kind   ledger.Kind
		says   string
	}{
		"the port is taken":  {func(c *Config) { c.CallbackListen = taken.Addr().String() }, ledger.Unavailable, "cannot listen on " + taken.Addr().String()},
		"no address":         {func(c *Config) { c.CallbackListen = "nonsense" }, ledger.Unavailable, "cannot listen on nonsense"},
		"not a URL":          {func(c *Config) { c.Targets[0].Webhooks[0].URL = "canary" }, ledger.Invalid, "not a URL"},
		"not even a bad URL": {func(c *Config) { c.Targets[0].Webhooks[0].URL = "https://canary\x7f" }, ledger.Invalid, "not a URL"},
		"two Clays": {func(c *Config) {
			c.Targets[0].Webhooks = append(c.Targets[0].Webhooks, Webhook{URL: "https://other.invalid/x"})
		}, ledger.Invalid, "different Clays"},
		"no ledger at all":      {func(c *Config) { c.Ledger = noLedger }, ledger.Invalid, "is not a ledger"},
		"no folder":             {func(c *Config) { c.Ledger = filepath.Join(t.TempDir(), "missing", "ledger.db") }, ledger.Invalid, "cannot be opened"},
		"no folder for a diary": {func(c *Config) { *c = emulated(t); c.Emulate.Journal = "/nonexistent/journal" }, ledger.Unavailable, "cannot be emulated"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := real(t, webhookURL)
			tt.change(&c)
			a, err := Open(t.Context(), c)
			if a != nil || ledger.KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Fatalf("opened %t, kind %s: %v", a != nil, ledger.KindOf(err), err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the webhook's URL is a secret, and shown: %v", err)
			}
		})
	}
}

// However far Open came, what it had opened is free again.
func TestFailedOpenClosesEverything(t *testing.T) {
	port := freePort(t)
	c := real(t, webhookURL)
	c.CallbackListen = port
	shut(t, used(t, open1(t, c))) // the ledger now belongs to clay.invalid
	for name, change := range map[string]func(*Config){
		"at the client": func(c *Config) { c.Targets[0].Webhooks[0].Token = "with\nbreak" },
		"at the ledger": func(c *Config) { c.Targets[0].Webhooks[0].URL = "https://other.invalid/hook" },
	} {
		t.Run(name, func(t *testing.T) {
			broken := c
			broken.Targets = []Target{{Name: "people", Webhooks: []Webhook{{URL: webhookURL}}}}
			change(&broken)
			if a, err := Open(t.Context(), broken); err == nil {
				shut(t, a)
				t.Fatal("it opened")
			}
			shut(t, open1(t, c)) // same port, same ledger
		})
	}
}

// used makes a ledger hold something of its Clay: one that does not may be tied to another.
func used(t *testing.T, a *App) *App {
	t.Helper()
	ids, err := a.Ledger.Waiting(t.Context(), accept(t, a, 1))
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d records: %v", len(ids), err)
	}
	if _, err := a.Ledger.Apply(t.Context(), []ledger.Entry{{Record: ids[0], Event: ledger.Result{Fields: []byte(`{"title":"Countess"}`)}}}); err != nil {
		t.Fatal(err)
	}
	return a
}

func open1(t *testing.T, c Config) *App {
	t.Helper()
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// freePort returns an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The failure it prevents: a webhook URL with a slip in its host was refused, but the ledger was tied to that host
// already, and refused the right one ever after.
func TestRefusedWebhookDoesNotTieTheLedger(t *testing.T) {
	c := real(t, "https://app.clay.com/canary") // the address of a page, which the SDK refuses
	_, err := Open(t.Context(), c)
	if !errors.Is(err, clay.KindConfig) {
		t.Fatalf("error %v", err)
	}
	c.Targets = []Target{{Name: "people", Webhooks: []Webhook{{URL: webhookURL}}}}
	open(t, c)
}

// Nothing emulated may answer for something real, and a host is the same in any case.
func TestLedgerBelongsToOneClay(t *testing.T) {
	type config func(*testing.T, string) Config
	toReal := func(url string) config {
		return func(t *testing.T, path string) Config { c := real(t, url); c.Ledger = path; return c }
	}
	toEmulator := func(t *testing.T, path string) Config { c := emulated(t); c.Ledger = path; return c }
	tests := map[string]struct {
		first, second config
		want          ledger.Kind
	}{
		"emulated, then real": {toEmulator, toReal(webhookURL), ledger.Foreign},
		"real, then emulated": {toReal(webhookURL), toEmulator, ledger.Foreign},
		"another Clay":        {toReal(webhookURL), toReal("https://other.invalid/hook"), ledger.Foreign},
		"another webhook":     {toReal(webhookURL), toReal("https://CLAY.invalid/other"), ""},
		"emulated again":      {toEmulator, toEmulator, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			shut(t, used(t, open1(t, tt.first(t, path))))
			a, err := Open(t.Context(), tt.second(t, path))
			if err == nil {
				shut(t, a)
			}
			if got := kindOf(err); got != tt.want {
				t.Errorf("kind %q, want %q: %v", got, tt.want, err)
			}
		})
	}
}

func kindOf(err error) ledger.Kind {
	if err == nil {
		return ""
	}
	return ledger.KindOf(err)
}

func TestLedgerInUse(t *testing.T) {
	c := real(t, webhookURL)
	open(t, c)
	if _, err := Open(t.Context(), c); ledger.KindOf(err) != ledger.Busy {
		t.Errorf("error %v, want one of kind busy", err)
	}
}

// Options are the caller's: with --emulate the webhooks were written into them.
func TestConfigIsNotChanged(t *testing.T) {
	c := emulated(t)
	open(t, c)
	if diff := cmp.Diff([]Target{{Name: "people"}}, c.Targets); diff != "" {
		t.Errorf("the caller's targets changed:\n%s", diff)
	}
}

func TestCloseTwice(t *testing.T) {
	a := open1(t, emulated(t))
	for range 2 {
		shut(t, a)
	}
}

func TestCloseWithoutStart(t *testing.T) {
	a := open1(t, real(t, webhookURL))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// The failure it prevents: Clay, or a tunnel, opens connections in advance, and the command did not end for five seconds.
func TestSilentConnectionsDoNotHoldUpTheEnd(t *testing.T) {
	a := open1(t, real(t, webhookURL))
	conn, err := net.Dial("tcp", a.CallbackAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + a.CallbackAddr() + "/healthz")
	if err != nil { // connections are accepted in turn: the silent one has been when this one is answered
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	began := time.Now()
	shut(t, a)
	if took := time.Since(began); took > closeTime-time.Second {
		t.Errorf("closing took %s", took)
	}
}

func TestNoCallbacks(t *testing.T) {
	c := emulated(t)
	c.CallbackListen = ""
	if a := open(t, c); a.CallbackAddr() != "" {
		t.Errorf("callbacks are taken at %s", a.CallbackAddr())
	}
}

// The listener that the world reaches answers for callbacks and its own health, and nothing else.
func TestCallbackListener(t *testing.T) {
	a := open(t, real(t, webhookURL))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{
		"/healthz": http.StatusNoContent, "/callbacks/people": http.StatusMethodNotAllowed, "/callbacks/nobody": http.StatusNotFound,
		"/": http.StatusNotFound, "/v1/records": http.StatusNotFound, "/metrics": http.StatusNotFound,
	} {
		resp, err := client.Get("http://" + a.CallbackAddr() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}
