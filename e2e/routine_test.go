package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// newRoutine makes a gateway whose target is a routine of the Public API, with a completion webhook, at a Clay that
// allows just what the gateway is told to keep to.
func newRoutine(t *testing.T) *gateway {
	t.Helper()
	const perSecond, secret = 40, "whsec_0123456789abcdef"
	dir, callback := t.TempDir(), freeAddress(t)
	g := &gateway{
		table: &table{t: t, dir: dir, callback: callback}, api: freeAddress(t), acknowledged: map[string]string{}, ended: map[string]bool{},
		http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	t.Cleanup(g.http.CloseIdleConnections)
	g.clay = claytest.New(t, claytest.Options{
		Misses: -1, Keep: -1, JournalAll: true, Journal: filepath.Join(dir, "clay.journal"),
		PublicAPI: claytest.PublicAPI{
			PerSecond: perSecond, Burst: 2 * perSecond, Credits: -1, Delay: claytest.Delay{Min: 20 * time.Millisecond, Max: 600 * time.Millisecond},
			Webhooks: []claytest.CompletionWebhook{{ID: "wh_1", Secret: secret, URL: "http://" + callback + "/completions/main"}},
		},
	})
	g.config = filepath.Join(dir, "claygate.yaml")
	text := fmt.Sprintf("listen: %s\ncallback_listen: %s\nledger: %s\nworkspaces:\n  main:\n    base_url: %s\n    public_api_key: env:KEY\n"+
		"    api_pace: {per_second: %d, burst: %d}\n    completion_webhook: {id: wh_1, secret: env:SECRET}\n    routines:\n      default:\n"+
		"        routine: \"function:t_1\"\n        linger: 20ms\n        bulk_from: 60\n        result_timeout: 4s\n",
		g.api, callback, g.ledger(), g.clay.URL(), perSecond, perSecond)
	if err := os.WriteFile(g.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g.env = []string{"KEY=key", "SECRET=" + secret}
	return g
}

// runEvils are what goes wrong at the Public API while claygate is killed, one list for each of its lives in turn.
var runEvils = [][]claytest.Fault{
	nil,
	{{Kind: claytest.DropAfter, Rate: 0.3, When: startsRun}, {Kind: claytest.CompletionMissing, Rate: 0.5}},
	{{Kind: claytest.AnswerAfter, Status: []int{504, 500}, Rate: 0.3, When: startsRun}, {Kind: claytest.CompletionDouble, Rate: 0.5, Latency: 20 * time.Millisecond}},
	{{Kind: claytest.Answer, Status: []int{429, 503}, Rate: 0.2}},
	{{Kind: claytest.CutAnswer, Bytes: 200, Rate: 0.3}},
	{{Kind: claytest.SlowAnswer, Latency: 300 * time.Millisecond, Rate: 0.5, When: startsRun}},
	{{Kind: claytest.Answer, Status: []int{400, 413}, Rate: 0.3, When: startsRun}, {Kind: claytest.CompletionLate, Latency: time.Second}},
	{{Kind: claytest.Reset, Bytes: 30, Rate: 0.3, When: startsRun}},
}

func startsRun(e claytest.Event) bool {
	path := e.Request.URL.Path
	return strings.HasSuffix(path, "/run") || strings.HasSuffix(path, "/start")
}

// The gateway is killed ten times with runs in flight, at random moments and with Clay at its worst, and then left alone.
// Nothing that was acknowledged is lost, and no record is in two runs at Clay without that being said.
func TestKillNineWithRunsInFlight(t *testing.T) {
	t.Parallel()
	const kills = 10
	g := newRoutine(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range kills {
		g.must(g.clay.SetFaults(runEvils[n%len(runEvils)]...))
		c := g.serve(g.env...)
		for part := range 4 {
			g.handIn(c, 10*n+part, 1+random.IntN(40*part+20))
			pause(t.Context(), time.Duration(random.IntN(60))*time.Millisecond)
		}
		pause(t.Context(), time.Duration(random.IntN(700))*time.Millisecond)
		c.kill()
		t.Logf("kill %2d: %s", n+1, g.auditRuns())
	}
	g.must(g.clay.SetFaults())
	c := g.serve(g.env...)
	for began := time.Now(); g.open() > 0; pause(t.Context(), 50*time.Millisecond) {
		if !c.alive() || time.Since(began) > time.Minute {
			t.Fatalf("%d records never came to their end; it says:\n%s", g.open(), c.err)
		}
	}
	g.must(c.cmd.Process.Signal(os.Interrupt))
	c.mustEnd(0)
	t.Logf("left alone: %s", g.auditRuns())
}

// handIn hands n records in, as lines, until the gateway has said that they are safe.
func (g *gateway) handIn(c *child, name, n int) {
	g.t.Helper()
	var text strings.Builder
	var emails []string
	for i := range n {
		emails = append(emails, fmt.Sprintf("lead%d.%d@leads.example", name, i))
		text.WriteString(g.record(emails[i]) + "\n")
	}
	lines := call{body: text.String(), header: http.Header{"Content-Type": {"application/x-ndjson"}}, emails: emails}
	for !g.post(g.t.Context(), lines) {
		if !c.alive() {
			g.t.Fatalf("it ended by itself:\n%s", c.err)
		}
		pause(g.t.Context(), 10*time.Millisecond)
	}
}

// auditRuns compares the ledger of a dead gateway with what its caller was told and with the runs at Clay.
func (g *gateway) auditRuns() string {
	g.t.Helper()
	books := read(g.t, g.ledger())
	for id, email := range g.acknowledged {
		if e, found := books.records[recordOf(g.t, id)]; !found || !strings.Contains(e.fields, email) {
			g.t.Errorf("I1: %s (%s) was acknowledged and is gone", id, email)
		}
	}
	starts := map[string]int{}
	for _, run := range g.clay.RoutineRuns() {
		for _, item := range run.Items {
			starts[recordOf(g.t, item)]++
		}
	}
	doubled := 0
	for record, n := range starts {
		if n > 1 {
			doubled++
		}
		if n > 1+books.doubles[record] || n > 1+books.flagged[record] {
			g.t.Errorf("I2: record %s is in %d runs at Clay, with %d that may have doubled it and %d flags", record, n, books.doubles[record], books.flagged[record])
		}
		if attempts := books.records[record].attempts; n > attempts {
			g.t.Errorf("I5: record %s is in %d runs at Clay and was tried %d times", record, n, attempts)
		}
	}
	st := g.clay.Stats()
	return fmt.Sprintf("%d acknowledged · %v · %d runs at Clay with %d items, %d records in more than one · %d calls %v",
		len(g.acknowledged), books.states, st.Runs, st.Items, doubled, st.Requests, st.Status)
}
