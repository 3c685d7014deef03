package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// loadAnswer is how a load stands, as callers see it.
type loadAnswer struct {
	ID                           string
	Counts                       map[string]int
	Cached, Attempted, Delivered int
	Paused                       *struct{ Reason string }
	Stopped                      *string
}

// rowAnswer is the answer to a row.
type rowAnswer struct {
	Line       int
	ID, State  string
	Cached     bool
	Known      bool
	Sends      int
	Would      string
	Problem    *struct{ Detail string }
	InputDiffs bool `json:"input_differs"`
}

func (g *gateway) openLoad(body string) loadAnswer {
	g.t.Helper()
	got := g.do("POST", "/v1/targets/people/loads", body)
	if got.status != http.StatusOK {
		g.t.Fatalf("opening a load: %d: %s", got.status, got.body)
	}
	return decode[loadAnswer](g.t, got)
}

func (g *gateway) readLoad(id string) loadAnswer {
	g.t.Helper()
	return decode[loadAnswer](g.t, g.do("GET", "/v1/loads/"+id, ""))
}

// rows hands rows in, which has to work, and returns their answers.
func (g *gateway) rows(id, query string, rows ...string) []rowAnswer {
	g.t.Helper()
	got := g.do("POST", "/v1/loads/"+id+"/rows"+query, strings.Join(rows, "\n"), "Content-Type: application/x-ndjson")
	if got.status != http.StatusOK {
		g.t.Fatalf("rows are answered %d: %s", got.status, got.body)
	}
	var answers []rowAnswer
	for line := range strings.Lines(got.body) {
		var a rowAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			g.t.Fatal(err)
		}
		answers = append(answers, a)
	}
	return answers
}

// states returns the answers' states, problems and prospects.
func states(answers []rowAnswer) []string {
	var all []string
	for _, a := range answers {
		switch {
		case a.Problem != nil:
			all = append(all, "problem")
		case a.Would != "":
			all = append(all, a.Would)
		default:
			all = append(all, a.State)
		}
	}
	return all
}

func parsed(t *testing.T, id string) ledger.RecordID {
	t.Helper()
	parsed, err := ledger.ParseRecordID(id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The failure it prevents: a load that is handed in again, as after a lost connection, is sent and paid for twice.
func TestRowsHandedInAgainAreTheSame(t *testing.T) {
	g := newGateway(t, onDisk(t))
	load := g.openLoad(`{"name":"leads.csv"}`)
	rows := []string{`{"email":"a@b.c"}`, `{"email":"a@b.c"}`, `not JSON`, `{"email":"d@b.c","n":1}`, ``, `{"n":1,"email":"d@b.c"}`}
	first := g.rows(load.ID, "?dedupe_by=email", rows...)
	if diff := cmp.Diff([]string{"queued", "joined", "problem", "queued", "joined"}, states(first)); diff != "" {
		t.Fatal(diff)
	}
	g.finish(parsed(t, first[0].ID), `{"title":"Countess"}`)
	again := g.rows(g.openLoad(`{"name":"leads.csv"}`).ID, "?dedupe_by=email", rows...)
	for i, a := range again {
		if a.ID != first[i].ID || a.Line != first[i].Line || a.Problem == nil && !a.Known {
			t.Errorf("line %d is %+v the second time, was %+v", first[i].Line, a, first[i])
		}
	}
	if diff := cmp.Diff([]string{"done", "done", "problem", "queued", "joined"}, states(again)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"done": 2, "queued": 1, "joined": 1}, g.readLoad(load.ID).Counts); diff != "" {
		t.Error(diff)
	}
	if fresh := g.openLoad(`{"name":"leads.csv","fresh":true}`); fresh.ID == load.ID || len(fresh.Counts) > 0 {
		t.Errorf("a fresh load is %+v", fresh)
	}
}

// What the input lost is not sent; what it has again is.
func TestRowsThatTheInputLost(t *testing.T) {
	g := newGateway(t, onDisk(t))
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	first := g.rows(load, "", `{"n":1}`, `{"n":2}`, `{"n":3}`)
	g.rows(load, "?partial=1", `{"n":1}`)
	if n := g.readLoad(load).Counts["queued"]; n != 3 {
		t.Errorf("after a part of them %d are queued, want all", n)
	}
	g.rows(load, "", `{"n":1}`)
	if diff := cmp.Diff(map[string]int{"queued": 1, "canceled": 2}, g.readLoad(load).Counts); diff != "" {
		t.Error(diff)
	}
	again := g.rows(load, "", `{"n":3}`, `{"n":1}`)
	if diff := cmp.Diff([]string{"queued", "queued"}, states(again)); diff != "" || again[0].ID != first[2].ID {
		t.Errorf("%s %s", diff, again[0].ID)
	}
}

// What others have joined is not held back from them: neither a row of another load nor a record that somebody sent.
func TestHoldKeepsBackWhatHasNotLeft(t *testing.T) {
	o := onDisk(t)
	o.dedupeBy = []string{"email"}
	g := newGateway(t, o)
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	first := g.rows(load, "?dedupe_by=email", `{"email":"1"}`, `{"email":"2"}`, `{"email":"3"}`)
	g.apply(parsed(t, first[0].ID), ledger.Claim{})
	other := g.openLoad(`{"name":"other.csv"}`).ID
	joined := g.rows(other, "?dedupe_by=email", `{"email":"3"}`)[0]
	waits := g.submit("people", `{"fields":{"email":"2"}}`)
	held := decode[loadAnswer](t, g.do("POST", "/v1/loads/"+load+"/hold", ""))
	if diff := cmp.Diff(map[string]int{"sending": 1, "canceled": 1, "queued": 1}, held.Counts); diff != "" {
		t.Error(diff)
	}
	read := g.do("POST", "/v1/records/read", fmt.Sprintf(`{"ids":[%q,%q,%q,%q]}`, first[1].ID, joined.ID, waits, first[0].ID))
	got := decode[struct {
		Records []struct {
			ID, State, Outcome string
			Sends              int
		}
	}](t, read)
	var seen []string
	for _, r := range got.Records {
		seen = append(seen, r.State+" "+r.Outcome)
	}
	if diff := cmp.Diff([]string{"canceled pending", "joined pending", "queued pending", "sending pending"}, seen); diff != "" {
		t.Errorf("%s\n%s", diff, read.body)
	}
	if diff := cmp.Diff([]string{"sending", "joined", "queued"}, states(g.rows(load, "?dedupe_by=email", `{"email":"1"}`, `{"email":"2"}`, `{"email":"3"}`))); diff != "" {
		t.Error(diff)
	}
}

func TestRetryNamesWhatIsSentAgain(t *testing.T) {
	g := newGateway(t, onDisk(t))
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	rows := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`}
	first := g.rows(load, "", rows...)
	ends := map[int][]ledger.Event{
		0: {ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Reason: "no"}},
		1: {ledger.Claim{}, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted}},
		2: {ledger.Result{Fields: json.RawMessage(`{"x":1}`)}},
	}
	for i, events := range ends {
		g.apply(parsed(t, first[i].ID), events...)
	}
	for query, want := range map[string][]string{"": {"dead", "sent", "done", "queued"}, "?retry=expired,uncertain": {"dead", "sent", "done", "queued"}} {
		if diff := cmp.Diff(want, states(g.rows(load, query, rows...))); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
	if diff := cmp.Diff([]string{"send", "known", "known", "send"}, states(g.rows(load, "?dry_run=1&retry=failed", rows...))); diff != "" {
		t.Error(diff)
	}
	retried := g.rows(load, "?retry=failed", rows...)
	if diff := cmp.Diff([]string{"queued", "sent", "done", "queued"}, states(retried)); diff != "" {
		t.Error(diff)
	}
	if retried[1].Sends != 1 || retried[0].Sends != 0 {
		t.Errorf("Clay took them %d and %d times", retried[1].Sends, retried[0].Sends)
	}
}

// The failure it prevents: rows of which the first in a batch would be sent counted again in the next batch.
func TestDryRunStoresNothing(t *testing.T) {
	g := newGateway(t, onDisk(t))
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	var rows []string
	for i := range 1200 {
		rows = append(rows, fmt.Sprintf(`{"email":"%d@b.c"}`, i%700))
	}
	counted := map[string]int{}
	for _, s := range states(g.rows(load, "?dry_run=1&dedupe_by=email", append(rows, "{")...)) {
		counted[s]++
	}
	if diff := cmp.Diff(map[string]int{"send": 700, "save": 500, "problem": 1}, counted); diff != "" {
		t.Error(diff)
	}
	if counts := g.readLoad(load).Counts; len(counts) > 0 {
		t.Errorf("it stored %v", counts)
	}
	g.rows(load, "", `{"n":1}`)
	if diff := cmp.Diff([]string{"known"}, states(g.rows(load, "?dry_run=1&fresh=0", `{"n":1}`))); diff == "" {
		t.Error("a queued row is known, and not to be sent")
	}
}

func TestRowsThatFailAsAWhole(t *testing.T) {
	f := newFake(people, firms)
	g := newGateway(t, setup{store: f, hub: f.hub})
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	f.fail(&ledger.Error{Kind: ledger.Full, Op: "accept", Message: "no space"})
	if got := g.do("POST", "/v1/loads/"+load+"/rows", `{"n":1}`, "Content-Type: application/x-ndjson"); got.status != http.StatusServiceUnavailable {
		t.Errorf("on a full disk: %d: %s", got.status, got.body)
	}
	f.fail(nil)
	g.rows(load, "", `{"n":1}`, `{"n":2}`)
	r := request("POST", "/v1/loads/"+load+"/rows", "x", "Content-Type: application/x-ndjson")
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{"n":1}`+"\n"), breaking{})), -1
	if got := g.send(r); got.status != http.StatusBadRequest {
		t.Errorf("a body that breaks off: %d: %s", got.status, got.body)
	}
	if diff := cmp.Diff(map[string]int{"queued": 2}, g.readLoad(load).Counts); diff != "" {
		t.Errorf("what came before a body broke off gave up the rest:\n%s", diff)
	}
}

// breaking is a body that ends too early.
type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestLoadsRefuse(t *testing.T) {
	g := newGateway(t, setup{})
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	other := load[:len(load)-1] + string("0v"[min(1, strings.Count(load[len(load)-1:], "0"))])
	lines := "Content-Type: application/x-ndjson"
	tests := map[string]struct {
		method, path, body string
		header             []string
		status             int
	}{
		"no name":              {"POST", "/v1/targets/people/loads", `{}`, nil, 400},
		"a name too long":      {"POST", "/v1/targets/people/loads", `{"name":"` + strings.Repeat("x", 9<<10) + `"}`, nil, 400},
		"a fresh that is none": {"POST", "/v1/targets/people/loads", `{"name":"x","fresh":1}`, nil, 400},
		"an unknown member":    {"POST", "/v1/targets/people/loads", `{"name":"x","dedupe":"y"}`, nil, 400},
		"an unknown target":    {"POST", "/v1/targets/poeple/loads", `{"name":"x"}`, nil, 404},
		"a guessed name":       {"GET", "/v1/loads/" + other, "", nil, 404},
		"no name of a load":    {"GET", "/v1/loads/1", "", nil, 404},
		"a record's name":      {"POST", "/v1/loads/rec_00000000000000000000000001/hold", "", nil, 404},
		"rows as JSON":         {"POST", "/v1/loads/" + load + "/rows", `{"n":1}`, nil, 415},
		"rows to nowhere":      {"POST", "/v1/loads/" + other + "/rows", `{"n":1}`, []string{lines}, 404},
		"an unknown parameter": {"POST", "/v1/loads/" + load + "/rows?dedupe=x", `{"n":1}`, []string{lines}, 400},
		"an empty dedupe_by":   {"POST", "/v1/loads/" + load + "/rows?dedupe_by=a,", `{"n":1}`, []string{lines}, 400},
		"an unknown retry":     {"POST", "/v1/loads/" + load + "/rows?retry=all", `{"n":1}`, []string{lines}, 400},
		"an age in words":      {"POST", "/v1/loads/" + load + "/rows?max_age=old", `{"n":1}`, []string{lines}, 400},
		"fresh without a look": {"POST", "/v1/loads/" + load + "/rows?fresh=1", `{"n":1}`, []string{lines}, 400},
		"no ids":               {"POST", "/v1/records/read", `{}`, nil, 400},
		"ids that are none":    {"POST", "/v1/records/read", `{"ids":["x"]}`, nil, 400},
		"too many ids":         {"POST", "/v1/records/read", `{"ids":["` + strings.Repeat(`x","`, 500) + `x"]}`, nil, 400},
	}
	for name, tt := range tests {
		if got := g.do(tt.method, tt.path, tt.body, tt.header...); got.status != tt.status {
			t.Errorf("%s: status %d, want %d: %s", name, got.status, tt.status, got.body)
		}
	}
}

// Keys reach the loads of their targets only, and a key that sends may not guess another's.
func TestKeysAndLoads(t *testing.T) {
	g := newGateway(t, onDisk(t))
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	id := g.rows(load, "", `{"n":1}`)[0].ID
	key := func(spec string) string {
		return "Authorization: Bearer " + decode[struct{ Key string }](t, g.do("POST", "/v1/keys", spec)).Key
	}
	sends := key(`{"name":"a","scopes":["send"],"targets":["people"]}`)
	elsewhere := key(`{"name":"b","scopes":["send","read"],"targets":["eu/firms"]}`)
	reads := key(`{"name":"c","scopes":["read"]}`)
	guarded := newGateway(t, setup{store: g.store, hub: g.hub.Hub, guarded: true})
	lines := "Content-Type: application/x-ndjson"
	tests := []struct {
		key, method, path, body string
		header                  string
		status                  int
	}{
		{sends, "POST", "/v1/targets/people/loads", `{"name":"x"}`, "", 200},
		{sends, "POST", "/v1/loads/" + load + "/rows", `{"n":1}`, lines, 200},
		{sends, "GET", "/v1/loads/" + load, "", "", 200},
		{elsewhere, "POST", "/v1/targets/people/loads", `{"name":"x"}`, "", 404},
		{elsewhere, "GET", "/v1/loads/" + load, "", "", 404},
		{elsewhere, "POST", "/v1/loads/" + load + "/hold", "", "", 404},
		{reads, "POST", "/v1/loads/" + load + "/rows", `{"n":1}`, lines, 403},
		{reads, "POST", "/v1/loads/" + load + "/hold", "", "", 403},
		{reads, "GET", "/v1/loads/" + load, "", "", 200},
	}
	for _, tt := range tests {
		headers := slices.DeleteFunc([]string{tt.key, tt.header}, func(h string) bool { return h == "" })
		if got := guarded.do(tt.method, tt.path, tt.body, headers...); got.status != tt.status {
			t.Errorf("%s %s: status %d, want %d: %s", tt.method, tt.path, got.status, tt.status, got.body)
		}
	}
	if got := guarded.do("POST", "/v1/records/read", `{"ids":["`+id+`"]}`, elsewhere); got.status != 200 || strings.Contains(got.body, id) {
		t.Errorf("a key of another target reads %d: %s", got.status, got.body)
	}
}

func TestPauseAndStopShowInALoad(t *testing.T) {
	g := newGateway(t, setup{})
	load := g.openLoad(`{"name":"leads.csv"}`).ID
	g.do("POST", "/v1/targets/people/pause", `{"reason":"rebuilt"}`)
	g.do("POST", "/v1/stop", `{"reason":"too dear"}`)
	if v := g.readLoad(load); v.Paused == nil || v.Paused.Reason != "rebuilt" || v.Stopped == nil || *v.Stopped != "too dear" {
		t.Errorf("it stands as %+v", v)
	}
}
