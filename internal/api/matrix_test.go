package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// reach is what a route concerns, and so who may know of it.
type reach int

const (
	ofTarget    reach = iota // one thing of a target: who does not cover the target is told that there is none
	ofFeed                   // as ofTarget, and ingest keys do it too
	ofLists                  // everything that the key covers
	ofGateway                // the whole gateway: keys that are bound to a part of it may not
	ofPublic                 // nobody's: all are told the same
	ofUpstream               // a whole workspace at Clay
	ofWorkspace              // all of a workspace: keys that are bound to its targets alone do not cover it
	ofLink                   // whoever has the link: here nobody has
	ofDropIn                 // whatever target of the key answers
)

// route is how a route is asked.
type route struct {
	reach      reach
	path, body string // with {belongings}; path is the document's where it is ""
	header     string
}

const ndjson = "Content-Type: application/x-ndjson"

// undocumented are routes that Clay's own command line calls, and that Clay documents no more than the gateway does.
var undocumented = []string{"/v3/workspaces/{path}"}

// routes has an entry for every operation of the document, and for those that are not in it.
var routes = map[string]route{
	"POST /v1/targets/{target}/records":                {ofFeed, "", `{"fields":{}}`, ""},
	"GET /v1/records":                                  {ofLists, "", "", ""},
	"GET /v1/records?target":                           {ofTarget, "/v1/records?target={target}", "", ""},
	"GET /v1/records?key":                              {ofTarget, "/v1/records?target={target}&key=done@example.com", "", ""},
	"GET /v1/records/{id}":                             {ofTarget, "/v1/records/{record}?attempts=1", "", ""},
	"GET /v1/records/{id}?wait":                        {ofTarget, "/v1/records/{open}?wait=5s", "", ""},
	"POST /v1/records/{id}/replay":                     {ofTarget, "/v1/records/{record}/replay", "", ""},
	"POST /v1/records/{id}/resolve":                    {ofTarget, "/v1/records/{open}/resolve", `{"arrived":true}`, ""},
	"POST /v1/records/{id}/cancel":                     {ofTarget, "/v1/records/{open}/cancel", "", ""},
	"POST /v1/records/{id}/redeliver":                  {ofTarget, "/v1/records/{record}/redeliver", `{"destination":"{destination}"}`, ""},
	"POST /v1/redeliver":                               {ofTarget, "", `{"records":["{record}"]}`, ""},
	"POST /v1/redeliver to":                            {ofTarget, "/v1/redeliver", `{"records":["{record}"],"destination":"{destination}"}`, ""},
	"POST /v1/erase":                                   {ofTarget, "", `{"target":"{target}","fields":{"email":"done@example.com"}}`, ""},
	"POST /v1/erase workspace":                         {ofWorkspace, "/v1/erase", `{"workspace":"{workspace}","all":true}`, ""},
	"POST /v1/erase records":                           {ofTarget, "/v1/erase", `{"records":["{record}"]}`, ""},
	"POST /v1/erase all":                               {ofTarget, "/v1/erase", `{"target":"{target}","all":true}`, ""},
	"POST /v1/records/read":                            {ofLists, "", `{"ids":["{record}","{open}"]}`, ""},
	"GET /v1/export":                                   {ofWorkspace, "/v1/export?workspace={workspace}", "", ""},
	"GET /v1/export?target":                            {ofTarget, "/v1/export?target={target}", "", ""},
	"GET /v1/runs":                                     {ofLists, "", "", ""},
	"GET /v1/runs?target":                              {ofTarget, "/v1/runs?target={target}", "", ""},
	"GET /v1/destinations":                             {ofGateway, "", "", ""},
	"POST /v1/destinations/{destination}/redeliver":    {ofGateway, "", "", ""},
	"POST /v1/destinations/{destination}/disable":      {ofGateway, "", "", ""},
	"POST /v1/destinations/{destination}/enable":       {ofGateway, "", "", ""},
	"POST /v1/targets/{target}/loads":                  {ofTarget, "", `{"name":"leads.csv"}`, ""},
	"GET /v1/loads/{id}":                               {ofTarget, "/v1/loads/{load}", "", ""},
	"POST /v1/loads/{id}/rows":                         {ofTarget, "/v1/loads/{load}/rows", `{"email":"row@example.com"}`, ndjson},
	"POST /v1/loads/{id}/hold":                         {ofTarget, "/v1/loads/{load}/hold", "", ""},
	"GET /v1/targets":                                  {ofLists, "", "", ""},
	"POST /v1/targets/{target}/pause":                  {ofTarget, "", `{"reason":"so"}`, ""},
	"POST /v1/targets/{target}/resume":                 {ofTarget, "", "", ""},
	"GET /v1/usage?by":                                 {ofLists, "/v1/usage?by=workspace,target,key,day", "", ""},
	"GET /v1/usage?of":                                 {ofLists, "/v1/usage?by=target&workspace={workspace}", "", ""},
	"GET /v1/usage":                                    {ofLists, "", "", ""},
	"POST /v1/stop":                                    {ofGateway, "", "", ""},
	"POST /v1/start":                                   {ofGateway, "", "", ""},
	"POST /v1/reload":                                  {ofGateway, "", "", ""},
	"GET /v1/events":                                   {ofLists, "", "", "Last-Event-ID: 0"},
	"GET /v1/events?target":                            {ofTarget, "/v1/events?target={target}", "", ""},
	"POST /v1/tickets/rotate":                          {ofGateway, "", "", ""},
	"GET /v1/audit":                                    {ofGateway, "", "", ""},
	"POST /v1/keys":                                    {ofGateway, "", `{"scopes":["read"],"targets":["{target}"]}`, ""},
	"GET /v1/keys":                                     {ofGateway, "", "", ""},
	"DELETE /v1/keys/{id}":                             {ofGateway, "/v1/keys/{key}", "", ""},
	"POST /v3/sources/webhook/{webhook}":               {ofFeed, "/v3/sources/webhook/{target}", `{"email":"row@example.com"}`, ""},
	"POST /v1/people/enrich":                           {ofDropIn, "", `{"email":"done@example.com"}`, ""},
	"POST /v3/people/enrich":                           {ofDropIn, "", `{"email":"done@example.com"}`, ""},
	"POST /v1/companies/enrich":                        {ofDropIn, "", `{"domain":"example.com"}`, ""},
	"POST /v3/companies/enrich":                        {ofDropIn, "", `{"domain":"example.com"}`, ""},
	"GET /public/v0/{path}":                            {ofUpstream, "/public/v0/me", "", "Claygate-Workspace: {workspace}"},
	"POST /public/v0/{path}":                           {ofUpstream, "/public/v0/tables", `{}`, "Claygate-Workspace: {workspace}"},
	"GET /v3/workspaces/{path}":                        {ofUpstream, "/v3/workspaces/1/tools", "", "Claygate-Workspace: {workspace}"},
	"GET /public/results/{token}":                      {ofLink, "/public/results/AAAA", "", ""},
	"GET /healthz":                                     {ofPublic, "", "", ""},
	"GET /readyz":                                      {ofPublic, "", "", ""},
	"GET /openapi.json":                                {ofPublic, "", "", ""},
	"GET /docs":                                        {ofPublic, "", "", ""},
	"POST /v1/targets/{target}/records by a bare name": {ofTarget, "/v1/targets/{bare}/records", `{"fields":{}}`, ""},
}

// TestEveryRouteHasAnEntry fails for a route that nobody has said whom it concerns, and for one that is not documented.
func TestEveryRouteHasAnEntry(t *testing.T) {
	documented := slices.Clone(undocumented)
	for path, methods := range document()["paths"].(object) {
		for method := range methods.(object) {
			name := strings.ToUpper(method) + " " + path
			documented = append(documented, name, path)
			if _, ok := routes[name]; !ok {
				t.Errorf("%s is not in the matrix: whom does it concern?", name)
			}
		}
	}
	plain := strings.NewReplacer("/{workspace}/{target}", "/{target}", "...}", "}")
	for _, pattern := range api.Routed(newTenants(t).handler) {
		if !slices.Contains(documented, plain.Replace(pattern)) {
			t.Errorf("%s is not in the document", pattern)
		}
	}
}

// asked fills what somebody has into the route and asks it.
func (w *tenants) asked(name string, b belongings, headers ...string) (got reply, reads int) {
	w.t.Helper()
	rt := routes[name]
	method, path, _ := strings.Cut(name, " ")
	fill := strings.NewReplacer("{target}", b.target, "{bare}", b.bare, "{record}", b.record, "{open}", b.open, "{load}", b.load, "{key}", b.key,
		"{destination}", b.destination, "{workspace}", b.workspace)
	if rt.path != "" {
		path = rt.path
	}
	if rt.header != "" {
		headers = append(headers, fill.Replace(rt.header))
	}
	before := w.asks()
	r := request(method, fill.Replace(path), fill.Replace(rt.body), headers...)
	if operationFor(r) != nil {
		return w.send(r), w.asks() - before
	}
	return w.plain(r), w.asks() - before
}

// asks returns how often the ledger was asked on behalf of callers.
func (w *tenants) asks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads - w.keyReads
}

// nobody is what there is not, although its names are formed as they should be.
func (w *tenants) nobody() belongings {
	load := decode[struct{ ID string }](w.t, w.do("POST", "/v1/targets/house/loads", `{"name":"gone"}`, w.admin)).ID
	w.loads = w.loads[:len(w.loads)-1]
	return belongings{"nope/none", "none", ledger.RecordID{1}.String(), ledger.RecordID{2}.String(), load, "key_0", "none-crm", "nope"}
}

// shown is all that a caller sees of an answer, without what it named itself.
func (b belongings) shown(r reply) string {
	header := r.header.Clone()
	header.Del("Content-Length") // names are of different lengths
	header.Del("Claygate-Record")
	return b.replaced(fmt.Sprintf("%d %v %s", r.status, header, r.body))
}

// TestMatrix asks every route about what is the caller's own, somebody else's and nobody's. The last two cannot be told
// apart: not by status, header or body, nor by how often the ledger was asked.
func TestMatrix(t *testing.T) {
	for name, rt := range routes {
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) {
			t.Parallel()
			w := newTenants(t)
			own, sibling := w.settle("acme/people", "crm", "of acme"), w.settle("acme/firms", "crm", "of acme")
			foreign := w.settle("zeta/rest", "zeta-crm", "ZETA")
			nobody := w.nobody()
			who := map[string]string{
				"workspace": `{"scopes":["send","read","replay","admin"],"workspaces":["acme"]}`,
				"target":    `{"scopes":["send","read","replay","admin"],"targets":["acme/people"]}`,
				"ingest":    `{"ingest":"acme/people"}`,
			}
			for caller, body := range who {
				key, _ := w.minted(body, w.admin)
				w.do("GET", "/v1/targets", "", key) // which reads the keys
				m := cell{w, t, name, caller, key}
				before := w.state(foreign.target) + w.state("acme/firms")
				others := []belongings{foreign}
				if caller != "workspace" && rt.reach != ofWorkspace {
					others = append(others, sibling)
				}
				for _, other := range others {
					m.compare(other, nobody)
				}
				if after := w.state(foreign.target) + w.state("acme/firms"); after != before && rt.reach != ofGateway {
					t.Errorf("%s changed what is not its own: %s became %s", caller, before, after)
				}
				m.own(own)
			}
			cell{w, t, name, "no key", ""}.stranger(own, foreign, nobody)
			cell{w, t, name, "unknown key", "Authorization: Bearer cg_nobody"}.stranger(own, foreign, nobody)
			if got, _ := w.asked(name, foreign, w.admin); got.status == 401 || got.status == 403 && rt.reach != ofLink || got.status == 404 && rt.reach != ofDropIn {
				if !strings.Contains(name, "/destinations/") && !strings.Contains(name, "redeliver") {
					t.Errorf("whoever reaches everything is answered %d %s", got.status, got.body)
				}
			}
		})
	}
}

// cell is one caller at one route.
type cell struct {
	*tenants
	t            *testing.T
	name, caller string
	key          string
}

// compare asks about somebody else's and about nobody's.
func (m cell) compare(other, nobody belongings) {
	m.t.Helper()
	if routes[m.name].reach == ofPublic {
		return
	}
	theirs, reads := m.asked(m.name, other, m.key)
	none, readsNone := m.asked(m.name, nobody, m.key)
	if reach := routes[m.name].reach; reach == ofLists || reach == ofDropIn { // whatever is the caller's own is shown
		nobody, other = belongings{}, belongings{}
	}
	if a, b := other.shown(theirs), nobody.shown(none); a != b {
		m.t.Errorf("%s is told of %s\n%s\nand of nobody's\n%s", m.caller, other.target, a, b)
	}
	if reads != readsNone {
		m.t.Errorf("%s: the ledger is asked %d times about %s and %d times about nobody's", m.caller, reads, other.target, readsNone)
	}
	if said := other.replaced(theirs.body); strings.Contains(strings.ToLower(said), "zeta") {
		m.t.Errorf("%s hears of zeta: %s", m.caller, said)
	}
	if want := m.refused(); want != 0 && theirs.status != want {
		m.t.Errorf("%s is answered %d about %s, want %d: %s", m.caller, theirs.status, other.target, want, theirs.body)
	}
}

// refused is the status of what is not the caller's; 0 for a list, which leaves it out.
func (m cell) refused() int {
	reach := routes[m.name].reach
	switch {
	case reach == ofPublic:
		return 0
	case reach == ofLink:
		return http.StatusForbidden
	case reach == ofGateway, m.caller == "ingest" && reach != ofFeed && !strings.Contains(m.name, "bare"), reach == ofUpstream && m.caller == "target":
		return http.StatusForbidden
	case reach == ofLists, reach == ofDropIn:
		return 0
	}
	return http.StatusNotFound
}

// own asks about the caller's own.
func (m cell) own(own belongings) {
	m.t.Helper()
	got, _ := m.asked(m.name, own, m.key)
	reach := routes[m.name].reach
	if m.refused() == http.StatusForbidden && reach != ofPublic {
		if got.status != http.StatusForbidden {
			m.t.Errorf("%s is answered %d about its own, want 403", m.caller, got.status)
		}
		return
	}
	refused := reach == ofDropIn && strings.Contains(m.name, "companies") // nobody of acme answers those
	refused = refused || reach == ofWorkspace && m.caller == "target"
	if (got.status >= 400 && got.status < 409) != refused {
		m.t.Errorf("%s is answered %d about its own: %s", m.caller, got.status, got.body)
	}
	if strings.Contains(strings.ToLower(got.body), "zeta") && reach != ofPublic {
		m.t.Errorf("%s hears of zeta: %s", m.caller, got.body)
	}
	if m.caller != "workspace" && strings.Contains(got.body, "acme/firms") && reach != ofPublic {
		m.t.Errorf("%s hears of the workspace's other target: %s", m.caller, got.body)
	}
}

// stranger asks without a key that counts, whoever's it is.
func (m cell) stranger(all ...belongings) {
	m.t.Helper()
	for _, b := range all {
		var headers []string
		if m.key != "" {
			headers = append(headers, m.key)
		}
		got, _ := m.asked(m.name, b, headers...)
		if reach := routes[m.name].reach; (reach == ofPublic || reach == ofLink) == (got.status == http.StatusUnauthorized) {
			m.t.Errorf("%s is answered %d: %s", m.caller, got.status, got.body)
		}
	}
}
