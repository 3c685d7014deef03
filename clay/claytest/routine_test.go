package claytest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

const twoItems = `{"items":[{"id":"a","inputs":{"email":"jane.doe@acme.com"}},{"id":"b","inputs":{"domain":"acme.com"}}]}`

// start starts a run and returns its id.
func start(t *testing.T, s *claytest.Server, body string) string {
	t.Helper()
	status, run := call(t, s, "POST", "/routines/function:t_1/run", body)
	if status != 202 {
		t.Fatal(status, run)
	}
	return run["routine_run_id"].(string)
}

// A routine finds what a table's column finds, and a company where only that is asked.
func TestRoutineEnriches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, Misses: -1, Seed: 3})
		id := start(t, s, twoItems)
		<-time.After(5 * time.Second)
		_, got := call(t, s, "GET", "/routines/run/"+id+"/results", "")
		results := map[string]any{}
		for _, r := range got["data"].([]any) {
			r := r.(map[string]any)
			results[r["id"].(string)] = r["result"]
		}
		jane, _ := claytest.Enrich(3, map[string]any{"email": "jane.doe@acme.com"})
		acme, _ := s.Enricher().Company(map[string]any{"domain": "acme.com"})
		acme["employee_count"] = float64(acme["employee_count"].(int))
		if diff := cmp.Diff(map[string]any{"a": jane, "b": acme}, results); diff != "" {
			t.Error(diff)
		}
	})
}

// The progress grows, a stalled run never ends, and a run is forgotten a day after its end.
func TestRunProgressAndRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, PublicAPI: claytest.PublicAPI{Delay: claytest.Delay{Min: 10 * time.Second}}})
		id := start(t, s, twoItems)
		_ = s.SetFaults(claytest.Fault{Kind: claytest.RunStall, From: 2})
		stalled := start(t, s, twoItems)
		for _, tt := range []struct {
			after            time.Duration
			status, finished int
		}{{0, 202, 0}, {6 * time.Second, 202, 1}, {4 * time.Second, 200, 2}, {24 * time.Hour, 200, 2}, {time.Second, 404, 0}} {
			<-time.After(tt.after)
			status, got := call(t, s, "GET", "/routines/run/"+id+"/results", "")
			if n, _ := got["finished"].(float64); status != tt.status || int(n) != tt.finished {
				t.Errorf("%d %v, want %+v", status, got, tt)
			}
		}
		if status, got := call(t, s, "GET", "/routines/run/"+stalled+"/results", ""); status != 202 || got["finished"] != 1.0 {
			t.Errorf("stalled: %d %v", status, got)
		}
	})
}

func TestRunsAreCountedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, Keep: 2, PublicAPI: claytest.PublicAPI{Credits: 5}})
		first := start(t, s, twoItems)
		start(t, s, twoItems)
		last := start(t, s, twoItems)
		runs := s.RoutineRuns()
		if len(runs) != 2 || runs[0].Number != 2 || runs[1].ID != last || !cmp.Equal(runs[1].Items, []string{"a", "b"}) || runs[1].Routine != "function:t_1" {
			t.Errorf("%+v", runs)
		}
		if st := s.Stats(); st.Runs != 3 || st.Items != 6 {
			t.Errorf("%+v", st)
		}
		if status, _ := call(t, s, "GET", "/routines/run/"+first+"/results", ""); status != 404 {
			t.Errorf("the first of three, of which two are kept: %d", status)
		}
		if _, left := call(t, s, "GET", "/credits/balance", ""); left["balance"] != 0.0 {
			t.Errorf("%v", left)
		}
		resp, err := s.Client().Get(s.URL() + claytest.ControlPath + "runs?after=2")
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, resp); !strings.Contains(text, last) || strings.Contains(text, runs[0].ID) {
			t.Error(text)
		}
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		if _, left := call(t, s, "GET", "/credits/balance", ""); left["balance"] != 5.0 || len(s.RoutineRuns()) != 0 {
			t.Errorf("after a reset: %v", left)
		}
		if again := start(t, s, twoItems); again == first {
			t.Error("an id is used twice")
		}
	})
}

// What comes before any operation: keys, the rate, unknown paths and routines.
func TestPublicAPIRefusals(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, PublicAPI: claytest.PublicAPI{
		Key: "right", PerSecond: 1, Burst: 3, Routines: []string{"function:only"},
	}})
	ask := func(method, path, key string) (*http.Response, string) {
		req, err := http.NewRequest(method, s.URL()+claytest.PublicAPIPath+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("clay-api-key", key)
		}
		req.Header.Set("Authorization", "Bearer right")
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp, read(t, resp)
	}
	for _, tt := range []struct {
		method, path, key string
		status            int
		body              string
	}{
		{"GET", "/me", "", 401, `{"message":"Authentication required"}`},
		{"GET", "/me", "wrong", 401, `{"message":"Authentication required"}`},
		{"GET", "/nothing", "right", 404, `{"message":"Not found"}`},
		{"POST", "/me", "right", 404, `{"message":"Not found"}`},
		{"POST", "/routines/function:t_1/run-batch/upload-url", "right", 404, `{"message":"Routine not found"}`},
		{"GET", "/me", "right", 200, ""},
		{"POST", "/routines/function:only/run-batch/upload-url", "right", 200, ""},
		{"GET", "/me", "right", 429, `{"message":"Too many requests"}`},
	} {
		resp, body := ask(tt.method, tt.path, tt.key)
		if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, resp.StatusCode, body)
		}
		if limit := resp.Header.Get("X-RateLimit-Limit"); (tt.status == 429) != (limit == "3" && resp.Header.Get("Retry-After") == "1" && resp.Header.Get("X-RateLimit-Remaining") == "0") {
			t.Errorf("%s %s: header %v", tt.method, tt.path, resp.Header)
		}
	}
}

// A completion webhook of a run that was forgotten meanwhile is not sent, and closing
// does not wait for the others.
func TestCompletionsEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		s := claytest.New(t, claytest.Options{
			InMemory: true, Transport: r.transport,
			PublicAPI: claytest.PublicAPI{Webhooks: []claytest.CompletionWebhook{{ID: "wh_1", URL: "http://here.test/", Secret: "s"}}},
		})
		body := strings.Replace(twoItems, `{"items"`, `{"webhook_id":"wh_1","items"`, 1)
		start(t, s, body)
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if got := r.got(); len(got) != 0 {
			t.Errorf("told of a forgotten run: %q", got)
		}
		id := start(t, s, body)
		<-time.After(time.Minute)
		got := r.got()
		if len(got) != 1 || !strings.Contains(got[0], `"data":{"routine_run_id":"`+id+`"}`) || r.requests[0].Header.Get("X-Clay-Signature") != claytest.SignCompletion("s", []byte(got[0])) {
			t.Errorf("%q", got)
		}
		start(t, s, body)
		s.Close()
		if status := s.TestWebhook("wh_none"); status != 0 {
			t.Error(status)
		}
	})
}
