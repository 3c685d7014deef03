package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/ledger"
)

const routineFile = `
workspaces:
  main:
    public_api_key: env:KEY
    base_url: http://127.0.0.1:9
    completion_webhook: {id: wh_1, secret: env:SECRET}
    api_pace: {per_second: 2}
    routines:
      work-email:
        routine: "function:t_1"
        inputs: {Email: email}
        linger: 0
        bulk_from: 0
        failed_when: error != nil
        max_age: 0
        empty_max_age: 0
        dedupe_by: email
      plain: {routine: "workflow:1"}
`

func TestRoutineConfiguration(t *testing.T) {
	variables := map[string]string{"KEY": "key", "SECRET": "whsec_0123456789"}
	c, err := config.Load(config.Source{
		Path: "c.yaml", Getenv: func(name string) string { return variables[name] },
		ReadFile: func(string) ([]byte, error) { return []byte(routineFile), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	got := FromConfig(c)
	api := PublicAPI{
		Key: "key", BaseURL: "http://127.0.0.1:9", Pace: ledger.Pace{PerSecond: 2, Burst: 5},
		Completion: Completion{ID: "wh_1", Secret: "whsec_0123456789"},
	}
	if diff := cmp.Diff(map[string]PublicAPI{"main": api}, got.PublicAPI); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	plain := Target{
		Workspace: "main", Name: "plain", OnUncertain: ledger.Hold, OnConflict: ledger.Join,
		MaxAge: 30 * 24 * time.Hour, EmptyMaxAge: 24 * time.Hour, ResultTimeout: 24 * time.Hour,
		Routine: &Routine{ID: "workflow:1", Runs: ledger.RunPolicy{Linger: 200 * time.Millisecond, BulkFrom: 1000}},
	}
	email := plain
	email.Name, email.DedupeBy, email.MaxAge, email.EmptyMaxAge = "work-email", []string{"email"}, -1, -1
	email.Routine = &Routine{ID: "function:t_1", Inputs: map[string]string{"Email": "email"}, Runs: ledger.RunPolicy{Linger: -1, BulkFrom: -1}}
	if diff := cmp.Diff([]Target{plain, email}, got.Targets, cmpopts.IgnoreTypes(&expression.Condition{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if email := got.Targets[1].Routine; email.FailedWhen == nil || got.Targets[0].Routine.FailedWhen != nil {
		t.Error("failed_when was not taken over, or made up")
	}
}
