package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

func (f *fake) ListRuns(ctx context.Context, q ledger.RunQuery) (runs []ledger.Run, err error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for _, r := range slices.Backward(f.runs) {
		if (q.Target == "" || r.Target == q.Target) && (q.States == nil || slices.Contains(q.States, r.State)) &&
			(q.Before == 0 || r.ID < q.Before) && len(runs) < max(q.Max, 1) {
			runs = append(runs, r)
		}
	}
	return runs, err
}

// withRuns are a gateway's runs: 1 and 3 of people, 2 of another workspace, 4 of nobody.
func withRuns() *fake {
	f := newFake(people, firms)
	at := time.Unix(1795474753, 0)
	f.runs = []ledger.Run{
		{ID: 1, Target: people.Name, Clay: "run_1", Kind: ledger.Inline, State: ledger.RunDone, Size: 100, Polls: 2, StartedAt: at, EndedAt: at.Add(time.Minute)},
		{ID: 2, Target: firms.Name, Kind: ledger.Bulk, State: ledger.RunUncertain, Size: 5000, Reason: "silence", StartedAt: at},
		{ID: 3, Target: people.Name, Clay: "run_3", Kind: ledger.Inline, State: ledger.RunRunning, Size: 1, StartedAt: at},
		{ID: 4, Clay: "run_4", State: ledger.RunFound, StartedAt: at},
	}
	return f
}

func ids(page api.RunPage) string {
	all := []int64{}
	for _, r := range page.Runs {
		all = append(all, r.ID)
	}
	return fmt.Sprint(all)
}

func TestRuns(t *testing.T) {
	f := withRuns()
	g := newGateway(t, setup{store: f, hub: f.hub})
	for query, want := range map[string]string{
		"": "[4 3 2 1]", "?target=people": "[3 1]", "?target=eu/firms": "[2]", "?state=done,found": "[4 1]",
		"?target=people&state=running": "[3]", "?cursor=3": "[2 1]", "?state=lost": "[]",
	} {
		if got := decode[api.RunPage](t, g.do("GET", "/v1/runs"+query, "")); ids(got) != want || got.Next != nil {
			t.Errorf("%s: %s, next %v, want %s", query, ids(got), got.Next, want)
		}
	}
	page := decode[api.RunPage](t, g.do("GET", "/v1/runs?limit=3", ""))
	if page.Next == nil || ids(page) != "[4 3 2]" {
		t.Fatalf("%+v", page)
	}
	if rest := decode[api.RunPage](t, g.do("GET", "/v1/runs?limit=3&cursor="+*page.Next, "")); ids(rest) != "[1]" || rest.Next != nil {
		t.Errorf("%+v", rest)
	}
	want := `{"id":2,"target":"eu/firms","clay_run_id":null,"kind":"bulk","state":"uncertain","records":5000,"followed":false,"polls":0,"reason":"silence","started_at":"2026-11-23T22:59:13Z","ended_at":null}`
	if got := g.do("GET", "/v1/runs?state=uncertain", ""); !strings.Contains(got.body, want) {
		t.Errorf("%s, want %s", got.body, want)
	}
	for _, query := range []string{"?state=sent", "?state=done,", "?cursor=x", "?cursor=-1", "?limit=501", "?key=x"} {
		if got := g.do("GET", "/v1/runs"+query, ""); got.status != 400 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	if got := g.do("GET", "/v1/runs?target=nowhere", ""); got.status != 404 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// A key that is bound to a target learns nothing of other workspaces' runs, nor of those that are nobody's.
func TestRunsOfAKey(t *testing.T) {
	f := withRuns()
	g := newGateway(t, setup{store: f, hub: f.hub, guarded: true})
	open := newGateway(t, setup{store: f, hub: f.hub})
	bearer := "Authorization: Bearer " + decode[api.APIKey](t, open.do("POST", "/v1/keys", `{"name":"people","scopes":["read"],"targets":["people"]}`)).Key
	if got := decode[api.RunPage](t, g.do("GET", "/v1/runs", "", bearer)); ids(got) != "[3 1]" {
		t.Error(ids(got))
	}
	if got := g.do("GET", "/v1/runs?target=eu/firms", "", bearer); got.status != 404 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
