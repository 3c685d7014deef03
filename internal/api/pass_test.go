package api_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// clayKey is a workspace's key, which no caller may ever see.
const clayKey = "clay_canary_0123456789"

var upstream = api.Upstream{
	Workspace: "main", URL: "https://clay.invalid/base", Key: clayKey, Lane: "main/api", Routines: map[string]string{"function:t_1": "people"},
}

// atClay answers calls that are passed through.
type atClay func(*http.Request) (*http.Response, error)

func (c atClay) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// answered makes an answer of Clay's. Headers are "Name: value".
func answered(status int, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		h.Add(name, value)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// checkMessage holds a refusal to the shape of those of Clay's Public API.
func checkMessage(t testing.TB, got reply) {
	t.Helper()
	body := decode[map[string]any](t, got)
	if text, ok := body["message"].(string); len(body) != 1 || !ok || text == "" {
		t.Fatalf("status %d is not refused as by Clay's Public API: %s", got.status, got.body)
	}
}

// What Clay gets is the caller's call with the workspace's key, and nothing else of the caller; what the caller gets is
// Clay's answer, and nothing of the connection, the session or the key.
func TestPassThrough(t *testing.T) {
	var seen *http.Request
	var body []byte
	g := newGateway(t, setup{guarded: true, clay: func(r *http.Request) (*http.Response, error) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		return answered(202, `{"routine_run_id":"run_1","echo":"`+clayKey+`"}`, "Set-Cookie: session=1", "X-RateLimit-Remaining: 4",
			"Request-Id: req_1", "Connection: X-Secret", "X-Secret: 1", "Location: https://clay.invalid/x", "X-Request-Id: of "+clayKey), nil
	}})
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	both, _ := g.minted(`{"scopes":["send","read"]}`, admin)
	key := strings.TrimPrefix(both, "Authorization: Bearer ")
	got := g.plain(request("POST", "/public/v0/routines/function%3At_1/run?limit=5&x=%2F", `{"items":[]}`, "Clay-Api-Key: "+key,
		"Cookie: a=b", "X-Forwarded-For: 10.0.0.1", "Connection: X-Mine", "X-Mine: 1", "Idempotency-Key: k", "Accept-Encoding: br",
		"User-Agent: Claypi-CLI/1.10.0", "X-Clay-Client: cli", "X-Clay-Webhook-Auth: "+key, "Upgrade: websocket"))
	if seen.URL.String() != "https://clay.invalid/base/public/v0/routines/function%3At_1/run?limit=5&x=%2F" || string(body) != `{"items":[]}` {
		t.Errorf("%s %s", seen.URL, body)
	}
	want := http.Header{
		"Clay-Api-Key": {clayKey}, "Content-Type": {"application/json"}, "User-Agent": {"Claypi-CLI/1.10.0"}, "X-Clay-Client": {"cli"},
	}
	if diff := cmp.Diff(want, seen.Header); diff != "" || seen.GetBody != nil || seen.Host != "clay.invalid" {
		t.Errorf("sent to %s, -want +got:\n%s", seen.Host, diff)
	}
	wantBack := http.Header{
		"Content-Type": {"application/json"}, "X-Ratelimit-Remaining": {"4"}, "Request-Id": {"req_1"}, "Claygate-Workspace": {"main"},
		"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'; sandbox"},
	}
	if diff := cmp.Diff(wantBack, got.header); diff != "" {
		t.Errorf("given back, -want +got:\n%s", diff)
	}
	if got.status != 202 || got.body != `{"routine_run_id":"run_1","echo":"**********************"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Whoever may not, or asks for what is not there, never reaches Clay.
func TestPassThroughRefusals(t *testing.T) {
	calls := 0
	us := upstream
	us.Workspace, us.Key = "us", "clay_canary_us_0123456789"
	g := newGateway(t, setup{guarded: true, others: []api.Upstream{us}, clay: func(r *http.Request) (*http.Response, error) {
		calls++
		return answered(200, `{"key":"`+r.Header.Get("Clay-Api-Key")[:11]+`"}`), nil
	}})
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	minted := func(body string) string { header, _ := g.minted(body, admin); return header }
	both, ingest := minted(`{"scopes":["send","read"]}`), minted(`{"ingest":"people"}`)
	send, bound := minted(`{"scopes":["send"]}`), minted(`{"scopes":["admin"],"targets":["people"]}`)
	asClay := strings.Replace(both, "Authorization: Bearer", "Clay-Api-Key:", 1)
	for name, tt := range map[string]struct {
		method, path string
		headers      []string
		status       int
		calls        int
	}{
		"Bearer":            {"GET", "/public/v0/me", []string{both}, 200, 1},
		"Clay's header":     {"GET", "/public/v0/me", []string{asClay}, 200, 1},
		"a workspace":       {"GET", "/public/v0/me", []string{both, "Claygate-Workspace: us"}, 200, 1},
		"an unknown one":    {"GET", "/public/v0/me", []string{both, "Claygate-Workspace: eu"}, 404, 0},
		"no key":            {"GET", "/public/v0/me", nil, 401, 0},
		"Clay's key":        {"GET", "/public/v0/me", []string{"Clay-Api-Key: " + clayKey}, 401, 0},
		"a key that sends":  {"GET", "/public/v0/me", []string{send}, 403, 0},
		"bound to a target": {"GET", "/public/v0/me", []string{bound}, 403, 0},
		"an ingest key":     {"POST", "/public/v0/routines/function:t_1/run", []string{ingest}, 403, 0},
		"another page":      {"POST", "/public/v0/me", []string{both, "Sec-Fetch-Site: cross-site"}, 403, 0},
		"another method":    {"CONNECT", "/public/v0/me", []string{both}, 405, 0},
		"a compressed body": {"POST", "/public/v0/me", []string{both, "Content-Encoding: gzip"}, 400, 0},
	} {
		calls = 0
		body := ""
		if tt.method == "POST" {
			body = `{}`
		}
		got := g.plain(request(tt.method, tt.path, body, tt.headers...))
		if got.status != tt.status || calls != tt.calls {
			t.Errorf("%s: %d after %d calls, want %d after %d: %s", name, got.status, calls, tt.status, tt.calls, got.body)
		}
		if tt.status >= 400 {
			checkMessage(t, got)
		}
	}
	for _, path := range []string{"/public/v0/../../v3/x", "/public/v0/%2e%2e/x", "/public/v0/a/..%2f..%2fv3/x"} {
		calls = 0
		if got := g.plain(request("GET", path, "", both)); calls > 0 {
			t.Errorf("%s reached Clay: %d %s", path, got.status, got.body)
		}
	}
}

// Of what Clay's command line calls beside the Public API only the routines and their runs pass.
func TestPassThroughTools(t *testing.T) {
	var seen []string
	g := newGateway(t, setup{clay: func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Method+" "+r.URL.String()+" "+r.Header.Get("Clay-Api-Key"))
		return answered(200, `{"data":[]}`), nil
	}})
	if err := g.store.Stop(t.Context(), ledger.Everything, "too dear"); err != nil {
		t.Fatal(err)
	}
	for _, ok := range []string{"GET /v3/workspaces/7/tools?integration=api", "GET /v3/workspaces/7/tools/function%3At_1", "POST /v3/workspaces/7/tools/routine-runs/run_1/stop"} {
		seen = nil
		method, path, _ := strings.Cut(ok, " ")
		if got := g.plain(request(method, path, "")); got.status != 200 || len(seen) != 1 || seen[0] != method+" https://clay.invalid/base"+path+" "+clayKey {
			t.Errorf("%s: %d %s, Clay got %q", ok, got.status, got.body, seen)
		}
	}
	seen = nil
	for _, other := range []string{
		"GET /v3/workspaces/7/api-keys", "POST /v3/workspaces/7/webhooks", "POST /v3/workspaces/7/tools", "GET /v3/workspaces/7",
		"POST /v3/workspaces/7/tools/function:t_1/run", "GET /v3/workspaces/7/tools/..%2Fapi-keys", "GET /v3/workspaces/7/tools/%2e%2e/api-keys",
	} {
		method, path, _ := strings.Cut(other, " ")
		if got := g.plain(request(method, path, "")); got.status != 404 && got.status != 307 {
			t.Errorf("%s: %d %s", other, got.status, got.body)
		} else if got.status == 404 {
			checkMessage(t, got)
		}
	}
	if seen != nil {
		t.Errorf("Clay got %q", seen)
	}
}

// The kill switch and a paused target hold calls back; what is only read goes on, as it does in the engine.
func TestPassThroughStops(t *testing.T) {
	calls := 0
	g := newGateway(t, setup{clay: func(*http.Request) (*http.Response, error) { calls++; return answered(200, `{}`), nil }})
	check := func(name, method, path string, status int) {
		t.Helper()
		body := ""
		if method == "POST" {
			body = `{}`
		}
		before := calls
		got := g.plain(request(method, path, body))
		if got.status != status || (calls > before) != (status == 200) {
			t.Errorf("%s: %s %s is answered %d after %d calls: %s", name, method, path, got.status, calls-before, got.body)
		}
	}
	if err := g.store.Pause(t.Context(), "people", ledger.Pause{Reason: "too dear"}); err != nil {
		t.Fatal(err)
	}
	check("paused", "POST", "/public/v0/routines/function:t_1/run", 503)
	check("paused", "POST", "/public/v0/routines/function%3At_1/run-batch/start", 503)
	check("paused", "POST", "/public/v0/routines/function:t_2/run", 200)
	check("paused", "GET", "/public/v0/routines/run/run_1/results", 200)
	if err := g.store.Stop(t.Context(), ledger.Everything, "too dear"); err != nil {
		t.Fatal(err)
	}
	check("stopped", "POST", "/public/v0/routines/function:t_2/run", 503)
	check("stopped", "POST", "/public/v0/search/query-mode", 503)
	check("stopped", "GET", "/public/v0/routines/run/run_1/results", 200)
}

// A call waits for its turn, and is told when to come again where it has none.
func TestPassThroughTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(people, firms)
		g := newGateway(t, setup{store: f, hub: f.hub})
		f.wait = 90 * time.Second
		begin := time.Now()
		got := g.plain(request("GET", "/public/v0/me", ""))
		if took := time.Since(begin); got.status != 429 || got.header.Get("Retry-After") != "91" || took != 10*time.Second {
			t.Errorf("%d after %s, Retry-After %s", got.status, took, got.header.Get("Retry-After"))
		}
		checkMessage(t, got)
		answers := make(chan reply)
		go func() { answers <- g.plain(request("GET", "/public/v0/me", "")) }()
		time.Sleep(3 * time.Second)
		f.mu.Lock()
		f.wait = 0
		f.mu.Unlock()
		f.hub.Publish(map[any]struct{}{ledger.LaneID("main/api"): {}})
		if got := <-answers; got.status != 200 || time.Since(begin) != 13*time.Second {
			t.Errorf("%d after %s", got.status, time.Since(begin))
		}
	})
}

// What Clay says of its pace is heard by the lane, so that the workspace's own runs slow down as well.
func TestPassThroughIsHeard(t *testing.T) {
	for name, tt := range map[string]struct {
		answer *http.Response
		err    error
		status int
		want   ledger.Signal
	}{
		"an answer":     {answered(200, `{}`), nil, 200, ledger.Signal{Kind: ledger.Flowing}},
		"an error":      {answered(500, `{"message":"x"}`), nil, 500, ledger.Signal{Kind: ledger.Flowing}},
		"too fast":      {answered(429, `{"message":"x"}`, "Retry-After: 7"), nil, 429, ledger.Signal{Kind: ledger.Blocked, RetryAfter: 7 * time.Second, Throttled: true}},
		"closed":        {answered(503, `{"message":"x"}`, "Retry-After: 7"), nil, 503, ledger.Signal{Kind: ledger.Blocked, RetryAfter: 7 * time.Second}},
		"nobody there":  {nil, &net.OpError{Op: "dial", Err: errors.New("refused")}, 502, ledger.Signal{Kind: ledger.Blocked}},
		"no answer":     {nil, io.ErrUnexpectedEOF, 502, ledger.Signal{Kind: ledger.Unused}},
		"a redirect":    {answered(307, ``, "Location: https://elsewhere.invalid/"), nil, 502, ledger.Signal{Kind: ledger.Flowing}},
		"compressed":    {answered(200, "\x1f\x8b", "Content-Encoding: gzip"), nil, 502, ledger.Signal{Kind: ledger.Flowing}},
		"a huge answer": {&http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, ContentLength: 1 << 40}, nil, 502, ledger.Signal{Kind: ledger.Flowing}},
	} {
		f := newFake(people, firms)
		g := newGateway(t, setup{store: f, hub: f.hub, clay: func(*http.Request) (*http.Response, error) { return tt.answer, tt.err }})
		got := g.plain(request("GET", "/public/v0/me", ""))
		if got.status != tt.status || got.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if tt.status >= 400 {
			checkMessage(t, got)
		}
		if len(f.signals) != 1 {
			t.Errorf("%s: %d signals", name, len(f.signals))
			continue
		}
		heard := f.signals[0]
		heard.Jitter, heard.Age = 0, 0
		if heard != tt.want {
			t.Errorf("%s: heard %+v, want %+v", name, heard, tt.want)
		}
	}
}

// Bodies are bounded either way, also those that do not say how long they are.
func TestPassThroughBoundsBodies(t *testing.T) {
	g := newGateway(t, setup{clay: func(r *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		return answered(200, `{}`), nil
	}})
	for length, status := range map[int64]int{1 << 20: 200, 17 << 20: 413} {
		for _, stated := range []bool{true, false} {
			r := request("POST", "/public/v0/x", `{}`)
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(spaces{}, length)), -1
			if stated {
				r.ContentLength = length
			}
			if got := g.plain(r); got.status != status {
				t.Errorf("%d bytes, stated %t: %d %s", length, stated, got.status, got.body)
			}
		}
	}
	endless := answered(200, "")
	endless.Body, endless.ContentLength = io.NopCloser(spaces{}), -1
	g = newGateway(t, setup{clay: func(*http.Request) (*http.Response, error) { return endless, nil }})
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("an answer without an end was given as if it were whole")
		}
	}()
	g.plain(request("GET", "/public/v0/x", ""))
}

// spaces is an endless body.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
