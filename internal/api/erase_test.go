package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

// erased is the answer without what it always says.
type erased struct{ Records, Canceled, AtClay, Unmatched int }

func (g *gateway) erase(t *testing.T, body string) erased {
	t.Helper()
	got := g.do("POST", "/v1/erase", body)
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if !strings.Contains(got.body, "Clay: its tables") {
		t.Errorf("it does not say that Clay holds its rows: %s", got.body)
	}
	e := decode[struct {
		Records, Canceled, Unmatched int
		AtClay                       int `json:"at_clay"`
	}](t, got)
	return erased{e.Records, e.Canceled, e.AtClay, e.Unmatched}
}

// Everything that is known of a person goes, whatever its key; what is known of others stays.
func TestErase(t *testing.T) {
	s := onDisk(t)
	s.dedupeBy = []string{"email"}
	g := newGateway(t, s)
	done := g.submit("people", `{"fields":{"email":"Ada@example.com"},"metadata":{"n":1}}`)
	g.finish(done, `{"title":"Countess"}`)
	waits := g.submit("people", `{"fields":{"email":" ada@EXAMPLE.com"},"max_age":0}`)
	keyless := g.submit("people", `{"fields":{"email":"","note":"wife: Ada@Example.com"}}`)
	escaped := g.submit("people", `{"fields":{"email":"","note":"\u0041da@example.com"}}`)
	enriched := g.submit("people", `{"fields":{"email":"babbage@example.com"}}`)
	g.finish(enriched, `{"friends":[{"mail":"ada@example.com"}]}`)
	other := g.submit("people", `{"fields":{"email":"grada@example.co"}}`)
	elsewhere := g.submit("eu/firms", `{"fields":{"email":"ada@example.com"}}`)

	if diff := cmp.Diff(erased{Records: 2, Canceled: 1}, g.erase(t, `{"target":"people","fields":{"email":"ADA@example.com"},"search":false}`)); diff != "" {
		t.Errorf("by key: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(erased{Records: 3, Canceled: 2}, g.erase(t, `{"target":"people","fields":{"email":"ADA@example.com"}}`)); diff != "" {
		t.Errorf("by search: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(erased{}, g.erase(t, `{"target":"people","fields":{"email":"ADA@example.com"}}`)); diff != "" {
		t.Errorf("again: -want +got\n%s", diff)
	}
	for _, id := range []ledger.RecordID{done, waits, keyless, escaped, enriched} {
		if got := g.do("GET", "/v1/records/"+id.String()+"?attempts=1", "").body; strings.Contains(strings.ToLower(got), "ada@") || strings.Contains(got, "Countess") || strings.Contains(got, "replay") {
			t.Errorf("it still says %s", got)
		}
	}
	for _, id := range []ledger.RecordID{other, elsewhere} {
		if got := g.do("GET", "/v1/records/"+id.String(), "").body; !strings.Contains(got, `"queued"`) {
			t.Errorf("somebody else's record is %s", got)
		}
	}
	if diff := cmp.Diff(erased{Records: 1, Canceled: 1}, g.erase(t, `{"records":["`+other.String()+`"]}`)); diff != "" {
		t.Errorf("by ID: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(erased{Records: 1, Canceled: 1}, g.erase(t, `{"target":"eu/firms","all":true}`)); diff != "" {
		t.Errorf("a target: -want +got\n%s", diff)
	}
	if got := g.do("POST", "/v1/records/"+done.String()+"/redeliver", ""); got.status != http.StatusConflict {
		t.Errorf("an erased record is forwarded: %d %s", got.status, got.body)
	}
}

func TestEraseRefuses(t *testing.T) {
	g := newGateway(t, setup{dedupeBy: []string{"email"}})
	for name, body := range map[string]string{
		"nothing":             `{}`,
		"a target alone":      `{"target":"people"}`,
		"both":                `{"target":"people","fields":{"email":"a@b.example"},"all":true}`,
		"not the key":         `{"target":"people","fields":{"name":"Ada"},"search":false}`,
		"more than the key":   `{"target":"people","fields":{"email":"a@b.example","name":"Ada"},"search":false}`,
		"nobody":              `{"target":"people","fields":{"email":"  "}}`,
		"no object":           `{"target":"people","fields":"ada"}`,
		"records and more":    `{"records":["rec_00000000000000000000000004"],"all":true}`,
		"no ID":               `{"records":["ada@example.com"]}`,
		"search is no answer": `{"target":"people","fields":{"email":"a@b.example"},"search":"yes"}`,
	} {
		if got := g.do("POST", "/v1/erase", body); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for name, body := range map[string]string{
		"no such target": `{"target":"nowhere","all":true}`,
		"no such record": `{"records":["rec_00000000000000000000000004"]}`,
	} {
		if got := g.do("POST", "/v1/erase", body); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// All of a workspace goes, also of targets that are not configured any more, and nothing of another's.
func TestEraseWorkspace(t *testing.T) {
	g := newGateway(t, onDisk(t))
	here, there := g.submit("people", `{"fields":{"email":"ada@example.com"}}`), g.submit("eu/firms", `{"fields":{"email":"ada@example.com"}}`)
	g.finish(there, `{"title":"Countess"}`)
	g.configured = g.configured[:1]
	if diff := cmp.Diff(erased{Records: 1}, g.erase(t, `{"workspace":"eu","all":true}`)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := g.do("GET", "/v1/export?workspace=eu", "").body; strings.Contains(got, "ada@") || strings.Contains(got, "Countess") || !strings.Contains(got, there.String()) {
		t.Errorf("it still says %s", got)
	}
	if got := g.do("GET", "/v1/export?workspace=main", "").body; !strings.Contains(got, "ada@") || !strings.Contains(got, here.String()) {
		t.Errorf("another workspace has %s", got)
	}
	for body, status := range map[string]int{
		`{"workspace":"eu"}`: 400, `{"workspace":"eu","all":true,"target":"people"}`: 400, `{"workspace":"eu","fields":{"email":"a"}}`: 400,
		`{"workspace":"ue","all":true}`: 404, `{"workspace":"eu/firms","all":true}`: 404, `{"workspace":7,"all":true}`: 400,
		`{"workspace":"eu","all":true,"records":["` + here.String() + `"]}`: 400,
	} {
		if got := g.do("POST", "/v1/erase", body); got.status != status {
			t.Errorf("%s is answered %d, want %d: %s", body, got.status, status, got.body)
		}
	}
}
