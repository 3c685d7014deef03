package app

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// routines is a configuration with one routine at an emulated Clay of the test's own.
func routines(t *testing.T, api claytest.PublicAPI, routine Routine) (Config, *claytest.Server) {
	t.Helper()
	server := claytest.New(t, claytest.Options{PublicAPI: api})
	if routine.ID == "" {
		routine.ID = "function:t_1"
	}
	return Config{
		Ledger: filepath.Join(t.TempDir(), "ledger.db"), CallbackListen: "127.0.0.1:0",
		PublicAPI: map[string]PublicAPI{"main": {Key: "key", BaseURL: server.URL(), Pace: ledger.Pace{PerSecond: 1000, Burst: 1000}}},
		Targets:   []Target{{Name: "people", Routine: &routine}},
	}, server
}

// unlimited is a Public API without a limit, whose runs take hardly any time.
var unlimited = claytest.PublicAPI{PerSecond: -1, Delay: claytest.Delay{Max: -1}, Credits: -1}

func TestEmulatedRoutine(t *testing.T) {
	c := emulated(t)
	c.Targets = []Target{{Name: "people", Routine: &Routine{ID: "function:t_1"}}}
	a := open(t, c)
	load := accept(t, a, 150)
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 150 })
	if st := a.emulator.Stats(); st.Runs != 2 || st.Items != 150 {
		t.Errorf("%d items in %d runs, want 150 in 2", st.Items, st.Runs)
	}
	for _, r := range read(t, a, records(t, a, load)) {
		if !r.Emulated || !strings.Contains(string(r.Result), `"name":`) {
			t.Errorf("emulated %t, result %s", r.Emulated, r.Result)
		}
	}
}

func read(t *testing.T, a *App, ids []ledger.RecordID) []ledger.Record {
	t.Helper()
	found, err := a.Ledger.Records(t.Context(), ids)
	if err != nil || len(found) != len(ids) {
		t.Fatalf("%d records of %d: %v", len(found), len(ids), err)
	}
	return found
}

func TestBulkRoutine(t *testing.T) {
	c, server := routines(t, unlimited, Routine{Runs: ledger.RunPolicy{BulkFrom: 200}})
	a := open(t, c)
	load := accept(t, a, 700)
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 700 })
	runs := server.RoutineRuns()
	if len(runs) != 1 || !runs[0].Bulk || len(runs[0].Items) != 700 {
		t.Errorf("%d runs", len(runs))
	}
}

// foreign starts a run that is not claygate's.
func foreign(t *testing.T, server *claytest.Server) {
	t.Helper()
	client, err := clay.New(clay.Config{PublicAPIKey: "key", PublicAPIURL: server.URL() + publicAPIPath})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	items := []clay.Item{{ID: "theirs", Inputs: map[string]string{"email": "else@example.com"}}}
	if _, err := client.Routine("function:t_2").RunOnce(t.Context(), items, clay.RunOptions{WebhookID: "wh_1"}); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
