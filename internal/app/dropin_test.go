package app

import (
	"net/http"
	"testing"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// One question and its answer go all the way for each kind of target that can answer; the second time from the cache.
func TestDropInByEachKind(t *testing.T) {
	for name, d := range map[string]config.DropIn{
		"lookups":   {People: "person", Companies: "company"},
		"a table":   {People: "rows", Companies: "rows"},
		"a routine": {People: "work-email", Companies: "work-email"},
	} {
		t.Run(name, func(t *testing.T) {
			w := config.Workspace{
				DropIn:   d,
				Tables:   map[string]config.Table{"rows": {AwaitsResult: true}},
				Routines: map[string]config.Routine{"work-email": {Routine: "function:t_1"}},
				Lookups:  map[string]config.Lookup{"person": {Kind: config.Person}, "company": {Kind: config.Company}},
			}
			c := emulated(t)
			c.Targets = FromConfig(config.Config{Workspaces: map[string]config.Workspace{"main": w}}).Targets
			c.Listen = "127.0.0.1:0"
			s := &service{T: t, client: &http.Client{Transport: &http.Transport{}}}
			t.Cleanup(s.client.CloseIdleConnections)
			s.App = open(t, c)
			s.Start(0)
			for path, ask := range map[string]map[string]string{
				"/v1/people/enrich": {"email": "jane.doe@acme.com"}, "/v3/companies/enrich": {"domain": "acme.com"},
			} {
				for range 2 {
					status, body := s.post("http://"+s.APIAddr()+path, ask)
					got := s.decode(body)
					if status != http.StatusOK || got["name"] == nil {
						t.Fatalf("%s: %d %s", path, status, body)
					}
					for field, value := range ask {
						if got[field] != value {
							t.Errorf("%s is %v in %s", field, got[field], body)
						}
					}
				}
			}
			all, err := s.Ledger.List(t.Context(), ledger.Query{Max: 100})
			if err != nil {
				t.Fatal(err)
			}
			sent := 0
			for _, r := range all {
				sent += r.Attempts
			}
			if len(all) != 4 || sent != 2 {
				t.Errorf("%d records by %d attempts, want 4 by 2", len(all), sent)
			}
		})
	}
}
