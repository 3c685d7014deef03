package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// checkClayRefusal holds a refusal to the shape of Clay's own.
func checkClayRefusal(t testing.TB, got reply) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || len(body) != 3 || body["type"] == "" || body["message"] == "" || body["details"] != nil {
		t.Fatalf("status %d is not refused as by Clay: %v\n%s", got.status, err, got.body)
	}
	if got.status == http.StatusServiceUnavailable && got.header.Get("Retry-After") == "" {
		t.Fatal("a 503 does not say when to come back")
	}
}

// fields returns what the ledger holds of the queued records, oldest first.
func (g *gateway) fields() []string {
	g.t.Helper()
	page, err := g.store.List(g.t.Context(), ledger.Query{Max: 100})
	if err != nil {
		g.t.Fatal(err)
	}
	var ids []ledger.RecordID
	for _, r := range page {
		ids = append([]ledger.RecordID{r.ID}, ids...)
	}
	records, err := g.store.Records(g.t.Context(), ids)
	if err != nil {
		g.t.Fatal(err)
	}
	var fields []string
	for _, r := range records {
		fields = append(fields, string(r.Fields))
	}
	return fields
}

// Rows go in as they are: an object is one, an array is its rows, all or none of them.
func TestWebhookTakesRows(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want []string // the rows; nil where the answer is 400
		says string
	}{
		"a row":                       {`{"_id":1,"email":"a@example.com","nested":{"x":[1,2]}}`, []string{`{"_id":1,"email":"a@example.com","nested":{"x":[1,2]}}`}, ""},
		"an empty row":                {`{}`, []string{`{}`}, ""},
		"an array":                    {` [{"n":1}, {"n":2}]`, []string{`{"n":1}`, `{"n":2}`}, ""},
		"an empty array":              {`[]`, []string{}, ""},
		"what looks like an envelope": {`{"fields":{"a":1},"priority":99}`, []string{`{"fields":{"a":1},"priority":99}`}, ""},
		"one bad of three":            {`[{"n":1},{"n":1,"n":2},{"n":3}]`, nil, "element 1"},
		"no JSON":                     {`{"a":`, nil, ""},
		"a text":                      {`"x"`, nil, ""},
		"null":                        {`null`, nil, ""},
		"nothing":                     {``, nil, ""},
		"an array of texts":           {`["x"]`, nil, ""},
		"over 100 KB":                 {`{"a":"` + strings.Repeat("x", 102_400) + `"}`, nil, "at most"},
		"claygate's own":              {`{"claygate_id":"x"}`, nil, "claygate's own"},
		"a huge number":               {`{"a":1e400}`, nil, "1e400"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, onDisk(t))
			got := g.do("POST", "/v3/sources/webhook/people", tt.body)
			if tt.want == nil {
				checkClayRefusal(t, got)
				if got.status != 400 || !strings.Contains(got.body, tt.says) {
					t.Errorf("%d %s, want a 400 that says %q", got.status, got.body, tt.says)
				}
			} else if got.status != 200 || got.body != `{"success":true}`+"\n" {
				t.Errorf("%d %s", got.status, got.body)
			}
			if diff := cmp.Diff(append([]string{}, tt.want...), append([]string{}, g.fields()...)); diff != "" {
				t.Errorf("stored, -want +got:\n%s", diff)
			}
		})
	}
}

// Who may feed a target is known by the ingest URL itself, by Clay's header or by a bearer token.
func TestWebhookKnowsWhoComes(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	const at = "/v3/sources/webhook/"
	if got := g.do("POST", at+"people", `{}`); got.status != 200 {
		t.Errorf("this machine, without keys: %d %s", got.status, got.body)
	}
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	minted := func(body string) (key, path string) {
		k := decode[struct{ Key, Ingest_path string }](t, g.do("POST", "/v1/keys", body, admin))
		return k.Key, k.Ingest_path
	}
	ingest, path := minted(`{"ingest":"people"}`)
	send, none := minted(`{"scopes":["send"]}`)
	read, _ := minted(`{"scopes":["read"]}`)
	bound, _ := minted(`{"scopes":["send"],"targets":["eu/firms"]}`)
	revoked, gone := minted(`{"ingest":"people"}`)
	if none != "" || !strings.HasPrefix(path, at+"pull-in-data-from-a-webhook-") || strings.Contains(path, ingest) {
		t.Fatalf("the ingest path is %q, of an ordinary key %q", path, none)
	}
	var list struct{ Keys []struct{ ID, Ingest string } }
	if err := json.Unmarshal([]byte(g.do("GET", "/v1/keys", "", admin).body), &list); err != nil {
		t.Fatal(err)
	}
	g.do("DELETE", "/v1/keys/"+list.Keys[len(list.Keys)-1].ID, "", admin)
	for name, tt := range map[string]struct {
		path   string
		header string
		status int
	}{
		"the ingest URL":                {path, "", 200},
		"the URL, with a foreign token": {path, "X-Clay-Webhook-Auth: another", 200},
		"Clay's header":                 {at + "people", "X-Clay-Webhook-Auth: " + send, 200},
		"bearer":                        {at + "people", "Authorization: Bearer " + send, 200},
		"the ingest key as a token":     {at + "people", "X-Clay-Webhook-Auth: " + ingest, 200},
		"with its workspace":            {at + "eu/firms", "X-Clay-Webhook-Auth: " + send, 200},
		"nothing":                       {at + "people", "", 401},
		"a wrong token":                 {at + "people", "X-Clay-Webhook-Auth: cg_no", 401},
		"a revoked one":                 {at + "people", "X-Clay-Webhook-Auth: " + revoked, 401},
		"a key that may not":            {at + "people", "X-Clay-Webhook-Auth: " + read, 403},
		"bound to another":              {at + "people", "X-Clay-Webhook-Auth: " + bound, 404},
		"ingest of another":             {at + "eu/firms", "X-Clay-Webhook-Auth: " + ingest, 404},
		"an unknown target":             {at + "nobody", "X-Clay-Webhook-Auth: " + send, 404},
		"a revoked URL":                 {gone, "", 404},
		"a made-up URL":                 {at + "pull-in-data-from-a-webhook-01234567-89ab-4cde-8f01-23456789abcd", "", 404},
		"another origin's page":         {at + "people", "Sec-Fetch-Site: cross-site", 403},
	} {
		r := request("POST", tt.path, `{}`)
		if name, value, ok := strings.Cut(tt.header, ": "); ok {
			r.Header.Set(name, value)
		}
		got := g.plain(r) // the document's paths have no slash in a name
		if got.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, tt.status)
		}
		if got.status >= 400 {
			checkClayRefusal(t, got)
		}
	}
	for header, status := range map[string]int{"Content-Type: text/plain": 400, "Content-Encoding: gzip": 400, "Content-Type: application/x-ndjson": 400} {
		if got := g.do("POST", path, `{}`, header); got.status != status {
			t.Errorf("%s: %d %s", header, got.status, got.body)
		} else {
			checkClayRefusal(t, got)
		}
	}
	if got := g.plain(request("GET", path, "")); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d %s", got.status, got.body)
	}
}

// A ledger that does not take a row is no 200, and says when to come back.
func TestWebhookOnALedgerThatIsFull(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: f, hub: f.hub})
	f.fails = &ledger.Error{Kind: ledger.Full, Op: "accept", Message: "no space"}
	got := g.do("POST", "/v3/sources/webhook/people", `{}`)
	checkClayRefusal(t, got)
	if got.status != 429 || got.header.Get("Retry-After") != "30" { // the one status for which clients of Clay wait
		t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
}
