package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/api"
)

// oddities are pieces that inputs are made of: what a parser trips over, and what it must take.
var oddities = []string{
	`{`, `}`, `[`, `]`, `:`, `,`, `"`, `\`, ` `, "\t", "\n", "\r", "\x00", "\xff", "\xc3\x28", "\ufeff", "é", "\u2028", `\u0000`, `\ud800`, `\u00e9`,
	`"fields"`, `"metadata"`, `"max_age"`, `"send_by"`, `"result_timeout"`, `"priority"`, `"callback_url"`, `"claygate_id"`, `"Fields"`, `""`,
	`{}`, `[]`, `null`, `true`, `0`, `-0`, `1e400`, `1e-400`, `9007199254740993`, `-1`, `01`, `1.`, `.5`, `+1`, `NaN`, `Infinity`, `"30d"`, `"2026-11-23T00:00:00Z"`,
	`{"email":"a@example.com"}`, `{"a":{"b":[1,{"c":"d"}]}}`, `"fields":{"a":1}`, `,"priority":9`, `{"fields":{}}`, `/*x*/`, `'a'`, `undefined`,
}

// mutant returns a text that is near one that is right.
func mutant(rnd *rand.Rand) string {
	text := []byte(`{"fields":{"email":"ada@example.com","n":[1,2.5e3,null,true],"o":{"p":"q"}},"metadata":{"lead":7},"max_age":"30d","priority":3}`)
	for range rnd.IntN(4) {
		at := rnd.IntN(len(text) + 1)
		end := min(at+rnd.IntN(12), len(text))
		piece := oddities[rnd.IntN(len(oddities))]
		switch rnd.IntN(5) {
		case 0: // put something in
			text = []byte(string(text[:at]) + piece + string(text[at:]))
		case 1: // leave something out
			text = append(text[:at:at], text[end:]...)
		case 2: // put something in its place
			text = []byte(string(text[:at]) + piece + string(text[end:]))
		case 3: // say something twice
			text = []byte(string(text[:end]) + string(text[at:end]) + string(text[end:]))
		case 4: // say something else
			if at < len(text) {
				text[at] = byte(rnd.IntN(256))
			}
		}
	}
	return string(text)
}

// newSink returns a gateway that accepts and keeps nothing, for very many inputs.
func newSink(t testing.TB) *gateway {
	f := newFake(people, firms)
	f.forget = true
	return newGateway(t, setup{store: f, hub: f.hub, dedupeBy: []string{"email"}})
}

// checkRecord holds the answer to one record to what it must be, whatever the record is.
func checkRecord(t testing.TB, body string, got reply) {
	t.Helper()
	switch got.status {
	case 200, 202:
		var item struct{ Fields map[string]any }
		if !utf8.ValidString(body) || json.Unmarshal([]byte(body), &item) != nil || item.Fields == nil || len(body) > clay.MaxRecordBytes+8192 {
			t.Fatalf("accepted %q", body)
		}
	case 400, 413, 415:
		checkRefusal(t, got)
	default:
		t.Fatalf("%q is answered %d: %s", body, got.status, got.body)
	}
}

// checkRefusal is [checkProblem] for very many answers.
func checkRefusal(t testing.TB, got reply) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil || p.Status != got.status || p.Detail == "" || !strings.HasPrefix(p.Type, "/docs#") {
		t.Fatalf("status %d is no problem: %s", got.status, got.body)
	}
}

// TestGenerated sends 100,000 generated inputs: half of them records, one on each line, half of them whole requests.
func TestGenerated(t *testing.T) {
	const seed, records, requests = 20261123, 50_000, 50_000
	rnd := rand.New(rand.NewPCG(seed, seed))
	g := newSink(t)
	t.Run("lines", func(t *testing.T) {
		var body strings.Builder
		var texts []string
		for len(texts) < records {
			if text := mutant(rnd); strings.TrimSpace(text) != "" && !strings.ContainsAny(text, "\n") {
				texts = append(texts, text)
				body.WriteString(text + "\n")
			}
		}
		accepted := 0
		all := answers(t, g.plain(request("POST", "/v1/targets/people/records", body.String(), asLines)))
		for i, a := range all {
			got := reply{status: 202}
			if a.Problem != nil {
				text, _ := json.Marshal(a.Problem)
				got = reply{status: a.Problem.Status, body: string(text)}
			} else {
				accepted++
			}
			checkRecord(t, texts[i], got)
		}
		if len(all) != records || accepted < records/10 || accepted > records*9/10 {
			t.Errorf("%d answers, %d accepted: the generator is no good", len(all), accepted)
		}
	})
	t.Run("requests", func(t *testing.T) {
		statuses := map[int]int{}
		for range requests {
			r := generated(rnd)
			if r == nil {
				continue
			}
			got := g.plain(r)
			statuses[got.status]++
			switch {
			case got.status >= 500:
				t.Fatalf("%s %s is answered %d: %s", r.Method, r.URL, got.status, got.body)
			case got.status >= 400 && r.Method != http.MethodHead:
				if strings.HasPrefix(r.URL.Path, api.PublicAPIPath) {
					checkMessage(t, got)
				} else if strings.HasPrefix(r.URL.Path, "/v3/s") || strings.HasSuffix(r.URL.Path, "/enrich") && r.URL.Path[0] == '/' {
					checkClayRefusal(t, got)
				} else {
					checkRefusal(t, got)
				}
			}
		}
		for _, status := range []int{200, 202, 400, 404, 405, 415} {
			if statuses[status] == 0 {
				t.Errorf("none of %d requests was answered %d: the generator is no good: %v", requests, status, statuses)
			}
		}
	})
}

// generated makes a request out of odd parts; nil where they make none.
func generated(rnd *rand.Rand) *http.Request {
	pick := func(all ...string) string { return all[rnd.IntN(len(all))] }
	odd := func() string { return oddities[rnd.IntN(len(oddities))] }
	escape := func(s string) string {
		return strings.NewReplacer(" ", "%20", "\n", "%0A", "\r", "%0D", "\x00", "%00", "\x7f", "%7F").Replace(s)
	}
	path := pick("/v1/targets/people/records", "/v1/targets/eu/firms/records", "/v1/records", "/v1/records/"+odd(), "/v1/targets",
		"/v1/targets/"+odd()+"/records", "/v1/targets/people/pause", "/v1/targets/people/resume", "/v1/stop", "/v1/start", "/v1/reload",
		"/public/v0/me", "/public/v0/routines/"+odd()+"/run", "/v1/people/enrich", "/v3/companies/enrich", "/v3/sources/webhook/people", "/v3/sources/webhook/"+odd(),
		"/v1/keys/"+odd(), "/v1/records/rec_00000000000000000000000004/"+pick("replay", "resolve", "cancel", odd()), "/"+odd(), "/docs")
	query := ""
	if rnd.IntN(2) == 0 {
		query = "?" + pick("wait", "max_age", "state", "limit", "cursor", "key", "target", "attempts", odd()) + "=" +
			pick("0", "1ms", "0.001", "people", "dead", odd(), odd())
	}
	r, err := http.NewRequest(pick("GET", "POST", "POST", "POST", "DELETE", "PUT", "HEAD"), escape("http://localhost"+path+query), strings.NewReader(mutant(rnd)))
	if err != nil {
		return nil
	}
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	r.Header.Set("Content-Type", pick("application/json", "application/json", "application/json", "application/x-ndjson", "text/plain", odd()))
	if rnd.IntN(8) == 0 {
		r.Header.Set(pick("Idempotency-Key", "Prefer", "Content-Encoding", "Authorization", "Sec-Fetch-Site", "Last-Event-ID", "X-Forwarded-For"), odd())
	}
	return r
}

// FuzzRecord: whatever body comes, the answer is a record or a problem.
func FuzzRecord(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(mutant(rnd))
	}
	g := newSink(f)
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		if got := g.plain(request("POST", "/v1/targets/people/records", body)); !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "[") {
			checkRecord(t, body, got)
		} else if got.status >= 500 {
			t.Fatalf("%q is answered %d", body, got.status)
		}
	})
}

// FuzzLines: whatever lines come, each that is not empty is answered once, in order.
func FuzzLines(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(mutant(rnd) + "\n" + mutant(rnd) + "\r\n\n" + mutant(rnd))
	}
	g := newSink(f)
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		got := answers(t, g.plain(request("POST", "/v1/targets/people/records", body, asLines)))
		want := []int{}
		for i, line := range strings.Split(body, "\n") {
			if strings.Trim(line, " \t\r") != "" {
				want = append(want, i+1)
			}
		}
		for i, a := range got {
			if i >= len(want) || a.Line != want[i] || (a.ID == "") != (a.Problem != nil) {
				t.Fatalf("answer %d of %d is %+v to %q", i, len(want), a, body)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d answers to %d lines %q", len(got), len(want), body)
		}
	})
}

// FuzzPath: no path, query or header brings anything but an answer.
func FuzzPath(f *testing.F) {
	f.Add("GET", "/v1/records?state=dead&cursor=AQ", "Prefer", "wait=1")
	f.Add("POST", "/v1/targets/a%2Fb/records?wait=0", "Idempotency-Key", "k")
	f.Add("DELETE", "/v1/keys/key_%00", "Authorization", "Bearer cg_")
	f.Add("GET", "/v1/events?target=people", "Last-Event-ID", "-1")
	f.Add("OPTIONS", "*", "Origin", "null")
	g := newGateway(f, setup{guarded: true, stop: ended()})
	f.Fuzz(func(t *testing.T, method, path, name, value string) {
		r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(onePerson))
		if err != nil || r.URL.Host != "localhost" {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(name, value)
		if got := g.plain(r); got.status >= 500 && path != "/readyz" {
			t.Fatalf("%s %s is answered %d: %s", method, path, got.status, got.body)
		} else if got.status >= 400 && got.body == "" && method != http.MethodHead {
			t.Fatal(fmt.Sprint(got.status, " without a problem"))
		}
	})
}
