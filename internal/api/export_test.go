package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// exported is a line of an export.
type exported struct {
	record
	Fields json.RawMessage
}

// An export has every record of the workspace once, with what was handed in, what came back and each try at Clay.
func TestExport(t *testing.T) {
	g := newGateway(t, onDisk(t))
	want := map[string]bool{}
	for i := range 120 { // more than are read at a time
		want[g.submit("people", fmt.Sprintf(`{"fields":{"n":%d}}`, i)).String()] = true
	}
	done := g.submit("people", `{"fields":{"email":"a@example.com"},"metadata":{"of":"crm"}}`)
	g.apply(done, ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200})
	g.finish(done, `{"title":"Countess"}`)
	want[done.String()] = true
	g.submit("eu/firms", onePerson)

	g.configured = nil // records of targets that went are exported as well
	got := g.do("GET", "/v1/export?workspace=main", "")
	for line := range strings.Lines(got.body) {
		var r exported
		if err := json.Unmarshal([]byte(line), &r); err != nil || !want[r.ID] || r.Target != "people" || !strings.HasPrefix(string(r.Fields), "{") {
			t.Fatalf("a line is %s, %v", line, err)
		}
		delete(want, r.ID)
		if r.ID == done.String() && (string(r.Result) != `{"title":"Countess"}` || string(r.Fields) != `{"email":"a@example.com"}` ||
			string(r.Metadata) != `{"of":"crm"}` || len(r.Attempts) != 1 || r.Attempts[0].Status != 200) {
			t.Errorf("the record is exported as %s", line)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d records are missing", len(want))
	}
	if one := g.do("GET", "/v1/export?target=eu/firms", ""); strings.Count(one.body, "\n") != 1 {
		t.Errorf("a target's export is %s", one.body)
	}
	if none := g.do("GET", "/v1/export?workspace=eu", ""); none.status != 200 || strings.Count(none.body, "\n") != 1 {
		t.Errorf("another workspace's: %d %s", none.status, none.body)
	}
}

func TestExportRefuses(t *testing.T) {
	w := newTenants(t)
	read, _ := w.minted(`{"scopes":["read"]}`, w.admin)
	send, _ := w.minted(`{"scopes":["send"],"workspaces":["acme"]}`, w.admin)
	own, _ := w.minted(`{"scopes":["read"],"workspaces":["acme"]}`, w.admin)
	for path, statuses := range map[string]map[string]int{
		"/v1/export":                                {w.admin: 400, read: 403, own: 400},
		"/v1/export?workspace=acme&target=house":    {w.admin: 400},
		"/v1/export?workspace=acme&workspace=acme":  {w.admin: 400},
		"/v1/export?workspace=acme":                 {w.admin: 200, read: 403, send: 403, own: 200},
		"/v1/export?workspace=soon":                 {w.admin: 200, own: 404},
		"/v1/export?workspace=amce":                 {w.admin: 404, own: 404},
		"/v1/export?workspace=acme/people":          {w.admin: 404, own: 404},
		"/v1/export?target=people":                  {w.admin: 404, own: 200},
		"/v1/export?workspace=acme&since=yesterday": {w.admin: 400},
	} {
		for key, want := range statuses {
			if got := w.do("GET", path, "", key); got.status != want {
				t.Errorf("%s is answered %d, want %d: %s", path, got.status, want, got.body)
			}
		}
	}
}

// An export that breaks off must not look whole.
func TestExportBreaksOff(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: f, hub: f.hub})
	g.submit("people", onePerson)
	f.fail(&ledger.Error{Kind: ledger.Unavailable})
	if got := g.do("GET", "/v1/export?workspace=main", ""); got.status != 503 {
		t.Errorf("before its first line it is answered %d", got.status)
	}
	f.fail(nil)
	g.handler = api.New(api.Options{Ledger: unlisted{f}, Hub: g.hub, Trusted: true, Targets: func() []api.Target { return g.configured },
		Workspaces: func() []string { return []string{"main"} }})
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("it ends as if it were whole")
		}
	}()
	g.plain(request("GET", "/v1/export?workspace=main", ""))
}

// unlisted is a ledger that fails when it is to list.
type unlisted struct{ *fake }

func (unlisted) List(context.Context, ledger.Query) ([]ledger.Record, error) {
	return nil, &ledger.Error{Kind: ledger.Unavailable}
}
