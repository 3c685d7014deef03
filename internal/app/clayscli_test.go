package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// cli makes calls as Clay's own command line does (@clay-run/cli 1.10.0, as it was heard).
type cli struct {
	*testing.T
	base string
}

// call makes one and returns its status and body.
func (c cli) call(method, path, body string) (int, string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	for name, value := range map[string]string{
		"Clay-Api-Key": "cg_any", "User-Agent": "Claypi-CLI/1.10.0", "Accept": "*/*", "Accept-Language": "*", "Accept-Encoding": "gzip, deflate",
		"Sec-Fetch-Mode": "cors", "X-Clay-Client": "cli", "X-Clay-Client-Version": "1.10.0", "X-Clay-Client-Platform": "linux",
		"X-Clay-Client-Arch": "x64", "X-Clay-Client-Distribution": "npm",
	} {
		r.Header.Set(name, value)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// upload puts a file where Clay said.
func upload(t *testing.T, url, file string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("the upload: %d", resp.StatusCode)
	}
}

// shape is what a JSON text is made of: members and types, without what they hold.
func shape(value any) any {
	switch value := value.(type) {
	case map[string]any:
		of := map[string]any{}
		for name, member := range value {
			of[name] = shape(member)
		}
		return of
	case []any:
		if len(value) > 0 {
			return []any{shape(value[0])}
		}
		return []any{}
	}
	return fmt.Sprintf("%T", value)
}

// Clay's command line rejects whatever is not exactly as it knows it: through the gateway every answer has Clay's status and
// shape, also those that the gateway gives itself.
func TestClaysCommandLine(t *testing.T) {
	t.Parallel()
	server := claytest.New(t, claytest.Options{PublicAPI: claytest.PublicAPI{PerSecond: -1, Delay: claytest.Delay{Max: -1}}})
	a := open(t, Config{
		Ledger: t.TempDir() + "/ledger.db", Listen: "127.0.0.1:0",
		PublicAPI: map[string]PublicAPI{"main": {Key: "key", BaseURL: server.URL(), Pace: ledger.Pace{PerSecond: 1000, Burst: 1000}}},
	})
	a.Start(0)
	direct, through := cli{t, server.URL()}, cli{t, "http://" + a.APIAddr()}
	names := map[string]string{} // of what Clay has named, by member
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "/public/v0/me", ""},
		{"GET", "/public/v0/credits/balance", ""},
		{"GET", "/v3/workspaces/ws_emulated/tools?integration=api&limit=20", ""},
		{"GET", "/v3/workspaces/ws_emulated/tools/function:t_x", ""},
		{"POST", "/public/v0/routines/function:t_x/run", `{"items":[{"id":"r1","inputs":{"email":"jo@acme.com"}}]}`},
		{"GET", "/public/v0/routines/run/{routine_run_id}/results", ""},
		{"GET", "/public/v0/routines/run/{routine_run_id}/results?limit=100", ""},
		{"GET", "/public/v0/routines/run-batch/{routine_run_id}/results", ""},
		{"GET", "/v3/workspaces/ws_emulated/tools/runs?limit=20", ""},
		{"POST", "/public/v0/routines/function:t_x/run-batch/upload-url", ""},
		{"PUT", "{upload_url}", `{"id":"b1","inputs":{"email":"jo@acme.com"}}`},
		{"POST", "/public/v0/routines/function:t_x/run-batch/start", `{"file_id":"{file_id}"}`},
		{"GET", "/public/v0/routines/run/{routine_run_id}/results", ""},
		{"GET", "/public/v0/routines/run-batch/{routine_run_id}/results", ""},
		{"GET", "/public/v0/routines/run/run_unknown/results", ""},
		{"POST", "/public/v0/routines/nobody/run", `{"items":[{"id":"r1","inputs":{}}]}`},
		{"POST", "/public/v0/routines/function:t_x/run", `{"items":[]}`},
		{"POST", "/public/v0/search/query-mode", `{"query":"x"}`},
		{"POST", "/public/v0/search/query-mode/{search_id}/run", `{"limit":2}`},
	} {
		for name, value := range names {
			tt.path, tt.body = strings.ReplaceAll(tt.path, "{"+name+"}", value), strings.ReplaceAll(tt.body, "{"+name+"}", value)
		}
		if tt.method == "PUT" { // the file goes to Clay's store, without a key
			upload(t, tt.path, tt.body)
			continue
		}
		status, body := through.call(tt.method, tt.path, tt.body)
		wantStatus, want := direct.call(tt.method, tt.path, tt.body)
		var has, wants map[string]any
		if json.Unmarshal([]byte(body), &has) != nil || json.Unmarshal([]byte(want), &wants) != nil {
			t.Fatalf("%s: %s and %s", tt.path, body, want)
		}
		if diff := cmp.Diff(shape(wants), shape(has)); diff != "" || status != wantStatus {
			t.Errorf("%s %s: %d, at Clay %d (-Clay +gateway):\n%s", tt.method, tt.path, status, wantStatus, diff)
		}
		for name, value := range has {
			if text, ok := value.(string); ok {
				names[name] = text
			}
		}
	}
}
