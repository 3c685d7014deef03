package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// The targets of a gateway with several tenants. Zeta's names and values stand in nothing that another one is told.
var tenantTargets = []ledger.Target{
	{Name: "house", Lane: "main/webhook", MaxAge: time.Hour},
	{Name: "acme/people", Lane: "acme/webhook", MaxAge: time.Hour, Forward: []ledger.Outlet{{Destination: "crm"}}},
	{Name: "acme/firms", Lane: "acme/webhook", MaxAge: time.Hour},
	{Name: "zeta/people", Lane: "zeta/webhook", MaxAge: time.Hour, Forward: []ledger.Outlet{{Destination: "zeta-crm"}}},
	{Name: "zeta/rest", Lane: "zeta/webhook", MaxAge: time.Hour},
}

// tenants is a gateway with several of them, over a ledger in memory.
type tenants struct {
	*gateway
	*fake
	admin  string   // a header with the key that reaches everything
	atClay []string // which workspace's key each call had that was passed through
}

func newTenants(t testing.TB) *tenants {
	t.Helper()
	f := newFake(tenantTargets...)
	w := &tenants{fake: f}
	var ins []intake.Target
	var seen []api.Target
	for _, lt := range tenantTargets {
		ins = append(ins, intake.Target{Target: lt, DedupeBy: []string{"email"}, Await: true})
		seen = append(seen, api.Target{Target: lt, Kind: "table", DedupeBy: []string{"email"}, Await: true})
	}
	seen[1].DropIn, seen[3].DropIn = []api.DropIn{api.People}, []api.DropIn{api.People, api.Companies}
	hub := &counted{Hub: f.hub}
	w.gateway = &gateway{t: t, store: f, hub: hub, configured: seen}
	w.handler = api.New(api.Options{
		Intake: intake.New(intake.Options{Store: f, Secret: []byte("of this ledger"), Targets: ins}), Ledger: f, Hub: hub, Stop: ended(),
		Targets:    func() []api.Target { return w.configured },
		Workspaces: func() []string { return []string{"acme", "main", "soon", "zeta"} },
		Upstreams: func() (all []api.Upstream) {
			for _, name := range []string{"acme", "zeta"} {
				all = append(all, api.Upstream{Workspace: name, URL: "https://clay.invalid", Key: "clay_key_of_" + name, Lane: ledger.LaneID(name + "/api")})
			}
			return all
		},
		Outgoing: atClay(func(r *http.Request) (*http.Response, error) {
			w.atClay = append(w.atClay, r.Header.Get("Clay-Api-Key"))
			return answered(200, `{"ok":true}`), nil
		}),
		Reload: func(context.Context) (api.Reloaded, error) {
			return api.Reloaded{Added: []string{"zeta/people"}, Removed: []string{}, Restart: []string{}}, nil
		},
	})
	w.admin, _ = w.minted(`{"name":"zeta's bill","scopes":["admin"]}`, "")
	return w
}

// belongings are what a tenant has, or what nobody has: in a request each stands for the other.
type belongings struct{ target, bare, record, open, load, key, destination, workspace string }

// settle gives a target belongings, with a value that shows wherever a record does.
func (w *tenants) settle(target, destination, value string) belongings {
	w.t.Helper()
	hand := func(email string) ledger.RecordID {
		got := w.do("POST", "/v1/targets/"+target+"/records", fmt.Sprintf(`{"fields":{"email":%q},"metadata":{"of":%q}}`, email, value), w.admin)
		id, err := ledger.ParseRecordID(decode[record](w.t, got).ID)
		if err != nil {
			w.t.Fatal(got.body)
		}
		return id
	}
	done, open := hand("done@example.com"), hand("open@example.com")
	w.finish(done, fmt.Sprintf(`{"title":%q}`, value))
	load := decode[struct{ ID string }](w.t, w.do("POST", "/v1/targets/"+target+"/loads", fmt.Sprintf(`{"name":%q}`, value), w.admin)).ID
	_, key := w.minted(fmt.Sprintf(`{"name":%q,"scopes":["read"],"targets":[%q]}`, value, target), w.admin)
	w.runs = append(w.runs, ledger.Run{ID: ledger.RunID(len(w.runs) + 1), Target: target, Clay: value, State: ledger.RunRunning})
	workspace, bare, _ := strings.Cut(target, "/")
	w.spend(ledger.UsageOf{Day: time.Now().UTC().Format(time.DateOnly), Workspace: workspace, Target: target, APIKey: key})
	return belongings{target, bare, done.String(), open.String(), load, key, destination, workspace}
}

// spend counts a record, once for a target and once for calls that are no target's, in budgets of each kind.
func (w *tenants) spend(of ledger.UsageOf) {
	passed := of
	passed.Target = ""
	for _, of := range []ledger.UsageOf{of, passed} {
		w.used = append(w.used, ledger.UsageRow{UsageOf: of, Usage: ledger.Usage{Spent: ledger.Cost{Records: 1}}})
	}
	for kind, name := range map[ledger.PurseKind]string{ledger.OfTarget: of.Target, ledger.OfWorkspace: of.Workspace, ledger.OfKey: of.APIKey} {
		w.standings = append(w.standings, ledger.Standing{Account: ledger.Account{Purse: ledger.Purse{Of: kind, Name: name}}})
	}
}

// replaced puts what nobody has in place of what somebody does. Nothing else may differ in two answers.
func (b belongings) replaced(text string) string {
	if b == (belongings{}) {
		return text
	}
	return strings.NewReplacer(b.target, "{target}", b.record, "{record}", b.open, "{open}", b.load, "{load}", b.key, "{key}",
		b.destination, "{destination}", b.workspace, "{workspace}", b.bare, "{bare}").Replace(text)
}

// state is all that the ledger has of a target.
func (w *tenants) state(target string) string {
	records, err := w.List(context.Background(), ledger.Query{Target: target, Max: 1000})
	paused := w.paused[target]
	text, _ := json.Marshal([]any{records, err, paused, w.loads})
	return string(text)
}

// The same person is paid for by each workspace that asks for it: no answer, and no work under way, is shared.
func TestNothingIsSharedAcrossWorkspaces(t *testing.T) {
	w := newTenants(t)
	as := map[string]string{}
	for _, name := range []string{"acme", "zeta"} {
		as[name], _ = w.minted(fmt.Sprintf(`{"scopes":["send","read"],"workspaces":[%q]}`, name), w.admin)
	}
	const ask = `{"fields":{"email":"a@example.com"}}`
	send := func(name, path, body string, headers ...string) record {
		t.Helper()
		got := w.do("POST", path, body, append(headers, as[name])...)
		if got.status > 202 {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		return decode[record](t, got)
	}
	first := send("acme", "/v1/targets/acme/people/records", ask)
	id, _ := ledger.ParseRecordID(first.ID)
	if other := send("zeta", "/v1/targets/zeta/people/records", ask); other.State != ledger.Queued {
		t.Errorf("work under way is shared: %s", other.State)
	}
	w.finish(id, `{"title":"Countess"}`)
	if other := send("zeta", "/v1/targets/zeta/rest/records", ask); other.Cached || other.State != ledger.Queued {
		t.Errorf("an answer is shared: %+v", other)
	}
	if own := send("acme", "/v1/targets/people/records", ask); !own.Cached || own.Target != "acme/people" {
		t.Errorf("its own answer does not count: %+v", own)
	}

	const once = "Idempotency-Key: 1"
	a := send("acme", "/v1/targets/people/records", `{"fields":{"email":"b@example.com"}}`, once)
	z := send("zeta", "/v1/targets/people/records", `{"fields":{"email":"c@example.com"}}`, once)
	if a.ID == z.ID || a.Target != "acme/people" || z.Target != "zeta/people" {
		t.Errorf("one Idempotency-Key of two keys led to %+v and %+v", a, z)
	}

	loads := map[string]bool{}
	for name := range as {
		got := w.do("POST", "/v1/targets/people/loads", `{"name":"leads.csv"}`, as[name])
		load := decode[struct{ ID string }](t, got).ID
		w.do("POST", "/v1/loads/"+load+"/rows", `{"email":"row@example.com"}`, as[name], "Content-Type: application/x-ndjson")
		counts := decode[struct{ Counts map[string]int }](t, w.do("GET", "/v1/loads/"+load, "", as[name])).Counts
		if loads[load] || counts["queued"] != 1 {
			t.Errorf("the load of %s is %s with %v", name, load, counts)
		}
		loads[load] = true
	}
}

// A key that is bound to a workspace covers the targets that come later, and those that went and left records.
func TestWorkspaceKeys(t *testing.T) {
	w := newTenants(t)
	left := w.settle("acme/firms", "", "of acme")
	acme, _ := w.minted(`{"scopes":["send","read","admin"],"workspaces":["acme"]}`, w.admin)
	soon, _ := w.minted(`{"scopes":["read","send"],"workspaces":["soon"]}`, w.admin)
	targets := func(key string) (names []string) {
		for _, v := range decode[api.Targets](t, w.do("GET", "/v1/targets", "", key)).Targets {
			names = append(names, v.Name)
		}
		return names
	}
	if got := targets(soon); got != nil {
		t.Errorf("a workspace without targets shows %v", got)
	}
	for _, path := range []string{"/v1/records", "/v1/runs"} {
		if got := w.do("GET", path, "", soon); got.status != 200 || strings.Contains(got.body, "acme") {
			t.Errorf("a workspace without targets lists %d %s", got.status, got.body)
		}
	}
	w.configured = slices.DeleteFunc(slices.Clone(w.configured), func(at api.Target) bool { return at.Name == "acme/firms" })
	w.configured = append(w.configured, api.Target{Target: ledger.Target{Name: "soon/new"}, Kind: "table"})
	if got := targets(soon); !slices.Equal(got, []string{"soon/new"}) {
		t.Errorf("a target that came is not covered: %v", got)
	}
	if got := targets(acme); !slices.Equal(got, []string{"acme/people", "acme/firms"}) {
		t.Errorf("a target that went is not covered: %v", got)
	}
	if got := w.do("GET", "/v1/records", "", acme); !strings.Contains(got.body, left.record) {
		t.Errorf("records of a target that went are not listed: %s", got.body)
	}
	page := decode[struct {
		Records []record
		Next    *string
	}](t, w.do("GET", "/v1/records?limit=1", "", acme))
	if len(page.Records) != 1 || page.Next == nil || string(page.Records[0].Metadata) != `{"of":"of acme"}` {
		t.Errorf("a page of several targets is %+v", page)
	}
	for body, hint := range map[string]string{
		`{"scopes":["read"],"workspaces":["amce"]}`: "no workspace", `{"scopes":["read"],"workspaces":"acme"}`: "array",
		`{"ingest":"acme/people","workspaces":["acme"]}`: "no", `{"workspaces":["acme"]}`: "scopes",
	} {
		if got := w.do("POST", "/v1/keys", body, w.admin); got.status != 400 || !strings.Contains(got.body, hint) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
}

// A call of the Public API that names no workspace is made for the one that the key is bound to, with that one's key at Clay.
func TestPassThroughOfABoundKey(t *testing.T) {
	w := newTenants(t)
	for _, tt := range []struct {
		binding, header string
		status          int
		key             string
	}{
		{`["acme"]`, "", 200, "clay_key_of_acme"},
		{`["zeta"]`, "", 200, "clay_key_of_zeta"},
		{`["acme"]`, "acme", 200, "clay_key_of_acme"},
		{`["acme"]`, "zeta", 404, ""},
		{`["soon"]`, "", 404, ""},
		{`["acme","zeta"]`, "zeta", 200, "clay_key_of_zeta"},
		{`["acme","zeta"]`, "", 404, ""},
		{`[]`, "", 404, ""}, // main has none
	} {
		w.atClay = nil
		key, _ := w.minted(`{"scopes":["send","read"],"workspaces":`+tt.binding+`}`, w.admin)
		headers := []string{key}
		if tt.header != "" {
			headers = append(headers, "Claygate-Workspace: "+tt.header)
		}
		got := w.do("GET", "/public/v0/me", "", headers...)
		if got.status != tt.status || strings.Join(w.atClay, ",") != tt.key {
			t.Errorf("bound to %s, for %q: %d with the key %v: %s", tt.binding, tt.header, got.status, w.atClay, got.body)
		}
	}
}

// An ingest key whose target has gone feeds nothing: it fed the target of that name that another workspace has.
func TestIngestKeyOfATargetThatWent(t *testing.T) {
	w := newTenants(t)
	key := decode[struct {
		Key        string
		IngestPath string `json:"ingest_path"`
	}](t, w.do("POST", "/v1/keys", `{"ingest":"house"}`, w.admin))
	w.configured = slices.Clone(w.configured)
	w.configured[0].Name = "zeta/house"
	const row = `{"email":"a@example.com"}`
	bearer := "Authorization: Bearer " + key.Key
	for _, got := range []reply{
		w.do("POST", key.IngestPath, row), w.do("POST", "/v3/sources/webhook/house", row, bearer),
		w.do("POST", "/v1/targets/house/records", `{"fields":`+row+`}`, bearer),
	} {
		if got.status != 404 {
			t.Errorf("answered %d: %s", got.status, got.body)
		}
	}
	if len(w.records) > 0 {
		t.Errorf("another workspace was fed: %v", w.records)
	}
}

// A stream ends with its key: it went on for as long as its client kept the connection.
func TestRevokedKeyHearsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{guarded: true})
		admin, _ := g.minted(`{"scopes":["admin"]}`, "")
		key, id := g.minted(`{"scopes":["read"],"targets":["people"]}`, admin)
		hears := g.listen("/v1/events", key)
		revoked := g.listen("/v1/events", key)
		g.do("POST", "/v1/targets/people/pause", "", admin)
		synctest.Wait()
		if got := hears.told(); len(got) != 1 {
			t.Errorf("with its key it heard %v", got)
		}
		g.do("DELETE", "/v1/keys/"+id, "", admin)
		time.Sleep(time.Second)
		g.do("POST", "/v1/targets/people/resume", "", admin)
		select {
		case <-revoked.over:
		case <-time.After(time.Second):
			t.Error("the stream goes on")
		}
		if got := revoked.told(); len(got) != 1 {
			t.Errorf("with its key revoked it heard %v", got)
		}
	})
}
