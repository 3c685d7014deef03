package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// ask asks a drop-in endpoint of a gateway that waits for nothing, and returns the record that it made.
func (g *gateway) ask(path, body string) ledger.RecordID {
	g.t.Helper()
	got := g.do("POST", path, body)
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "5" {
		g.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	id, err := ledger.ParseRecordID(got.header.Get("Claygate-Record"))
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// enrichedNames are the fields of a person and of a company, which no refusal may have (docs/clay.md).
var enrichedNames = []string{
	"name", "email", "title", "company", "linkedin_url", "location", "domain", "industry", "employee_count", "description",
}

// checkNoPerson holds a refusal to having nothing that a client would take for data.
func checkNoPerson(t testing.TB, got reply) {
	t.Helper()
	checkClayRefusal(t, got)
	for name := range decode[map[string]any](t, got) {
		if slices.Contains(enrichedNames, strings.ToLower(name)) {
			t.Errorf("a refusal has %q: %s", name, got.body)
		}
	}
}

// What is not finished in time is a 429, which both reference clients know; the same question joins the same work, also
// where the target shares none by itself, and the result then answers at once.
func TestDropInIsAskedAgain(t *testing.T) {
	for name, dedupeBy := range map[string][]string{"the target says nothing": nil, "the same": {"email"}, "something else": {"first_name", "last_name"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, setup{dedupeBy: dedupeBy})
				begin := time.Now()
				got := g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`)
				if took := time.Since(begin); got.status != 429 || got.header.Get("Retry-After") != "5" || took != 25*time.Second {
					t.Fatalf("%d after %s: %s", got.status, took, got.body)
				}
				checkNoPerson(t, got)
				first := got.header.Get("Claygate-Record")

				answers := make(chan reply)
				for _, email := range []string{"ada@example.com", " ADA@Example.com "} {
					go func() { answers <- g.do("POST", "/v3/people/enrich", `{"email":"`+email+`"}`) }()
				}
				time.Sleep(10 * time.Second) // of the bubble
				id, err := ledger.ParseRecordID(first)
				if err != nil {
					t.Fatal(err)
				}
				g.finish(id, `{"title":"Countess","name":"Ada"}`)
				for range 2 {
					got := <-answers
					person := decode[map[string]string](t, got)
					if got.status != 200 || len(person) != 3 || person["title"] != "Countess" || person["name"] != "Ada" || strings.TrimSpace(strings.ToLower(person["email"])) != "ada@example.com" {
						t.Errorf("joined: %d %s", got.status, got.body)
					}
				}
				if took := time.Since(begin); took != 35*time.Second {
					t.Errorf("answered after %s", took)
				}
				got = g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`)
				if got.status != 200 || got.header.Get("Claygate-Cached") != "true" || time.Since(begin) != 35*time.Second {
					t.Errorf("from the cache: %d %s", got.status, got.body)
				}
				if n := len(leaders(g)); n != 1 {
					t.Errorf("%d records were work of their own, want 1", n)
				}
			})
		})
	}
}

// leaders returns the records that are sent themselves.
func leaders(g *gateway) (ids []ledger.RecordID) {
	page, err := g.store.List(g.t.Context(), ledger.Query{Max: 100})
	if err != nil {
		g.t.Fatal(err)
	}
	for _, r := range page {
		if r.Leader.IsZero() && !r.Cached {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// A result that came while its caller waited to ask again answers, although the target keeps none.
func TestDropInAnswersTheRepeatWithoutACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := people
		never.MaxAge = -1
		g := newGateway(t, setup{stop: ended(), people: &never})
		g.finish(g.ask("/v1/people/enrich", `{"email":"ada@example.com"}`), `{"name":"Ada"}`)
		time.Sleep(5 * time.Second)
		if got := g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`); got.status != 200 {
			t.Errorf("the repeat: %d %s", got.status, got.body)
		}
		time.Sleep(2 * time.Minute)
		if got := g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`); got.status != 429 {
			t.Errorf("later: %d %s", got.status, got.body)
		}
	})
}

// Each end has its own status, and none but the first looks like data.
func TestDropInKeepsEndsApart(t *testing.T) {
	claimed := func(a ledger.Answer) []ledger.Event {
		a.Attempt, a.Outcome = 1, ledger.Answered
		return []ledger.Event{ledger.Claim{}, a}
	}
	for name, tt := range map[string]struct {
		events []ledger.Event
		pause  ledger.Pause
		status int
		says   string
	}{
		"a result":             {[]ledger.Event{ledger.Result{Fields: json.RawMessage(`{"name":"Ada"}`)}}, ledger.Pause{}, 200, `"name":"Ada"`},
		"nothing found":        {[]ledger.Event{ledger.Result{Fields: json.RawMessage(`{"email":"ada@example.com","name":null}`)}}, ledger.Pause{}, 404, "nothing was found"},
		"refused as it is":     {claimed(ledger.Answer{Verdict: ledger.Rejected, Status: 400, Reason: "Clay refuses the row"}), ledger.Pause{}, 400, "Clay refuses the row"},
		"canceled":             {[]ledger.Event{ledger.Cancel{Reason: "a typo"}}, ledger.Pause{}, 409, "canceled"},
		"no credits":           {nil, ledger.Pause{Reason: "Clay has no credits left", Status: 402}, 402, "no credits left"},
		"the gateway's key":    {nil, ledger.Pause{Reason: "the key is wrong", Status: 401}, 502, "the key is wrong"},
		"retired":              {nil, ledger.Pause{Reason: "Clay has retired it", Status: 404}, 502, "retired"},
		"paused by somebody":   {nil, ledger.Pause{Reason: "the table is rebuilt"}, 429, "not finished"},
		"nothing happened yet": {nil, ledger.Pause{}, 429, "not finished"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, setup{})
				if err := g.store.Pause(t.Context(), "people", tt.pause); err != nil {
					t.Fatal(err)
				}
				answers := make(chan reply)
				callers := 2 // one joins the other
				if tt.status == 409 {
					callers = 1 // for whoever joined a canceled one, the work goes on
				}
				for range callers {
					go func() { answers <- g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`) }()
				}
				synctest.Wait()
				if tt.events != nil {
					g.apply(leaders(g)[0], tt.events...)
				}
				for range callers {
					got := <-answers
					if got.status != tt.status || !strings.Contains(got.body, tt.says) {
						t.Errorf("%d %s, want %d with %q", got.status, got.body, tt.status, tt.says)
					}
					if tt.status != 200 {
						checkNoPerson(t, got)
					}
				}
			})
		})
	}
}

// Who waits hears at once that Clay refuses, also where the work is another's.
func TestDropInHearsOfAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{})
		begin, answers := time.Now(), make(chan reply)
		for range 2 {
			go func() { answers <- g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`) }()
		}
		time.Sleep(time.Second)
		if err := g.store.Pause(t.Context(), "people", ledger.Pause{Reason: "Clay has no credits left", Status: 402}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := <-answers; got.status != 402 || time.Since(begin) != time.Second {
				t.Errorf("%d after %s: %s", got.status, time.Since(begin), got.body)
			}
		}
	})
}

// Who asks wrongly, or without a right to, learns which it was.
func TestDropInRefusals(t *testing.T) {
	g := newGateway(t, setup{guarded: true, stop: ended()})
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	send, _ := g.minted(`{"scopes":["send"]}`, admin)
	read, _ := g.minted(`{"scopes":["read"]}`, admin)
	bound, _ := g.minted(`{"scopes":["send"],"targets":["eu/firms"]}`, admin)
	ingest, _ := g.minted(`{"ingest":"people"}`, admin)
	for name, tt := range map[string]struct {
		method, path, body, header string
		status                     int
		says                       string
	}{
		"right":              {"POST", "/v1/people/enrich", `{"email":"a@example.com","first_name":"A"}`, send, 429, ""},
		"companies":          {"POST", "/v1/companies/enrich", `{"domain":"example.com"}`, bound, 429, ""},
		"no key":             {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, "Accept: */*", 401, "API keys"},
		"a wrong key":        {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, "Authorization: Bearer no", 401, "unknown"},
		"a key that may not": {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, read, 403, "send"},
		"an ingest key":      {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, ingest, 403, "ingest"},
		"out of its reach":   {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, bound, 404, "drop_in: {people: TARGET}"},
		"another page":       {"POST", "/v1/people/enrich", `{"email":"a@example.com"}`, "Sec-Fetch-Site: cross-site", 403, "page"},
		"GET":                {"GET", "/v1/people/enrich", ``, send, 405, "POST"},
		"no e-mail":          {"POST", "/v1/people/enrich", `{"domain":"example.com"}`, send, 400, "what to look up"},
		"an empty one":       {"POST", "/v1/people/enrich", `{"email":" "}`, send, 400, "what to look up"},
		"a number":           {"POST", "/v1/people/enrich", `{"email":7}`, send, 400, "text"},
		"null":               {"POST", "/v1/people/enrich", `{"email":null}`, send, 400, "what to look up"},
		"no domain":          {"POST", "/v3/companies/enrich", `{}`, send, 400, "what to look up"},
		"an array":           {"POST", "/v1/people/enrich", `[{"email":"a@example.com"}]`, send, 400, ""},
		"no JSON":            {"POST", "/v1/people/enrich", `{`, send, 400, ""},
		"claygate's own":     {"POST", "/v1/people/enrich", `{"email":"a@example.com","claygate_id":"x"}`, send, 400, "claygate's own"},
		"too large":          {"POST", "/v1/people/enrich", `{"email":"a@example.com","x":"` + strings.Repeat("x", 1<<20) + `"}`, send, 400, "most"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.plain(request(tt.method, tt.path, tt.body, tt.header))
			if got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("%d %s, want %d with %q", got.status, got.body, tt.status, tt.says)
			}
			checkNoPerson(t, got)
		})
	}
}

// A ledger that takes nothing now is a 429: the usual client comes again, and a 503 it takes for its person.
func TestDropInOnALedgerThatIsFull(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: f, hub: f.hub})
	f.fails = &ledger.Error{Kind: ledger.Full, Op: "accept", Message: "no space"}
	got := g.do("POST", "/v1/people/enrich", `{"email":"ada@example.com"}`)
	if got.status != 429 || got.header.Get("Retry-After") != "30" {
		t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	checkNoPerson(t, got)
}

// Of several workspaces that answer, the key says which; main answers for a key that reaches more.
func TestDropInFindsItsWorkspace(t *testing.T) {
	both := []api.Target{
		{Target: firms, Kind: "table", Await: true, DropIn: []api.DropIn{api.People}},
		{Target: people, Kind: "table", Await: true, DropIn: []api.DropIn{api.People}},
	}
	g := newGateway(t, setup{guarded: true, stop: ended(), targets: both})
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	eu, _ := g.minted(`{"scopes":["send"],"targets":["eu/firms"]}`, admin)
	for key, want := range map[string]string{admin: "people", eu: "eu/firms"} {
		got := g.do("POST", "/v1/people/enrich", `{"email":"a@example.com"}`, key)
		id, err := ledger.ParseRecordID(got.header.Get("Claygate-Record"))
		if err != nil {
			t.Fatalf("%d %s", got.status, got.body)
		}
		records, err := g.store.Records(t.Context(), []ledger.RecordID{id})
		if err != nil || records[0].Target != want {
			t.Errorf("%v, %v; want %s", records, err, want)
		}
	}
	both[1].Name = "us/people"
	if got := g.do("POST", "/v1/people/enrich", `{"email":"a@example.com"}`, admin); got.status != 404 || !strings.Contains(got.body, "bound") {
		t.Errorf("two without a main: %d %s", got.status, got.body)
	}
}
