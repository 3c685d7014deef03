package api_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// A run that a caller starts at Clay is paid before it leaves, by its items, and given back where it surely started nothing.
func TestPassThroughIsPaid(t *testing.T) {
	f := newFake(people, firms)
	var status int
	var failed error
	g := newGateway(t, setup{store: f, hub: f.hub, clay: func(*http.Request) (*http.Response, error) {
		return answered(status, `{"routine_run_id":"run_1"}`), failed
	}})
	three := `{"items":[{},{},{}]}`
	of := func(target string, items int) *ledger.Charge {
		return &ledger.Charge{Workspace: "main", Target: target, Items: items, Day: "2026-12-01"}
	}
	for name, tt := range map[string]struct {
		path, body string
		status     int
		failed     error
		paid       *ledger.Charge
		back       bool
	}{
		"started":            {"routines/function:t_1/run", three, 202, nil, of("people", 3), false},
		"of no target":       {"routines/function:t_9/run", three, 202, nil, of("", 3), false},
		"a file":             {"routines/function:t_1/run-batch/start", `{"file_id":"f"}`, 202, nil, of("people", ledger.Uncounted), false},
		"refused":            {"routines/function:t_1/run", three, 400, nil, of("people", 3), true},
		"throttled":          {"routines/function:t_1/run", three, 429, nil, of("people", 3), true},
		"fails":              {"routines/function:t_1/run", three, 500, nil, of("people", 3), false},
		"timed out":          {"routines/function:t_1/run", three, 408, nil, of("people", 3), false},
		"not reached":        {"routines/function:t_1/run", three, 0, &net.OpError{Op: "dial", Err: errors.New("refused")}, of("people", 3), true},
		"no answer":          {"routines/function:t_1/run", three, 0, errors.New("cut"), of("people", 3), false},
		"nothing is started": {"routines/function:t_1/run-batch/upload-url", `{}`, 200, nil, nil, false},
	} {
		f.charges, status, failed = charges{}, tt.status, tt.failed
		if status == 0 {
			status = 200
		}
		g.plain(request("POST", "/public/v0/"+tt.path, tt.body))
		var want charges
		if tt.paid != nil {
			want.paid = []ledger.Charge{*tt.paid}
		}
		if tt.back {
			want.refunded = want.paid
		}
		if diff := cmp.Diff(want.paid, f.charges.paid); diff != "" {
			t.Errorf("%s: paid (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want.refunded, f.charges.refunded); diff != "" {
			t.Errorf("%s: given back (-want +got):\n%s", name, diff)
		}
	}
	f.charges = charges{overdrawn: &ledger.Error{Kind: ledger.Overdrawn, Message: "the budget is spent", RetryAfter: time.Hour}}
	calls, got := len(f.signals), g.plain(request("POST", "/public/v0/routines/function:t_1/run", three))
	if got.status != 429 || got.header.Get("Retry-After") != "3600" || len(f.signals) != calls {
		t.Errorf("overdrawn: %d, Retry-After %s: %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	checkMessage(t, got)
}

// A budget that turns records away says when to come again, in the gateway's words and in Clay's.
func TestOverdrawn(t *testing.T) {
	o := onDisk(t)
	o.stop = ended()
	store := o.store.(ledger.Store)
	catalog := ledger.NewCatalog([]ledger.Target{people, firms}, nil).WithBudgets(ledger.Budgets{
		Workspaces: map[string]ledger.Budget{"main": {Day: ledger.Cost{Records: 1}, Refuses: true}},
	})
	if err := store.Configure(t.Context(), catalog); err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, o)
	id := decode[record](t, g.do("POST", "/v1/targets/people/records", `{"fields":{"email":"a@example.com"}}`)).ID
	if claims, err := store.Claim(t.Context(), ledger.Want{Lane: people.Lane, Max: 5}); err != nil || len(claims.Work) != 1 {
		t.Fatalf("claimed %d, %v", len(claims.Work), err)
	}
	for path, body := range map[string]string{
		"/v1/targets/people/records": `{"fields":{"email":"b@example.com"}}`, "/v3/sources/webhook/people": `{"email":"b@example.com"}`,
		"/v1/people/enrich": `{"email":"b@example.com"}`,
	} {
		got := g.do("POST", path, body)
		if after := got.header.Get("Retry-After"); got.status != 429 || after == "" || after == "0" || !strings.Contains(got.body, "1 records") {
			t.Errorf("%s: %d, Retry-After %s: %s", path, got.status, after, got.body)
		}
	}
	got := g.do("POST", "/v1/targets/people/records", `[{"fields":{"email":"b@example.com"}}]`)
	if !strings.Contains(got.body, "budget_exhausted") {
		t.Errorf("in an array it is %d %s", got.status, got.body)
	}
	type targets struct {
		Targets []struct {
			Name string
			Held *struct{ Reason string }
		}
	}
	list := decode[targets](t, g.do("GET", "/v1/targets", ""))
	if held := list.Targets[0].Held; held == nil || !strings.Contains(held.Reason, "workspace main") {
		t.Errorf("the target says %+v", list.Targets[0])
	}
	r := g.do("GET", "/v1/records/"+id, "")
	if !strings.Contains(strings.Join(strings.Fields(r.body), ""), `"cost":{"records":1,"actions":0,"data_credits":0,"basis":"records"}`) {
		t.Errorf("the record is %s", r.body)
	}
	type told struct {
		Rows    []map[string]any
		Total   struct{ Spent struct{ Records int } }
		Budgets []struct{ Of, Name string }
	}
	usage := decode[told](t, g.do("GET", "/v1/usage?by=target,key", ""))
	if len(usage.Rows) != 1 || usage.Rows[0]["target"] != "people" || usage.Rows[0]["key"] != "" || usage.Total.Spent.Records != 1 || len(usage.Budgets) != 1 {
		t.Errorf("the usage is %+v", usage)
	}
}

func TestUsageQuestions(t *testing.T) {
	f := newFake(people, firms)
	row := func(day, target string, n int64) ledger.UsageRow {
		return ledger.UsageRow{
			UsageOf: ledger.UsageOf{Day: day, Workspace: ledger.WorkspaceOf(target), Target: target},
			Usage:   ledger.Usage{Spent: ledger.Cost{Records: n, Credits: 2500}, Doubled: 1},
		}
	}
	f.used = []ledger.UsageRow{row("2026-11-30", "people", 1), row("2026-12-01", "people", 2), row("2026-12-02", "people", 3), row("2026-12-02", "eu/firms", 4)}
	g := newGateway(t, setup{store: f, hub: f.hub})
	for query, want := range map[string][]int{
		"month=2026-12":        {4, 5}, // eu comes first
		"month=2026-11":        {1},
		"month=2026-12&by=day": {2, 7},
		"from=2026-12-02&to=2026-12-31&by=day,target": {4, 3},
		"from=2026-12-02&to=2026-12-02&target=people": {3},
		"month=2026-12&target=main/people":            {5},
		"month=2020-01":                               {},
	} {
		u := decode[api.Usage](t, g.do("GET", "/v1/usage?"+query, ""))
		got := []int{}
		for _, r := range u.Rows {
			got = append(got, int(r.Spent.Records))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"by=colour", "by=", "month=December", "month=2026-13", "month=2026-12&from=2026-12-01", "from=yesterday", "from=2026-12-02&to=2026-12-01", "by=day&by=key"} {
		if got := g.do("GET", "/v1/usage?"+query, ""); got.status != 400 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// What others spent is not seen, nor that they have a budget.
func TestUsageOfTenants(t *testing.T) {
	w := newTenants(t)
	for _, target := range []string{"acme/people", "zeta/people"} {
		w.used = append(w.used, ledger.UsageRow{
			UsageOf: ledger.UsageOf{Day: time.Now().UTC().Format(time.DateOnly), Workspace: ledger.WorkspaceOf(target), Target: target, APIKey: "key_of_" + target},
			Usage:   ledger.Usage{Spent: ledger.Cost{Records: 7}},
		})
		passed := w.used[len(w.used)-1]
		passed.Target = ""
		w.used = append(w.used, passed)
		for _, purse := range []ledger.Purse{{Of: ledger.OfTarget, Name: target}, {Of: ledger.OfWorkspace, Name: ledger.WorkspaceOf(target)}, {Of: ledger.OfKey, Name: "key_of_" + target}} {
			w.standings = append(w.standings, ledger.Standing{Account: ledger.Account{Purse: purse}})
		}
	}
	for binding, want := range map[string]int{`"workspaces":["acme"]`: 14, `"targets":["acme/people"]`: 7, `"workspaces":[]`: 28} {
		key, _ := w.minted(`{"scopes":["read"],`+binding+`}`, w.admin)
		got := w.do("GET", "/v1/usage?by=target,key", "", key)
		u := decode[api.Usage](t, got)
		if int(u.Total.Spent.Records) != want || want != 28 && strings.Contains(got.body, "zeta") {
			t.Errorf("%s: %s", binding, got.body)
		}
	}
}
