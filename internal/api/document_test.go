package api_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// driven are the operations that were answered as the document says, "operationId status".
var driven sync.Map

// operationFor returns the document's operation for a request, nil where it has none.
func operationFor(r *http.Request) object {
	for path, methods := range document()["paths"].(object) {
		if !matches(path, r.URL.EscapedPath()) {
			continue
		}
		if op, ok := methods.(object)[strings.ToLower(r.Method)].(object); ok {
			return op
		}
	}
	return nil
}

// matches reports whether a path is one of a template's. A target may be written with its workspace.
func matches(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if i := slices.IndexFunc(want, func(w string) bool { return w == "{target}" || w == "{webhook}" }); i >= 0 && len(have) == len(want)+1 {
		have = slices.Delete(have, i, i+1)
	}
	return slices.EqualFunc(want, have, func(w, h string) bool {
		return w == h || strings.HasPrefix(w, "{") && h != ""
	})
}

// checkAnswer holds an answer to the document. What no operation takes is a problem all the same.
func checkAnswer(t testing.TB, r *http.Request, got reply) {
	t.Helper()
	op := operationFor(r)
	if op == nil || got.status == http.StatusMethodNotAllowed || got.status == http.StatusInternalServerError {
		checkProblem(t, got)
		return
	}
	status := strconv.Itoa(got.status)
	answers := op["responses"].(object)
	answer, ok := answers[status].(object)
	if !ok {
		t.Fatalf("%s answered %s, which the document does not know: %s", op["operationId"], status, got.body)
	}
	answer = follow(document(), answer)
	if err := conformsAnswer(answer, got); err != nil {
		t.Fatalf("%s answered %s against the document: %v\n%s", op["operationId"], status, err, got.body)
	}
	driven.Store(fmt.Sprint(op["operationId"], " ", status), true)
}

func conformsAnswer(answer object, got reply) error {
	contents, _ := answer["content"].(object)
	if len(contents) == 0 {
		if got.body != "" {
			return fmt.Errorf("it has a body")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	content, ok := contents[kind].(object)
	if err != nil || !ok {
		return fmt.Errorf("its Content-Type is %q", got.header.Get("Content-Type"))
	}
	schema := content["schema"].(object)
	switch kind {
	case "text/html":
		return nil
	case "application/x-ndjson":
		return conformsTexts(schema, slices.Collect(strings.Lines(got.body)))
	case "text/event-stream":
		var data []string
		for line := range strings.SplitSeq(got.body, "\n") {
			if text, ok := strings.CutPrefix(line, "data: "); ok {
				data = append(data, text)
			}
		}
		return conformsTexts(schema, data)
	}
	return conformsTexts(schema, []string{got.body})
}

// conformsTexts checks JSON texts against a schema.
func conformsTexts(schema object, texts []string) error {
	for _, text := range texts {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		if err := conforms(schema, value, "it"); err != nil {
			return err
		}
	}
	return nil
}

// checkProblem holds an answer to RFC 9457.
func checkProblem(t testing.TB, got reply) {
	t.Helper()
	problem := object{"$ref": "#/components/schemas/Problem"}
	if kind := got.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("status %d with Content-Type %q: %s", got.status, kind, got.body)
	}
	if err := conformsTexts(problem, []string{got.body}); err != nil {
		t.Fatalf("status %d is no problem: %v\n%s", got.status, err, got.body)
	}
}

// TestDocumentIsTrue drives every operation through the document, with a body that the document allows.
func TestDocumentIsTrue(t *testing.T) {
	g := newGateway(t, setup{dedupeBy: []string{"email"}, stop: ended()})
	sent := g.submit("people", `{"fields":{"email":"a@example.com"},"metadata":{"n":1},"max_age":"30d","result_timeout":600,"send_by":"2h","priority":9}`)
	g.apply(sent, ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Unknown, Verdict: ledger.Doubtful, Jitter: .5})
	waits := g.submit("people", `{"fields":{"email":"b@example.com"}}`)
	done := g.submit("people", `{"fields":{"email":"c@example.com"}}`)
	g.finish(done, `{"title":"Countess"}`)
	key := g.do("POST", "/v1/keys", `{"name":"the CRM","scopes":["send"],"targets":["people"]}`)
	id := decode[struct{ ID string }](t, key).ID

	firm := g.ask("/v1/companies/enrich", `{"domain":"example.com"}`)
	g.finish(firm, `{"name":"Example"}`)

	load := decode[struct{ ID string }](t, g.do("POST", "/v1/targets/people/loads", `{"name":"leads.csv","fresh":true}`)).ID

	tests := []struct{ method, path, body string }{
		{"POST", "/v1/records/read", `{"ids":["` + sent.String() + `","` + done.String() + `"]}`},
		{"POST", "/v1/targets/people/loads", `{"name":"leads.csv"}`},
		{"GET", "/v1/loads/" + load, ""},
		{"POST", "/v1/targets/people/records?wait=1s", `{"fields":{"email":"c@example.com"}}`},
		{"POST", "/v1/targets/eu/firms/records", `[{"fields":{}},{"fields":1}]`},
		{"GET", "/v1/records?state=queued,done&limit=2", ""},
		{"GET", "/v1/records/" + sent.String() + "?attempts=1", ""},
		{"POST", "/v1/records/" + sent.String() + "/resolve", `{"arrived":true}`},
		{"POST", "/v1/records/" + waits.String() + "/cancel", `{"reason":"a typo"}`},
		{"POST", "/v1/records/" + waits.String() + "/replay", ``},
		{"POST", "/v1/records/" + done.String() + "/redeliver", `{"destination":"crm"}`},
		{"POST", "/v1/redeliver", `{"records":["` + done.String() + `"]}`},
		{"POST", "/v1/erase", `{"records":["` + waits.String() + `"]}`},
		{"GET", "/v1/runs?state=done,lost&limit=2", ""},
		{"GET", "/v1/export?workspace=main", ""},
		{"GET", "/v1/destinations", ""},
		{"POST", "/v1/destinations/crm/redeliver", ``},
		{"POST", "/v1/destinations/crm/disable", `{"reason":"it is being rebuilt"}`},
		{"POST", "/v1/destinations/crm/enable", ``},
		{"GET", "/v1/targets", ""},
		{"POST", "/v1/targets/people/pause", `{"reason":"the table is being rebuilt"}`},
		{"GET", "/v1/targets", ""},
		{"POST", "/v1/targets/people/resume", ``},
		{"GET", "/v1/usage?by=day,target,key&month=2026-12", ""},
		{"POST", "/v1/stop", `{"reason":"too dear"}`},
		{"POST", "/v1/start", ``},
		{"POST", "/v1/reload", ``},
		{"POST", "/v3/sources/webhook/people", `[{"email":"d@example.com"}]`},
		{"POST", "/v1/people/enrich", `{"email":"c@example.com"}`},
		{"POST", "/v3/people/enrich", `{"email":"c@example.com"}`},
		{"POST", "/v1/companies/enrich", `{"domain":"example.com"}`},
		{"POST", "/v3/companies/enrich", `{"domain":"example.com"}`},
		{"GET", "/public/v0/me", ""},
		{"POST", "/public/v0/tables", `{"any":1}`},
		{"GET", "/v1/keys", ""},
		{"GET", "/v1/audit?limit=5", ""},
		{"POST", "/v1/tickets/rotate", ""},
		{"DELETE", "/v1/keys/" + id, ""},
		{"GET", "/healthz", ""},
		{"GET", "/openapi.json", ""},
		{"GET", "/docs", ""},
	}
	for _, tt := range tests {
		r := request(tt.method, tt.path, tt.body)
		if err := conformsBody(operationFor(r), tt.body); err != nil && !strings.Contains(tt.body, `"fields":1`) {
			t.Errorf("%s %s is not what the document wants: %v", tt.method, tt.path, err)
		}
		if got := g.send(r); got.status >= 300 {
			t.Errorf("%s %s answered %d: %s", tt.method, tt.path, got.status, got.body)
		}
	}
	lines := g.do("POST", "/v1/targets/people/records", `{"fields":{}}`+"\n{}\n", "Content-Type: application/x-ndjson")
	if lines.status != http.StatusOK {
		t.Errorf("lines are answered %d: %s", lines.status, lines.body)
	}
	rows := g.do("POST", "/v1/loads/"+load+"/rows", `{"email":"a@example.com"}`+"\n[]\n", "Content-Type: application/x-ndjson")
	held := g.do("POST", "/v1/loads/"+load+"/hold", "")
	if rows.status != http.StatusOK || held.status != http.StatusOK {
		t.Errorf("rows are answered %d: %s, the hold %d: %s", rows.status, rows.body, held.status, held.body)
	}
	g.do("GET", "/v1/events", "", "Last-Event-ID: 0")
	newGateway(t, setup{}).do("GET", "/readyz", "")
	f := withKept()
	g = newGateway(t, setup{store: f, hub: f.hub})
	g.do("GET", keptLink(t, g), "")
	for path, methods := range document()["paths"].(object) {
		for method, op := range methods.(object) {
			if !wasDriven(op.(object)) {
				t.Errorf("%s %s was never answered 2xx", strings.ToUpper(method), path)
			}
		}
	}
}

func wasDriven(op object) bool {
	for status := range op["responses"].(object) {
		if _, ok := driven.Load(fmt.Sprint(op["operationId"], " ", status)); ok && status < "3" {
			return true
		}
	}
	return false
}

// conformsBody holds a request's body to the document.
func conformsBody(op object, body string) error {
	wanted, _ := op["requestBody"].(object)
	if body == "" {
		if wanted["required"] == true {
			return fmt.Errorf("a body is required")
		}
		return nil
	}
	content := wanted["content"].(object)["application/json"].(object)
	return conformsTexts(content["schema"].(object), []string{body})
}

// released is the document as it was last released: what it promises is never taken back.
const released = "testdata/openapi.released.json"

func TestNothingPromisedIsTakenBack(t *testing.T) {
	if *update {
		text, err := os.ReadFile("openapi.json")
		if err == nil {
			err = os.WriteFile(filepath.FromSlash(released), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	var old object
	if err := json.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	for _, breach := range breaches(old, document(), "") {
		t.Error(breach)
	}
}
