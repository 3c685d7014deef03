package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/ledger"
)

// service is a gateway with its listeners, in front of a Clay that takes every row and leaves the callbacks to the test.
type service struct {
	*testing.T
	*App
	clay   *httptest.Server
	rows   chan map[string]any // as they arrive
	client *http.Client
}

// serve starts a gateway with the targets, each of which has one webhook unless it says otherwise.
func serve(t *testing.T, targets ...Target) *service {
	t.Helper()
	return serveWith(t, func(s *service) Config { return s.config(filepath.Join(t.TempDir(), "ledger.db"), targets...) })
}

// serveWith starts a gateway with a configuration of the test's.
func serveWith(t *testing.T, configured func(*service) Config) *service {
	t.Helper()
	s := &service{T: t, rows: make(chan map[string]any, 10_000), client: &http.Client{Transport: &http.Transport{}}}
	s.clay = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(s.clay.Close)
	t.Cleanup(s.client.CloseIdleConnections)
	s.App = open(t, configured(s))
	s.Start(0)
	return s
}

func (s *service) config(ledgerPath string, targets ...Target) Config {
	for i, t := range targets {
		if t.Webhooks == nil {
			targets[i].Webhooks = []Webhook{{URL: s.clay.URL + "/" + t.Name, Limit: -1}}
		}
	}
	return Config{
		Ledger: ledgerPath, Targets: targets, Listen: "127.0.0.1:0", CallbackListen: "127.0.0.1:0",
		Pace: map[string]ledger.Pace{"main": {PerSecond: 1000, Burst: 1000}},
	}
}

func (s *service) take(w http.ResponseWriter, r *http.Request) {
	row := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&row); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	row["table"] = strings.TrimPrefix(r.URL.Path, "/")
	s.rows <- row
	w.WriteHeader(http.StatusOK)
}

// row waits for the next row that Clay takes.
func (s *service) row() map[string]any {
	s.Helper()
	select {
	case row := <-s.rows:
		return row
	case <-s.Context().Done():
		s.Fatal("no row arrived")
		return nil
	}
}

// callback calls back for a row, with more fields, as Clay's column would.
func (s *service) callback(row map[string]any, fields map[string]any) {
	s.Helper()
	fields[ledger.TicketField] = row[ledger.TicketField]
	status, body := s.post("http://"+s.CallbackAddr()+CallbackPath+row["table"].(string), fields)
	if status != http.StatusOK {
		s.Fatalf("a callback was answered %d: %s", status, body)
	}
}

// submit hands a record in and returns the answer.
func (s *service) submit(path string, fields any) map[string]any {
	s.Helper()
	status, body := s.post("http://"+s.APIAddr()+"/v1/targets/"+path, map[string]any{"fields": fields})
	if status >= 300 {
		s.Fatalf("submitting to %s: %d %s", path, status, body)
	}
	return s.decode(body)
}

// get reads a path of the API.
func (s *service) get(path string) map[string]any {
	s.Helper()
	resp, err := s.client.Get("http://" + s.APIAddr() + path)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("GET %s: %d %s %v", path, resp.StatusCode, body, err)
	}
	return s.decode(body)
}

func (s *service) post(url string, body any) (int, []byte) {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	resp, err := s.client.Post(url, "application/json", bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (s *service) decode(body []byte) (v map[string]any) {
	s.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		s.Fatalf("%s: %v", body, err)
	}
	return v
}

// A table that calls back in parts keeps its record open until complete_when holds; whoever waits gets the whole.
func TestCompleteWhen(t *testing.T) {
	condition, err := expression.Compile(`status == "finished" and float(score) > 0.5`)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, Target{Name: "people", CompleteWhen: condition})
	waited := make(chan map[string]any, 1)
	go func() {
		waited <- s.submit("people/records?wait=60s", map[string]any{"email": "ada@example.com"})
	}()
	row := s.row()
	id, _, _ := strings.Cut(row[ledger.TicketField].(string), ".")
	s.callback(row, map[string]any{"status": "running", "title": "Countess"})
	s.callback(row, map[string]any{"status": "finished", "title": "", "score": "n/a"}) // which float cannot read
	open := s.get("/v1/records/" + id)
	if result := open["result"].(map[string]any); open["state"] != "sent" || open["revision"] != 0.0 || result["title"] != "Countess" {
		t.Errorf("while it is open: %v", open)
	}
	s.callback(row, map[string]any{"score": "0.9"})
	record := <-waited
	if result := record["result"].(map[string]any); record["state"] != "done" || record["revision"] != 1.0 || result["title"] != "Countess" ||
		result["status"] != "finished" || result["score"] != "0.9" {
		t.Errorf("the caller who waited got %v", record)
	}
}

// The configuration's text is what decides.
func TestCompleteWhenOfTheConfiguration(t *testing.T) {
	target := tableTarget(config.Target{Workspace: "main", Name: "people", Kind: config.KindTable, Table: config.Table{CompleteWhen: "done == true"}})
	lt := target.ledgerTarget(false)
	for fields, want := range map[string]bool{`{"done":true}`: true, `{"done":false}`: false, `{}`: false} {
		if got, err := lt.CompleteWhen(json.RawMessage(fields)); got != want || err != nil {
			t.Errorf("%s: %t, %v", fields, got, err)
		}
	}
	if none := tableTarget(config.Target{}).ledgerTarget(false); none.CompleteWhen != nil {
		t.Error("without complete_when there is one")
	}
}

// Two callers with one key and different input share one send; the second one is told so.
func TestInputDiffers(t *testing.T) {
	s := serve(t, Target{Name: "people", DedupeBy: []string{"email"}})
	first := s.submit("people/records", map[string]any{"email": "ada@example.com", "company": "Analytical Engines"})
	row := s.row()
	same := s.submit("people/records", map[string]any{"company": "Analytical Engines", "email": "ada@example.com"})
	other := s.submit("people/records", map[string]any{"email": " Ada@example.com", "company": "Babbage"})
	if first["input_differs"] != nil || same["input_differs"] != nil || other["input_differs"] != true || other["state"] != "joined" {
		t.Errorf("first %v, same %v, other %v", first, same, other)
	}
	s.callback(row, map[string]any{"title": "Countess"})
	for _, r := range []map[string]any{first, same, other} {
		got := s.get("/v1/records/" + r["id"].(string) + "?wait=30s")
		if got["state"] != "done" || got["result"].(map[string]any)["title"] != "Countess" {
			t.Errorf("%v", got)
		}
	}
	select {
	case row := <-s.rows:
		t.Errorf("a second row was sent: %v", row)
	default:
	}
	if cached := s.submit("people/records", map[string]any{"email": "ada@example.com", "company": "Babbage"}); cached["cached"] != true || cached["input_differs"] != true {
		t.Errorf("from the cache: %v", cached)
	}
}

// The first key was made by a command, through the socket, and for up to a second the gateway was still open to everybody.
func TestKeyMadeThroughTheSocketCountsAtOnce(t *testing.T) {
	s := serve(t, Target{Name: "people"})
	url := "http://" + s.APIAddr() + "/v1/targets/people/records"
	if status, body := s.post(url, map[string]any{"fields": map[string]any{"a": 1}}); status != http.StatusAccepted {
		t.Fatalf("without keys: %d %s", status, body)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/keys", strings.NewReader(`{"scopes":["admin"]}`))
	r.Header.Set("Content-Type", "application/json")
	s.Trusted.ServeHTTP(w, r)
	if w.Code != http.StatusCreated {
		t.Fatalf("no key: %d %s", w.Code, w.Body)
	}
	if status, body := s.post(url, map[string]any{"fields": map[string]any{"a": 1}}); status != http.StatusUnauthorized {
		t.Errorf("right after the first key, without it: %d %s", status, body)
	}
}
