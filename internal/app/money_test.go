package app

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// Fifty callers at once spend exactly the ten that the budget has, although Clay refuses some; what is refused costs
// nothing, and after a restart there is still nothing left.
func TestBudgetOfTen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var came, taken atomic.Int64
	clay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if came.Add(1)%3 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		taken.Add(1)
	}))
	defer clay.Close()
	configured := func(s *service) Config {
		c := s.config(path, Target{Name: "people", NoResults: true, Webhooks: []Webhook{{URL: clay.URL + "/people", Limit: -1}}})
		c.Budgets.Workspaces = map[string]ledger.Budget{"main": {Day: ledger.Cost{Records: 10}}}
		return c
	}
	s := serveWith(t, configured)
	changed, cancel := s.Hub.Subscribe(ledger.Announced)
	defer cancel()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { s.submit("people/records", map[string]any{"email": "ada@example.com"}) })
	}
	callers.Wait()
	s.until(changed, func() bool {
		status, err := s.Ledger.TargetStatus(t.Context(), "people")
		return err == nil && status.Short != nil && status.Counts.In(ledger.Done) == 10
	})
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	shut(t, s.App)
	again := serveWith(t, configured)
	claims, err := again.Ledger.Claim(t.Context(), ledger.Want{Lane: "main/webhook", Max: 50})
	if err != nil || len(claims.Work) > 0 {
		t.Errorf("%d records were claimed after a restart, %v", len(claims.Work), err)
	}
	status, err := again.Ledger.TargetStatus(t.Context(), "people")
	if err != nil || status.Counts.Total() != 50 || taken.Load() != 10 || status.Counts.In(ledger.Done) != 10 {
		t.Errorf("Clay took %d, the ledger has %v, %v; want 10 of 50", taken.Load(), status.Counts, err)
	}
	usage, err := again.Ledger.Usage(t.Context(), ledger.UsageQuery{})
	if err != nil || len(usage) != 1 || usage[0].Spent.Records != 10 {
		t.Errorf("the usage is %+v, %v", usage, err)
	}
	notices, err := again.Ledger.Notices(t.Context(), 0, 1000)
	told := 0
	for _, n := range notices {
		if n.Kind == ledger.BudgetExhausted {
			told++
		}
	}
	if err != nil || told != 1 {
		t.Errorf("it was told %d times, %v", told, err)
	}
}

// until waits until something holds that changes with what is announced.
func (s *service) until(changed <-chan struct{}, holds func() bool) {
	s.Helper()
	for !holds() {
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond): // not all that it looks at is announced
		case <-s.Context().Done():
			s.Fatal("it never held")
		}
	}
}

func TestBudgetsOfConfig(t *testing.T) {
	budget := config.Budget{
		Records: config.Allowance{PerDay: 5, PerMonth: 50}, Actions: config.Allowance{PerDay: 7.5}, DataCredits: config.Allowance{PerMonth: 0.25},
		OnExhausted: config.TurnAway,
	}
	c := FromConfig(config.Config{
		TimeZone: "Europe/Berlin", KeyBudgets: map[string]config.Budget{"key_1": budget}, PersonalDomains: config.Fields{"example.org"},
		Workspaces: map[string]config.Workspace{"acme": {Budget: budget, Tables: map[string]config.Table{"people": {
			Cost: config.Cost{Actions: 1, DataCredits: 2.5}, Budget: budget, RefusePersonal: config.Fields{"email"},
		}}}},
	})
	want := ledger.Budget{
		Day: ledger.Cost{Records: 5, Actions: 7500}, Month: ledger.Cost{Records: 50, Credits: 250}, Refuses: true,
	}
	target := c.Targets[0]
	for whose, got := range map[string]ledger.Budget{"workspace": c.Budgets.Workspaces["acme"], "key": c.Budgets.Keys["key_1"], "target": target.Budget} {
		if got != want {
			t.Errorf("the %s's budget is %+v, want %+v", whose, got, want)
		}
	}
	if (target.Cost != ledger.Cost{Actions: 1000, Credits: 2500}) || target.Personal.Fields[0] != "email" || target.Personal.Also[0] != "example.org" {
		t.Errorf("the target is %+v", target)
	}
	if day := c.Budgets.Calendar.Day(time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)); day != "2027-01-01" {
		t.Errorf("the day in Berlin is %s", day)
	}
}
