package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// caller is a client of Clay's Public API that was given the gateway's URL.
type caller struct {
	*testing.T
	*clay.Client
	url string
}

func calls(t *testing.T, a *App) *caller {
	t.Helper()
	url := "http://" + a.APIAddr() + publicAPIPath
	client, err := clay.New(clay.Config{PublicAPIKey: "any", PublicAPIURL: url, Retries: -1, PublicAPIPacer: clay.NewPacer(-1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return &caller{t, client, url}
}

// results reads what a run brought, by item.
func (c *caller) results(run *clay.Run) map[string]string {
	c.Helper()
	all := map[string]string{}
	for item, err := range run.Results(c.Context()) {
		if err != nil {
			c.Fatal(err)
		}
		all[item.ID] = string(item.Raw)
	}
	return all
}

// get asks as it is written, without the SDK.
func (c *caller) get(path string) (*http.Response, string) {
	c.Helper()
	resp, err := http.Get(c.url + path)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp, string(body)
}

// kept waits until the gateway has all of a run, and answers for it.
func (c *caller) kept(path string) string {
	c.Helper()
	for c.Context().Err() == nil {
		if resp, body := c.get(path); resp.Header.Get("Claygate-Kept") == "true" {
			return body
		}
	}
	c.Fatal("it was not kept")
	return ""
}

// Runs that callers start through the gateway are kept: they answer as they did when Clay is gone and the gateway was
// started anew, to the same client and in the same shapes. The gateway has no routine of its own.
func TestFollowedRuns(t *testing.T) {
	t.Parallel()
	server := claytest.New(t, claytest.Options{PublicAPI: claytest.PublicAPI{PerSecond: -1, Delay: claytest.Delay{Max: -1}, Credits: -1, Failures: 0.1}})
	c := Config{
		Ledger: t.TempDir() + "/ledger.db", Listen: "127.0.0.1:0",
		PublicAPI: map[string]PublicAPI{"main": {Key: "key", BaseURL: server.URL(), Pace: ledger.Pace{PerSecond: 1000, Burst: 1000}}},
	}
	a := open1(t, c)
	a.Start(0)
	caller := calls(t, a)
	var items []clay.Item
	for n := range 250 {
		items = append(items, clay.Item{ID: fmt.Sprint("item ", n), Inputs: map[string]any{"email": fmt.Sprintf("jo%d@example.com", n)}})
	}
	routine := caller.Routine("function:t_1")
	inline, err := routine.Run(t.Context(), items[:45], clay.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bulk, err := routine.Bulk(t.Context(), slices.Values(items), clay.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[*clay.Run]map[string]string{inline: caller.results(inline), bulk: caller.results(bulk)}
	if len(want[inline]) != 45 || len(want[bulk]) != 250 {
		t.Fatalf("%d and %d results", len(want[inline]), len(want[bulk]))
	}
	page := caller.kept("/routines/run/" + inline.ID + "/results")
	caller.kept("/routines/run-batch/" + bulk.ID + "/results")
	for _, elsewhere := range []string{
		"/routines/run/run_unknown/results",
		"/routines/run/" + inline.ID + "/results?cursor=of_clay", "/routines/run/" + inline.ID + "/results?limit=101",
	} {
		resp, body := caller.get(elsewhere)
		if resp.StatusCode < 400 || !strings.HasPrefix(body, `{"message"`) || resp.Header.Get("Request-Id") == "" {
			t.Errorf("%s is Clay's to refuse, and was answered %d %s", elsewhere, resp.StatusCode, body)
		}
	}
	shut(t, a)

	server.Close()
	a = open(t, c)
	a.Start(0)
	caller = calls(t, a)
	for run, before := range want {
		again := caller.Client.Run(run.ID)
		if run.Bulk {
			again = caller.BulkRun(run.ID)
		}
		if diff := cmp.Diff(before, caller.results(again)); diff != "" {
			t.Errorf("-Clay +kept\n%s", diff)
		}
	}
	if _, body := caller.get("/routines/run/" + inline.ID + "/results?limit=20"); body != page {
		t.Errorf("the first page is now %s", body)
	}
	for _, other := range []string{"/routines/run/" + bulk.ID + "/results", "/routines/run-batch/" + inline.ID + "/results"} {
		if resp, body := caller.get(other); resp.StatusCode != http.StatusNotFound || !strings.HasPrefix(body, `{"message"`) {
			t.Errorf("%s is answered %d %s", other, resp.StatusCode, body)
		}
	}
	runs, err := a.Ledger.ListRuns(t.Context(), ledger.RunQuery{Max: 10})
	if err != nil || len(runs) != 2 || !runs[0].Followed || runs[1].Size != 45 {
		t.Errorf("listed are %+v, %v", runs, err)
	}
}

// What Clay finds fault with a file stays to be asked for as well.
func TestFollowedRunsThatFail(t *testing.T) {
	t.Parallel()
	server := claytest.New(t, claytest.Options{PublicAPI: claytest.PublicAPI{PerSecond: -1, Delay: claytest.Delay{Max: -1}}})
	a := open(t, Config{
		Ledger: t.TempDir() + "/ledger.db", Listen: "127.0.0.1:0",
		PublicAPI: map[string]PublicAPI{"main": {Key: "key", BaseURL: server.URL(), Pace: ledger.Pace{PerSecond: 1000, Burst: 1000}}},
	})
	a.Start(0)
	through := cli{t, "http://" + a.APIAddr()}
	for file, status := range map[string]string{`{"id":"a","inputs":{}}`: "processing_failed", `{"id":7}`: "validation_failed"} {
		if status == "processing_failed" {
			if err := server.SetFaults(claytest.Fault{Kind: claytest.RunFail}); err != nil {
				t.Fatal(err)
			}
		}
		var place struct {
			URL string `json:"upload_url"`
			ID  string `json:"file_id"`
		}
		through.decode("POST", "/public/v0/routines/function:t_1/run-batch/upload-url", "", &place)
		upload(t, place.URL, file)
		var run struct {
			ID string `json:"routine_run_id"`
		}
		through.decode("POST", "/public/v0/routines/function:t_1/run-batch/start", `{"file_id":"`+place.ID+`"}`, &run)
		path := "/routines/run-batch/" + run.ID + "/results"
		_, want := cli{t, server.URL()}.call("GET", publicAPIPath+path, "")
		through.call("GET", publicAPIPath+path, "") // whose answer makes the gateway look
		if got := calls(t, a).kept(path); got != want || !strings.Contains(got, status) {
			t.Errorf("kept is %s, Clay said %s", got, want)
		}
		if err := server.SetFaults(); err != nil {
			t.Fatal(err)
		}
	}
}

// decode makes a call and reads its answer.
func (c cli) decode(method, path, body string, into any) {
	c.Helper()
	status, text := c.call(method, path, body)
	if err := json.Unmarshal([]byte(text), into); err != nil || status/100 != 2 {
		c.Fatalf("%s: %d %s", path, status, text)
	}
}
