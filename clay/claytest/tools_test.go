package claytest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

// What Clay's command line looks at beside the Public API is there, for the same key and within the same limit.
func TestTools(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true, PublicAPI: claytest.PublicAPI{Key: "key", PerSecond: 0.001, Burst: 8}})
	ask := func(method, path, key, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Clay-Api-Key", key)
		r.Header.Set("Content-Type", "application/json")
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	if status, body := ask("POST", claytest.PublicAPIPath+"/routines/function:t_1/run", "key", `{"items":[{"id":"a","inputs":{}}]}`); status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	for path, want := range map[string]string{
		"/v3/workspaces/ws_emulated/tools":                   `"id":"workflow:wf_demo"`,
		"/v3/workspaces/ws_emulated/tools?toolType=function": `"id":"function:t_demo"`,
		"/v3/workspaces/ws_emulated/tools/function:t_1":      `"estimatedCreditCost":{"perRun":1,`,
		"/v3/workspaces/ws_emulated/tools/runs":              `"tool_id":"function:t_1","status":"in_progress","total":1`,
	} {
		if status, body := ask("GET", path, "key", ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := ask("GET", "/v3/workspaces/ws_emulated/tools?toolType=function", "key", ""); status != 200 || strings.Contains(body, "workflow:") {
		t.Errorf("functions alone: %d %s", status, body)
	}
	for path, want := range map[string]int{"/v3/workspaces/ws_emulated/tools/unknown": 404, "/v3/workspaces/ws_emulated/members": 404} {
		if status, body := ask("GET", path, "key", ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := ask("GET", "/v3/workspaces/ws_emulated/tools", "wrong", ""); status != 401 {
		t.Errorf("a wrong key: %d", status)
	}
	ask("GET", "/v3/workspaces/ws_emulated/tools", "key", "") // the last one of the burst
	if status, _ := ask("GET", "/v3/workspaces/ws_emulated/tools", "key", ""); status != 429 {
		t.Errorf("beyond the limit: %d", status)
	}
}
