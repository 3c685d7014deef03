package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

func (f *fake) Follow(ctx context.Context, g ledger.Following) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil {
		r, _ := g.Run()
		r.ID = ledger.RunID(len(f.runs) + 1)
		f.runs = append(f.runs, r)
	}
	return err
}

func (f *fake) run(ctx context.Context, is func(ledger.Run) bool) (ledger.Run, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for _, r := range f.runs {
		if is(r) {
			return r, err
		}
	}
	return ledger.Run{}, errors.Join(err, &ledger.Error{Kind: ledger.NotFound, Op: "run", Message: "there is none"})
}

func (f *fake) Run(ctx context.Context, id ledger.RunID) (ledger.Run, error) {
	return f.run(ctx, func(r ledger.Run) bool { return r.ID == id })
}

func (f *fake) Named(ctx context.Context, lane ledger.LaneID, clay string) (ledger.Run, error) {
	return f.run(ctx, func(r ledger.Run) bool { return r.Lane == lane && r.Clay == clay })
}

func (f *fake) Brought(ctx context.Context, id ledger.RunID, from, max int) ([][]byte, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	all := f.brought[id]
	from = min(from, len(all))
	return all[from:min(from+max, len(all))], err
}

func (f *fake) Completed(ctx context.Context, _ ledger.LaneID, clay string) (bool, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	f.told = append(f.told, clay)
	return true, err
}

// A start is followed before its caller hears of it, and whoever hears of the run's end has its results fetched.
func TestPassThroughFollows(t *testing.T) {
	f := newFake(people, firms)
	f.runs = []ledger.Run{{ID: 1, Lane: "main/api", Clay: "ours", Kind: ledger.Inline, State: ledger.RunRunning, Target: people.Name}}
	status := 202
	answer := `{"routine_run_id":"run_1","status":"in_progress"}`
	g := newGateway(t, setup{store: f, hub: f.hub, clay: func(*http.Request) (*http.Response, error) { return answered(status, answer), nil }})
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string
		follows            *ledger.Following
		told               string
	}{
		{"POST", "routines/function:t_1/run", `{"items":[{},{},{}]}`, 202, answer, &ledger.Following{Clay: "run_1", Kind: ledger.Inline, Size: 3}, ""},
		{"POST", "routines/run/run", `{"items":[{},{}],"Items":[]}`, 202, `{"routine_run_id":"run_4"}`, &ledger.Following{Clay: "run_4", Kind: ledger.Inline, Size: 2}, ""},
		{"POST", "routines/run/run", `{}`, 200, `{"routine_run_id":"run_2"}`, &ledger.Following{Clay: "run_2", Kind: ledger.Inline}, ""},
		{"POST", "routines/x/run-batch/start", `{"file_id":"f"}`, 202, `{"routine_run_id":"run_3"}`, &ledger.Following{Clay: "run_3", Kind: ledger.Bulk}, ""},
		{"POST", "routines/x/run-batch/upload-url", `{}`, 200, answer, nil, ""},
		{"POST", "routines/x/run", `{}`, 400, answer, nil, ""},
		{"POST", "routines/x/run", `{}`, 202, `garbage`, nil, ""},
		{"POST", "search/x/run", `{}`, 202, answer, nil, ""},
		{"GET", "routines/run/run_1/results", ``, 202, `{}`, nil, ""},
		{"GET", "routines/run/run_1/results", ``, 200, `{}`, nil, "run_1"},
		{"GET", "routines/run-batch/run_1/results", ``, 200, `{}`, nil, ""},
		{"GET", "routines/run/ours/results", ``, 200, `{}`, nil, ""},
		{"GET", "routines/run/unknown/results", ``, 200, `{}`, nil, ""},
	} {
		runs, told := len(f.runs), len(f.told)
		status, answer = tt.status, tt.answer
		got := g.plain(request(tt.method, "/public/v0/"+tt.path, tt.body))
		if got.status != tt.status || got.body != tt.answer {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, got.status, got.body)
		}
		var want []ledger.Run
		if tt.follows != nil {
			tt.follows.Lane = "main/api"
			r, _ := tt.follows.Run()
			r.ID = ledger.RunID(runs + 1)
			want = append(want, r)
		}
		if diff := cmp.Diff(want, append([]ledger.Run(nil), f.runs[runs:]...)); diff != "" {
			t.Errorf("%s %s: followed, -want +got:\n%s", tt.method, tt.path, diff)
		}
		if heard := strings.Join(f.told[told:], " "); heard != tt.told {
			t.Errorf("%s %s: the ledger hears of the end of %q, want %q", tt.method, tt.path, heard, tt.told)
		}
	}
}

// What cannot be counted is not started: it might be more than a budget has.
func TestPassThroughCountsOrRefuses(t *testing.T) {
	g := newGateway(t, setup{clay: func(*http.Request) (*http.Response, error) {
		t.Error("Clay was asked")
		return answered(202, `{}`), nil
	}})
	for _, body := range []string{`{"items":7}`, `garbage`, `{"items":[{"id":"a","inputs":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}]}`} {
		got := g.plain(request("POST", "/public/v0/routines/function:t_1/run", body))
		if got.status != 400 {
			t.Errorf("%.40s: %d %s", body, got.status, got.body)
		}
		checkMessage(t, got)
	}
}

// A run has started, whatever the ledger says: its caller is told.
func TestPassThroughFollowsNot(t *testing.T) {
	f := newFake(people, firms)
	const answer = `{"routine_run_id":"run_1","status":"in_progress"}`
	g := newGateway(t, setup{store: f, hub: f.hub, clay: func(*http.Request) (*http.Response, error) {
		f.fail(&ledger.Error{Kind: ledger.Full})
		return answered(202, answer), nil
	}})
	if got := g.plain(request("POST", "/public/v0/routines/x/run", `{}`)); got.status != 202 || got.body != answer {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// withKept is a ledger that has two runs of others' with three items each.
func withKept() *fake {
	f := newFake(people, firms)
	f.brought = map[ledger.RunID][][]byte{}
	for i, kind := range []ledger.RunKind{ledger.Inline, ledger.Bulk} {
		id := ledger.RunID(i + 1)
		f.runs = append(f.runs, ledger.Run{
			ID: id, Lane: "main/api", Clay: "run_" + string(kind), Kind: kind, State: ledger.RunDone, Followed: true, Brought: 3,
		})
		f.brought[id] = [][]byte{[]byte(`{"id":"a","result":{"x":1e2}}`), []byte(`{"id":"b"}`), []byte(`{"id":"c","key":"` + clayKey + `"}`)}
	}
	return f
}

// keptLink returns where the results are of a bulk run that was kept.
func keptLink(t testing.TB, g *gateway) string {
	t.Helper()
	got := g.plain(request("GET", "/public/v0/routines/run-batch/run_bulk/results", ""))
	_, token, _ := strings.Cut(decode[map[string]any](t, got)["result_url"].(string), "/results/")
	return "/public/results/" + token
}

// What is kept is answered in Clay's pages and fields, and nothing that is not whole.
func TestKeptPages(t *testing.T) {
	const run = "/public/v0/routines/run/run_inline/results"
	f := withKept()
	g := newGateway(t, setup{store: f, hub: f.hub})
	const head = `{"routine_run_id":"run_inline","total":3,"finished":3,"status":"complete","data":[`
	for path, want := range map[string]string{
		run:                                head + `{"id":"a","result":{"x":1e2}},{"id":"b"},{"id":"c","key":"**********************"}]}`,
		run + "?limit=2":                   head + `{"id":"a","result":{"x":1e2}},{"id":"b"}],"cursor":"claygate_2"}`,
		run + "?limit=2&cursor=claygate_2": head + `{"id":"c","key":"**********************"}]}`,
		run + "?cursor=claygate_3":         head + `]}`,
		run + "?cursor=claygate_4":         `{"ok":true}`,
		run + "?cursor=claygate_-1":        `{"ok":true}`,
		run + "?cursor=2":                  `{"ok":true}`,
		run + "?limit=0":                   `{"ok":true}`,
		run + "?limit=2&limit=2":           `{"ok":true}`,
		run + "?page=2":                    `{"ok":true}`,
	} {
		got := g.plain(request("GET", path, ""))
		if got.status != 200 || got.body != want || (got.header.Get("Claygate-Kept") == "true") != strings.HasPrefix(want, head) {
			t.Errorf("%s: %d %s\n%v", path, got.status, got.body, got.header)
		}
	}
	f.brought[1][1] = []byte(`{}`)
	const erased = `{"id":"","status":"failed","error":{"message":"its data was erased on request"}}`
	if got := g.plain(request("GET", run+"?limit=1&cursor=claygate_1", "")); got.body != head+erased+`],"cursor":"claygate_2"}` {
		t.Errorf("an erased item: %s", got.body)
	}
	f.brought[1] = f.brought[1][:2] // the rest was removed
	if got := g.plain(request("GET", run, "")); got.body != `{"ok":true}` {
		t.Errorf("part of a run is given as if it were all: %s", got.body)
	}
}

// Of a run that ended without results the gateway says what Clay said, as long as that is here.
func TestKeptEnds(t *testing.T) {
	const said = `{"routine_run_id":"run_bulk","status":"processing_failed","error":{"message":"x"}}`
	f := withKept()
	f.runs[1].State, f.runs[1].Brought = ledger.RunLost, 1
	g := newGateway(t, setup{store: f, hub: f.hub})
	for kept, want := range map[string]string{said: said, `{}`: `{"ok":true}`, ``: `{"ok":true}`} {
		f.brought[2] = nil
		if kept != "" {
			f.brought[2] = [][]byte{[]byte(kept)}
		}
		if got := g.plain(request("GET", "/public/v0/routines/run-batch/run_bulk/results", "")); got.status != 200 || got.body != want {
			t.Errorf("%s is kept: %d %s", kept, got.status, got.body)
		}
	}
}

// The link to a file of results is one that needs no key, for a quarter of an hour.
func TestKeptFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := withKept()
		g := newGateway(t, setup{store: f, hub: f.hub, guarded: true})
		admin, _ := g.minted(`{"scopes":["admin"]}`, "")
		both, _ := g.minted(`{"scopes":["send","read"]}`, admin)
		ask := func(headers ...string) string {
			t.Helper()
			got := g.plain(request("GET", "/public/v0/routines/run-batch/run_bulk/results", "", append(headers, both)...))
			answer := decode[map[string]any](t, got)
			link, _ := answer["result_url"].(string)
			delete(answer, "result_url")
			want := map[string]any{"routine_run_id": "run_bulk", "total": 3.0, "finished": 3.0, "status": "complete"}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
			return link
		}
		if link := ask("X-Forwarded-Proto: https", "Host: gate.example.com"); !strings.HasPrefix(link, "https://gate.example.com/public/results/") {
			t.Errorf("the link is %s", link)
		}
		path := strings.TrimPrefix(ask(), "http://localhost:8787")
		const file = `{"id":"a","result":{"x":1e2}}` + "\n" + `{"id":"b"}` + "\n" + `{"id":"c","key":"**********************"}` + "\n"
		got := g.do("GET", path, "")
		if got.status != 200 || got.body != file || got.header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%d %v %s", got.status, got.header, got.body)
		}
		for name, bad := range map[string]string{"another": path[:len(path)-2] + "xx", "short": path[:len(path)-9], "none": "/public/results/x"} {
			if got := g.do("GET", bad, ""); got.status != 403 {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		time.Sleep(16 * time.Minute)
		if got := g.do("GET", path, ""); got.status != 403 {
			t.Errorf("an old link: %d %s", got.status, got.body)
		}
		f.brought[2] = nil
		if got := g.plain(request("GET", "/public/v0/routines/run-batch/run_bulk/results", "", both)); got.body != `{"ok":true}` {
			t.Errorf("a link to nothing: %s", got.body)
		}
	})
}
