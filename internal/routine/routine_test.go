package routine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInputs(t *testing.T) {
	for schema, want := range map[string][]Input{
		`{"type":"object","properties":{"b":{"type":"string"},"a":{"description":"x"},"z":{}},"required":["z"]}`: {
			{Name: "z", Required: true}, {Name: "a", Description: "x"}, {Name: "b", Type: "string"},
		},
		`{"Email":{"type":"string","required":true}}`:   {{Name: "Email", Type: "string", Required: true}},
		`{"properties":{"a":{"type":["string",null]}}}`: {{Name: "a"}},
		`{"properties":[1],"required":7}`:               nil,
		`"text"`:                                        nil,
		`null`:                                          nil,
		``:                                              nil,
		`{}`:                                            nil,
	} {
		if diff := cmp.Diff(want, inputs(json.RawMessage(schema))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", schema, diff)
		}
	}
}

// serve answers everything with a status and a body, and returns a source that asks it.
func serve(t *testing.T, status int, body string) Source {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Clay-Api-Key") != "key" {
			t.Errorf("%s came without the key", r.URL)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return Source{BaseURL: server.URL, Key: "key", Workspace: "ws_1"}
}

func TestFindErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   clay.Kind
	}{
		"wrong key":      {401, `{"message":"no"}`, clay.KindUnauthorized},
		"no right":       {403, ``, clay.KindForbidden},
		"unknown":        {404, `{"message":"Routine not found"}`, clay.KindNotFound},
		"throttled":      {429, ``, clay.KindThrottled},
		"moved":          {302, ``, clay.KindRedirect},
		"broken":         {500, ``, clay.KindUnavailable},
		"not JSON":       {200, `<html>`, clay.KindBadAnswer},
		"something else": {200, `{"ok":true}`, clay.KindBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, tt.status, tt.body).Find(t.Context(), "function:t_1")
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	if _, err := (Source{BaseURL: "http://127.0.0.1:1", Key: "key"}).Find(t.Context(), "x"); !errors.Is(err, clay.KindNotSent) || strings.Contains(err.Error(), "tools") {
		t.Errorf("nobody there: %v", err)
	}
}

// The failure it prevents: an endpoint that always names the same next page is asked for ever.
func TestListEnds(t *testing.T) {
	all, err := serve(t, 200, `{"data":[{"id":"function:t_1","name":"A","estimatedCreditCost":{"perRun":null}}],"cursor":"same"}`).List(t.Context())
	if err != nil || len(all) != 2 || all[0].Price.Credits != nil {
		t.Errorf("%+v, %v", all, err)
	}
}
