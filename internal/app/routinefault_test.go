package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/expression"
	"github.com/claygate/claygate/internal/ledger"
)

// faulty opens an app with one routine at a Clay with faults, and takes n records in.
func faulty(t *testing.T, routine Routine, n int, faults ...claytest.Fault) (*App, *claytest.Server, ledger.LoadID) {
	t.Helper()
	c, server := routines(t, unlimited, routine)
	if err := server.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
	a := open(t, c)
	return a, server, accept(t, a, n)
}

// carriers counts, for each record, the runs at Clay that carry it.
func carriers(s *claytest.Server) map[string]int {
	n := map[string]int{}
	for _, run := range s.RoutineRuns() {
		for _, item := range run.Items {
			n[item]++
		}
	}
	return n
}

// once fails the test when Clay was given a record twice.
func once(t *testing.T, s *claytest.Server) {
	t.Helper()
	for record, n := range carriers(s) {
		if n > 1 {
			t.Errorf("%s is in %d runs at Clay", record, n)
		}
	}
}

// all reads all records of the target.
func all(t *testing.T, a *App) []ledger.Record {
	t.Helper()
	records, err := a.Ledger.List(t.Context(), ledger.Query{Target: "people", Max: 10_000, Bodies: true})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func is(state ledger.State, n int) func(ledger.Counts) bool {
	return func(c ledger.Counts) bool { return c.In(state) == n }
}

// results is the path of questions about inline runs, starts that of their starts.
func asks(path string) func(claytest.Event) bool {
	return func(e claytest.Event) bool {
		return e.Request.Method == http.MethodGet && strings.Contains(e.Request.URL.Path, path)
	}
}

func starts(e claytest.Event) bool { return strings.HasSuffix(e.Request.URL.Path, "/run") }

func startsWith(text string) func(claytest.Event) bool {
	return func(e claytest.Event) bool { return starts(e) && strings.Contains(string(e.Body), text) }
}

// One bad record among a hundred is found by halving, at no cost to the others.
func TestBadRecordIsFoundByHalving(t *testing.T) {
	t.Parallel()
	a, server, load := faulty(t, Routine{}, 100, claytest.Fault{
		Kind: claytest.Answer, Status: []int{413, 400}, When: startsWith("jo.doe42@"), Body: `{"message":"Invalid request: items"}`,
	})
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 99 && c.In(ledger.Dead) == 1 })
	once(t, server)
	for _, r := range all(t, a) {
		if r.State == ledger.Dead && (!strings.Contains(string(r.Fields), "doe42@") || !strings.Contains(r.Reason, "Invalid request: items")) {
			t.Errorf("dead is %s: %s", r.Fields, r.Reason)
		}
		if r.Tries > 0 || r.MayDuplicate > 0 {
			t.Errorf("%s used up %d tries, %d may be doubled", r.ID, r.Tries, r.MayDuplicate)
		}
	}
	refused := server.Stats().Status[400] + server.Stats().Status[413]
	if refused > 8 {
		t.Errorf("%d starts were refused before the bad one was alone", refused)
	}
}

func TestItemsThatFail(t *testing.T) {
	t.Parallel()
	failedWhen, err := expression.Compile(`name == nil`)
	if err != nil {
		t.Fatal(err)
	}
	api := unlimited
	api.Failures = 0.3
	server := claytest.New(t, claytest.Options{PublicAPI: api, Misses: 0.3})
	c, _ := routines(t, api, Routine{FailedWhen: failedWhen})
	c.PublicAPI["main"] = PublicAPI{Key: "key", BaseURL: server.URL()}
	a := open(t, c)
	load := accept(t, a, 100)
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.Open() == 0 })
	reasons := map[string]int{}
	for _, r := range all(t, a) {
		if r.State == ledger.Dead {
			reasons[r.Reason]++
		}
	}
	if reasons["Clay could not work on it: The routine failed for this item"] < 5 ||
		reasons["Clay completed it with a failure: failed_when holds on its result"] < 5 || len(reasons) != 2 {
		t.Errorf("%v", reasons)
	}
	once(t, server)
}

// What a page says of records that it should not speak of, or speaks of twice, or not at all.
func TestStrangePages(t *testing.T) {
	t.Parallel()
	page := ""
	a, server, load := faulty(t, Routine{}, 3, claytest.Fault{Kind: claytest.RunStall})
	a.Start(load)
	until(t, a, load, is(ledger.Sent, 3))
	ids := server.RoutineRuns()[0].Items
	page = fmt.Sprintf(`{"routine_run_id":"r","total":3,"finished":3,"status":"complete","data":[
		{"id":%[1]q,"status":"complete","result":{"name":"Jo"}},
		{"id":%[1]q,"status":"failed","error":{"message":"later"}},
		{"id":"rec_0000000000000000000000000g","status":"complete","result":{"name":"Nobody"}},
		{"id":"of somebody else","status":"complete","result":{"name":"Else"}},
		{"id":%[2]q,"status":"complete","result":["a","list"]}]}`, ids[0], ids[1])
	if err := server.SetFaults(claytest.Fault{Kind: claytest.Answer, Status: []int{200}, Body: page, When: asks("/routines/run/")}); err != nil {
		t.Fatal(err)
	}
	until(t, a, load, func(c ledger.Counts) bool { return c.Open() == 0 })
	for _, r := range all(t, a) {
		want := map[string]string{ids[0]: `done {"name":"Jo"}`, ids[1]: `done {"result":["a","list"]}`, ids[2]: "dead " + ledger.Missing}[r.ID.String()]
		got := string(r.State) + " " + string(r.Result)
		if r.State == ledger.Dead {
			got = "dead " + r.Reason
		}
		if got != want {
			t.Errorf("%s is %s, want %s", r.ID, got, want)
		}
	}
}

// A key that is not taken pauses the routine; nothing is charged, nothing is lost.
func TestRefusedRoutinePauses(t *testing.T) {
	t.Parallel()
	for status, hint := range map[int]string{401: "key", 402: "credits", 403: "plan", 404: "routine"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			a, server, load := faulty(t, Routine{}, 3, claytest.Fault{Kind: claytest.Answer, Status: []int{status}, When: starts})
			paused, cancel := a.Hub.Subscribe(ledger.Pauses)
			defer cancel()
			a.Start(load)
			select {
			case <-paused:
			case <-time.After(time.Minute):
				t.Fatal("it never paused")
			}
			st, err := a.Ledger.TargetStatus(t.Context(), "people")
			if err != nil || st.Paused.Status != status || !strings.Contains(st.Paused.Reason, hint) || st.Counts.In(ledger.Queued) != 3 {
				t.Errorf("%+v: %v", st, err)
			}
			if err := server.SetFaults(); err != nil {
				t.Fatal(err)
			}
			if err := a.Ledger.Resume(t.Context(), "people"); err != nil {
				t.Fatal(err)
			}
			until(t, a, load, is(ledger.Done, 3))
			once(t, server)
		})
	}
}
