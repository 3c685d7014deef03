package e2e_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// routinePace is how many calls a second the gateway may make; Clay allows as many, and a burst of twice that.
const routinePace = 40

// newRoutine makes a gateway whose target is a routine of the Public API, with a completion webhook, at a Clay that
// allows just what the gateway is told to keep to.
func newRoutine(t *testing.T) *gateway {
	t.Helper()
	const perSecond, secret = routinePace, "whsec_0123456789abcdef"
	dir, callback := t.TempDir(), freeAddress(t)
	g := &gateway{
		table: &table{t: t, dir: dir, callback: callback}, api: freeAddress(t), acknowledged: map[string]string{}, ended: map[string]bool{},
	}
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
	g.env = []string{"KEY=key-of-the-workspace", "SECRET=" + secret}
	g.http = listening(t, g.env...)
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

// roundOfKills is how often one gateway is killed before another begins: its books are audited after each kill.
const roundOfKills = 10

// The gateway is killed with runs in flight, at random moments and with Clay at its worst, and then left alone. Nothing that
// was acknowledged is lost, and no record is in two runs at Clay without that being said. CLAYGATE_RUN_KILLS says how often,
// 10 times by default; after CLAYGATE_RUN_TIME no further round begins.
func TestKillNineWithRunsInFlight(t *testing.T) {
	t.Parallel()
	number, err := strconv.Atoi(cmp.Or(os.Getenv("CLAYGATE_RUN_KILLS"), strconv.Itoa(roundOfKills)))
	limit, limitErr := time.ParseDuration(cmp.Or(os.Getenv("CLAYGATE_RUN_TIME"), "24h"))
	if err != nil || limitErr != nil || number < 1 {
		t.Fatalf("CLAYGATE_RUN_KILLS must be a number, CLAYGATE_RUN_TIME a duration such as 1h: %v, %v", err, limitErr)
	}
	began, sum := time.Now(), runFigures{}
	for done := 0; done < number && time.Since(began) < limit && !t.Failed(); done += roundOfKills {
		t.Run(strconv.Itoa(done), func(t *testing.T) { sum.add(killRuns(t, min(roundOfKills, number-done))) })
	}
	t.Logf("all in all: %s", sum)
}

// killRuns makes one round of kills and returns what it came to.
func killRuns(t *testing.T, kills int) runFigures {
	g := newRoutine(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	first := random.IntN(len(runEvils))
	for n := range kills {
		g.must(g.clay.SetFaults(runEvils[(first+n)%len(runEvils)]...))
		c := g.serve(g.env...)
		for part := range 4 {
			g.handIn(c, 10*n+part, 1+random.IntN(40*part+20))
			pause(t.Context(), time.Duration(random.IntN(60))*time.Millisecond)
		}
		pause(t.Context(), time.Duration(random.IntN(700))*time.Millisecond)
		c.kill()
		f := g.auditRuns()
		f.kills = n + 1
		t.Log(f)
	}
	g.must(g.clay.SetFaults())
	c := g.serve(g.env...)
	for began := time.Now(); g.open() > 0; pause(t.Context(), 50*time.Millisecond) {
		if !c.alive() || time.Since(began) > 2*time.Minute { // a probe that died with the gateway is given up after 45 s
			t.Fatalf("%d records never came to their end; the targets are %s\nit says:\n%s", g.open(), g.targets(), c.err)
		}
	}
	g.must(c.cmd.Process.Signal(os.Interrupt))
	c.mustEnd(0)
	f := g.auditRuns()
	f.kills = kills
	t.Logf("left alone: %s", f)
	return f
}

// targets is what the gateway says of its targets.
func (g *gateway) targets() string {
	res, err := g.http.Get("http://" + g.api + "/v1/targets")
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
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

// reachableInRuns is [reachable] for records of a routine: their items may fail, and a run on which Clay did not work gives
// them back.
var reachableInRuns = func() map[string]string {
	all := maps.Clone(reachable)
	all["sent"] = "queued sending sent uncertain done dead expired canceled"
	return all
}()

// runFigures is what an audit counted.
type runFigures struct {
	kills, acknowledged, runs, items, calls int
	twice                                   int // records in more than one run at Clay, each of them flagged
	tightest                                float64
	states                                  map[string]int
}

func (f *runFigures) add(o runFigures) {
	f.kills, f.acknowledged, f.runs, f.items, f.calls = f.kills+o.kills, f.acknowledged+o.acknowledged, f.runs+o.runs, f.items+o.items, f.calls+o.calls
	f.twice, f.tightest = f.twice+o.twice, max(f.tightest, o.tightest)
	if f.states == nil {
		f.states = map[string]int{}
	}
	for state, n := range o.states {
		f.states[state] += n
	}
}

func (f runFigures) String() string {
	return fmt.Sprintf("%d kills · %d acknowledged · %v · %d runs at Clay with %d items, %d records in more than one · %d calls, %.0f %% of the pace",
		f.kills, f.acknowledged, f.states, f.runs, f.items, f.twice, f.calls, 100*f.tightest)
}

// auditRuns compares the ledger of a dead gateway with what its caller was told, with the runs at Clay and with the ledger
// at the audit before.
func (g *gateway) auditRuns() runFigures {
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
	st := g.clay.Stats()
	f := runFigures{acknowledged: len(g.acknowledged), states: books.states, runs: st.Runs, items: st.Items}
	for record, n := range starts {
		if n > 1 {
			f.twice++
		}
		if n > 1+books.doubles[record] || n > 1+books.flagged[record] {
			g.t.Errorf("I2: record %s is in %d runs at Clay, with %d that may have doubled it and %d flags", record, n, books.doubles[record], books.flagged[record])
		}
		if attempts := books.records[record].attempts; n > attempts {
			g.t.Errorf("I5: record %s is in %d runs at Clay and was tried %d times", record, n, attempts)
		}
	}
	problems := movedBy(reachableInRuns, g.before, books)
	g.before = books
	f.calls, f.tightest, problems = g.apiPace(problems)
	for _, p := range problems {
		g.t.Error(p)
	}
	return f
}

// apiPace counts the calls of the Public API and holds every window of them to the pace that the gateway is told to keep.
func (g *gateway) apiPace(problems []string) (calls int, tightest float64, _ []string) {
	requests := slices.DeleteFunc(g.clay.Requests(), func(r claytest.Request) bool { return !strings.HasPrefix(r.Path, claytest.PublicAPIPath) })
	tightest, problems = fullest(requests, routinePace, 2*routinePace, problems)
	return len(requests), tightest, problems
}
