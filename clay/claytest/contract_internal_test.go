package claytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visit is one request and what was answered.
type visit struct {
	operation string
	status    int
	request   string
	answer    string
}

// tour asks the server for everything there is and returns what it heard.
type tour struct {
	t      *testing.T
	s      *Server
	visits []visit
}

// ask makes a request and returns the answer's fields.
func (w *tour) ask(operation, path, body string, header ...string) map[string]any {
	w.t.Helper()
	method, pattern, _ := strings.Cut(operation, " ")
	if path == "" {
		path = pattern
	}
	req, err := http.NewRequest(method, w.s.URL()+PublicAPIPath+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("clay-api-key", "k")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.s.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.HasPrefix(resp.Header.Get("request-id"), "req_") || resp.Header.Get("Content-Type") != "application/json" {
		w.t.Errorf("%s: %v, header %v", operation, err, resp.Header)
	}
	w.visits = append(w.visits, visit{operation, resp.StatusCode, body, string(text)})
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		w.t.Errorf("%s: %s", operation, text)
	}
	return v
}

// all visits every operation, with every end that the emulator knows.
func (w *tour) all() {
	w.ask("GET /me", "", "")
	w.ask("GET /credits/balance", "", "")
	w.runs()
	w.batches()
	w.searches()
	const table = `{"tables":[{"id":"t_1","alias":"a"}],"select":[{"field":"Email","as":"e"},{"field":"Title"}],"field_mode":"names","filter":{"and":[{"field":"Email","op":"contains","value":"a"},{"not":{"field":"id","op":"is_empty"}}]}}`
	more := w.ask("POST /tables/query", "", `{"query":`+table+`,"limit":3}`)
	w.ask("POST /tables/query", "", `{"query":`+table+`,"cursor":"`+more["cursor"].(string)+`"}`)
	w.ask("POST /tables/query", "", `{"query":{"tables":[{"id":"t_1"}]},"cursor":"x"}`)
	w.ask("POST /tables/query", "", `{"query":{"tables":[{"id":"x"}]}}`)
	w.ask("POST /tables/query", "", `{"query":{"tables":[{"id":"t_1"}],"group_by":["Email"]}}`)
	for operation := range contracts {
		w.ask(operation, "", "", "clay-api-key", "")
	}
}

func (w *tour) runs() {
	const start, results = "POST /routines/{routine}/run", "GET /routines/run/{run}/results"
	items := `[{"id":"a","inputs":{"email":"jane.doe@acme.com"}},{"id":"b","inputs":{"domain":"acme.com"}},{"id":"c","inputs":{}}]`
	run := w.ask(start, "/routines/function:t_1/run", `{"items":`+items+`}`)["routine_run_id"].(string)
	w.ask(results, "/routines/run/"+run+"/results", "")
	<-time.After(time.Minute)
	more := w.ask(results, "/routines/run/"+run+"/results?limit=2", "")
	w.ask(results, "/routines/run/"+run+"/results?cursor="+more["cursor"].(string), "")
	w.ask(results, "/routines/run/"+run+"/results?limit=101", "")
	w.ask(results, "/routines/run/"+run+"/results?cursor=x", "")
	w.ask(results, "/routines/run/none/results", "")
	w.ask(start, "/routines/nothing/run", `{"items":`+items+`}`)
	w.ask(start, "/routines/function:t_1/run", `{"items":[]}`)
	w.ask(start, "/routines/function:t_1/run", `{"items":`+items+`,"webhook_id":"wh_none"}`)
	w.ask(start, "/routines/function:t_1/run", `{"items":[{"id":"a","inputs":{"x":"`+strings.Repeat("x", 5000)+`"}}]}`)
	w.ask(start, "/routines/function:t_1/run", `{"items":`+items+`}`, "Content-Type", "text/plain")
}

func (w *tour) batches() {
	const upload, start, results = "POST /routines/{routine}/run-batch/upload-url", "POST /routines/{routine}/run-batch/start", "GET /routines/run-batch/{run}/results"
	for _, file := range []string{`{"id":"a","inputs":{}}`, "", `{"id":"a"}`} {
		place := w.ask(upload, "/routines/workflow:w/run-batch/upload-url", "")
		req, _ := http.NewRequest(http.MethodPut, place["upload_url"].(string), strings.NewReader(file))
		resp, err := w.s.Client().Do(req)
		if err != nil || resp.StatusCode != 200 {
			w.t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
		run := w.ask(start, "/routines/workflow:w/run-batch/start", `{"file_id":"`+place["file_id"].(string)+`"}`)["routine_run_id"].(string)
		w.ask(results, "/routines/run-batch/"+run+"/results", "")
		<-time.After(time.Minute)
		w.ask(results, "/routines/run-batch/"+run+"/results", "")
	}
	if err := w.s.SetFaults(Fault{Kind: RunFail}); err != nil {
		w.t.Fatal(err)
	}
	place := w.ask(upload, "/routines/workflow:w/run-batch/upload-url", "")
	req, _ := http.NewRequest(http.MethodPut, place["upload_url"].(string), strings.NewReader(`{"id":"a","inputs":{}}`))
	if resp, err := w.s.Client().Do(req); err == nil {
		_ = resp.Body.Close()
	}
	run := w.ask(start, "/routines/workflow:w/run-batch/start", `{"file_id":"`+place["file_id"].(string)+`"}`)["routine_run_id"].(string)
	<-time.After(time.Minute)
	w.ask(results, "/routines/run-batch/"+run+"/results", "")
	w.ask(results, "/routines/run-batch/none/results", "")
	w.ask(upload, "/routines/nothing/run-batch/upload-url", "")
	w.ask(start, "/routines/nothing/run-batch/start", `{"file_id":"x"}`)
	w.ask(start, "/routines/workflow:w/run-batch/start", `{"file_id":"x"}`)
}

func (w *tour) searches() {
	for _, source := range []string{"people", "companies"} {
		id := w.ask("POST /search/filters-mode", "", `{"source_type":"`+source+`","filters":{}}`)["search_id"].(string)
		w.ask("POST /search/filters-mode/{search}/run", "/search/filters-mode/"+id+"/run", `{"limit":2}`)
		w.ask("GET /search/filters-mode/fields", "/search/filters-mode/fields?source_type="+source, "")
		id = w.ask("POST /search/query-mode", "", `{"query":"`+source+`"}`)["search_id"].(string)
		w.ask("POST /search/query-mode/{search}/run", "/search/query-mode/"+id+"/run", `{}`)
		w.ask("POST /search/query-mode/{search}/run", "/search/query-mode/"+id+"/run", `{}`)
		w.ask("POST /search/filters-mode/{search}/run", "/search/filters-mode/"+id+"/run", `{"x":"`+strings.Repeat("x", 5000)+`"}`)
	}
	id := w.ask("POST /search/query-mode", "", `{"query":"x"}`)["search_id"].(string)
	w.ask("POST /search/query-mode/{search}/run", "/search/query-mode/"+id+"/run", `{"limit":500}`)
	w.ask("POST /search/query-mode/{search}/run", "/search/query-mode/none/run", `{}`)
	w.ask("POST /search/filters-mode/{search}/run", "/search/filters-mode/"+id+"/run", `{"limit":501}`)
	id = w.ask("POST /search/filters-mode", "", `{"source_type":"people","filters":{}}`)["search_id"].(string)
	w.ask("POST /search/filters-mode/{search}/run", "/search/filters-mode/"+id+"/run", `{}`)
	w.ask("POST /search/filters-mode", "", `{"source_type":"cats","filters":{}}`)
	w.ask("GET /search/filters-mode/fields", "/search/filters-mode/fields", "")
	w.ask("GET /search/query-mode/reference", "", "")
}

func take(t *testing.T) []visit {
	t.Helper()
	s := New(t, Options{InMemory: true, PublicAPI: PublicAPI{PerSecond: -1, MaxBody: 4000, Found: 25, SearchQuota: 54, Failures: 0.4}})
	w := &tour{t: t, s: s}
	w.all()
	return w.visits
}

// Every answer is within the contract, and the tour sees what the emulator can answer.
func TestContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]map[int]bool{}
		for _, v := range take(t) {
			if why := contracts[v.operation].broken(answer{status: v.status, body: v.answer}); why != "" || strings.Contains(v.answer, offContract) {
				t.Errorf("%s: %d %s: %s", v.operation, v.status, v.answer, why)
			}
			if seen[v.operation] == nil {
				seen[v.operation] = map[int]bool{}
			}
			seen[v.operation][v.status] = true
		}
		for operation, c := range contracts {
			for status := range c.answers {
				// 403 and, for searches, 404 at the start come from faults only; so does
				// 402 there. 429 and 400 without input have tests of their own.
				if status == 403 || status == 429 || seen[operation][status] || slices.Contains(unseen[operation], status) {
					continue
				}
				t.Errorf("%s never answered %d", operation, status)
			}
		}
		if len(contracts) != 14 {
			t.Errorf("%d operations", len(contracts))
		}
	})
}

// unseen are statuses that the document allows and the emulator has no occasion for.
var unseen = map[string][]int{
	"POST /routines/{routine}/run-batch/upload-url": {400},
	"GET /routines/run-batch/{run}/results":         {400},
	"POST /search/filters-mode":                     {402, 404},
	"POST /search/query-mode":                       {400, 402, 404},
	"GET /search/query-mode/reference":              {400},
	"POST /search/query-mode/{search}/run":          {400},
	"POST /search/filters-mode/{search}/run":        {404},
}

// A field too much, a field too few and a field of another type are all seen,
// wherever they are: a description that lets everything through proves nothing.
func TestContractBites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bitten := 0
		for _, v := range take(t) {
			c := contracts[v.operation]
			if v.status/100 == 2 && v.request != "" && c.request != nil {
				bitten += bites(t, v.operation+" request", c.request, v.request)
			}
			bitten += bites(t, fmt.Sprint(v.operation, " ", v.status), c.answers[v.status], v.answer)
		}
		if bitten < 500 {
			t.Errorf("only %d spoiled values were tried", bitten)
		}
	})
}

// free are the places where anything may stand.
var free = []string{".inputs", ".result", ".filters", ".fields", ".value"}

// bites spoils a value in every place and expects the shape to see each.
func bites(t *testing.T, name string, s shape, text string) (tried int) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	spoil(v, "", func(at string, optional bool) {
		if strings.HasPrefix(name, "POST /search/filters-mode/{search}/run 200") && strings.HasPrefix(at, ".data[]") {
			return // records of any form
		}
		tried++
		spoiled, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if s.check(spoiled) == "" && !optional {
			t.Errorf("%s: spoiled at %s it passes: %s", name, at, bytes.TrimSpace(spoiled))
		}
	})
	return tried
}

// optional are the fields that may be missing.
var optional = []string{
	"cli_onboarded", "action_execution_balance", "webhook_id", "result", "error", "cursor", "limit", "period_quota",
	"exhaustion_reason", "description", "allowed_values", "create_examples", "is_stale", "value",
	"alias", "as", "select", "field_mode", "filter", "fields",
	"e", "Title", // which a row of a table may have or not
}

// spoil changes v in place, one thing at a time, and back.
func spoil(v any, at string, try func(at string, optional bool)) {
	if slices.ContainsFunc(free, func(f string) bool { return strings.HasSuffix(at, f) }) {
		return
	}
	switch v := v.(type) {
	case []any:
		for i := range min(len(v), 3) {
			spoil(v[i], at+"[]", try)
		}
	case map[string]any:
		v["unheard_of"] = []any{}
		try(at+" with a field too much", false)
		delete(v, "unheard_of")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			old := v[name]
			delete(v, name)
			try(at+"."+name+" missing", slices.Contains(optional, name))
			v[name] = map[string]any{"another": "type"}
			try(at+"."+name+" of another type", slices.ContainsFunc(free, func(f string) bool { return strings.HasSuffix("."+name, f) }))
			v[name] = old
			spoil(old, at+"."+name, try)
		}
	}
}
