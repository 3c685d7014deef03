package app

import (
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// completing is a Clay that tells the app of the ends of runs, which take a while.
func completing(t *testing.T, routine Routine, faults ...claytest.Fault) (*App, *claytest.Server) {
	t.Helper()
	const secret = "whsec_0123456789abcdef"
	address := freeAddress(t)
	api := unlimited
	api.Webhooks = []claytest.CompletionWebhook{{ID: "wh_1", Secret: secret, URL: "http://" + address + "/completions/main"}}
	c, server := routines(t, api, routine)
	if err := server.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
	p := c.PublicAPI["main"]
	p.Completion = Completion{ID: "wh_1", Secret: secret}
	c.PublicAPI["main"], c.CallbackListen = p, address
	return open(t, c), server
}

// The completion webhook of a run whose start was never answered tells whose run it is.
func TestCompletionWebhookSettlesLostAnswers(t *testing.T) {
	t.Parallel()
	for name, runs := range map[string]ledger.RunPolicy{"inline": {}, "bulk": {BulkFrom: 10}} {
		t.Run(name, func(t *testing.T) {
			a, server := completing(t, Routine{Runs: runs},
				claytest.Fault{Kind: claytest.DropAfter, Count: 1, When: func(e claytest.Event) bool {
					return starts(e) || strings.HasSuffix(e.Request.URL.Path, "/start")
				}},
				claytest.Fault{Kind: claytest.CompletionDouble, Latency: 10 * time.Millisecond},
			)
			load := accept(t, a, 30)
			a.Start(load)
			until(t, a, load, is(ledger.Done, 30))
			if n := len(server.RoutineRuns()); n != 1 {
				t.Errorf("%d runs, want the one whose answer was lost", n)
			}
			once(t, server)
			for _, r := range all(t, a) {
				attempts, err := a.Ledger.Attempts(t.Context(), r.ID)
				if err != nil || len(attempts) != 1 || attempts[0].Verdict != ledger.Accepted || r.MayDuplicate != 0 {
					t.Errorf("%+v, may be doubled %d: %v", attempts, r.MayDuplicate, err)
				}
			}
		})
	}
}

// What others run in the workspace is none of ours, and a test delivery is answered.
func TestForeignCompletions(t *testing.T) {
	t.Parallel()
	a, server := completing(t, Routine{}, claytest.Fault{Kind: claytest.DropAfter, Count: 1, When: starts}, claytest.Fault{Kind: claytest.CompletionMissing, Count: 1})
	load := accept(t, a, 3)
	a.Start(load)
	until(t, a, load, is(ledger.Uncertain, 3))
	if status := server.TestWebhook("wh_1"); status != 200 {
		t.Errorf("the test delivery was answered %d", status)
	}
	before := server.Stats().Requests
	foreign(t, server)
	if err := server.WaitRequests(t.Context(), before+2); err != nil { // the start, and the question about it
		t.Fatal(err)
	}
	if n := len(server.RoutineRuns()); n != 2 {
		t.Errorf("%d runs", n)
	}
	until(t, a, load, is(ledger.Uncertain, 3))
}

// A run goes on at Clay while claygate is away, and its results are fetched afterwards.
func TestRunsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	api := unlimited
	api.Delay = claytest.Delay{Min: time.Second, Max: time.Second}
	c, server := routines(t, api, Routine{})
	a := open(t, c)
	load := accept(t, a, 250)
	a.Start(load)
	until(t, a, load, is(ledger.Sent, 250))
	shut(t, a)
	a = open(t, c)
	a.Start(load)
	until(t, a, load, is(ledger.Done, 250))
	once(t, server)
}
