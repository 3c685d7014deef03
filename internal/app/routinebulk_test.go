package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// files is the part of the path at which a bulk run's results are.
const files = "/_files/results/"

func gets(path string) func(claytest.Event) bool {
	return func(e claytest.Event) bool {
		return e.Request.Method == http.MethodGet && strings.Contains(e.Request.URL.Path, path)
	}
}

var always = ledger.RunPolicy{BulkFrom: 2}

// A file of results that breaks off, is no JSON, is too short, or whose link has died is fetched again, and nothing of
// what it held is lost or taken twice.
func TestBrokenResultFiles(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]claytest.Fault{
		"breaks off": {Kind: claytest.CutAnswer, Bytes: 30_000, Count: 1, When: gets(files)},
		"garbage":    {Kind: claytest.Answer, Status: []int{200}, Body: "{\"id\":\n<html>", Count: 1, When: gets(files)},
		"empty":      {Kind: claytest.Answer, Status: []int{200}, Body: "\n", Count: 2, When: gets(files)},
		"a dead link": {
			Kind: claytest.Answer, Status: []int{403}, Body: "<Error><Code>AccessDenied</Code></Error>", Count: 1, When: gets(files),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, server, load := faulty(t, Routine{Runs: always}, 500, fault)
			a.Start(load)
			until(t, a, load, is(ledger.Done, 500))
			once(t, server)
		})
	}
}

// Clay finds fault with lines of a file: their records are dead, and the others, on which it did not work, go again.
func TestFileThatClayDoesNotTake(t *testing.T) {
	t.Parallel()
	body := `{"routine_run_id":"r","status":"validation_failed","error":{"message":"The file is not valid","total_invalid_rows":2,
		"details":[{"line_number":2,"field":"inputs","message":"email is needed"},{"line_number":7,"field":"id","message":"is too long"}]}}`
	a, server, load := faulty(t, Routine{Runs: always}, 10, claytest.Fault{
		Kind: claytest.Answer, Status: []int{200}, Body: body, Count: 1, When: gets("/run-batch/"),
	})
	a.Start(load)
	until(t, a, load, func(c ledger.Counts) bool { return c.In(ledger.Done) == 8 && c.In(ledger.Dead) == 2 })
	reasons := map[string]string{}
	for _, r := range all(t, a) {
		if r.State == ledger.Dead {
			reasons[string(r.Fields)] = r.Reason
		} else if r.MayDuplicate > 0 {
			t.Errorf("%s may be doubled", r.ID)
		}
	}
	want := map[string]string{
		`{"email":"jo.doe1@example.com"}`: "Clay does not take its inputs: email is needed",
		`{"email":"jo.doe6@example.com"}`: "Clay does not take its id: is too long",
	}
	if fmt.Sprint(reasons) != fmt.Sprint(want) {
		t.Errorf("dead are %v, want %v", reasons, want)
	}
	if n := len(server.RoutineRuns()); n != 2 {
		t.Errorf("%d runs", n)
	}
}

// A bulk run that failed may have cost, so a person decides; and so it is with an end that nobody knows.
func TestBulkRunThatFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]claytest.Fault{
		"processing_failed": {Kind: claytest.RunFail},
		"paused_by_budget":  {Kind: claytest.Answer, Status: []int{200}, Body: `{"routine_run_id":"r","status":"paused_by_budget"}`, When: gets("/run-batch/")},
	} {
		t.Run(name, func(t *testing.T) {
			a, server, load := faulty(t, Routine{Runs: always}, 10, fault)
			a.Start(load)
			until(t, a, load, is(ledger.Dead, 10))
			once(t, server)
			for _, r := range all(t, a) {
				if !strings.Contains(r.Reason, name) || !strings.Contains(r.Reason, "may cost again") || !r.AtClay {
					t.Fatalf("%q, at Clay %t", r.Reason, r.AtClay)
				}
			}
		})
	}
}

// Until its start a bulk run has cost nothing, so what goes wrong before is done again.
func TestUploadsAreRepeated(t *testing.T) {
	t.Parallel()
	a, server, load := faulty(t, Routine{Runs: always}, 50,
		claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{500}, Count: 1, Path: "/upload-url"},
		claytest.Fault{Kind: claytest.DropAfter, Count: 1, Path: "/_files/uploads/"},
		// Both of the SDK's tries: the store's refusals must not pause the target.
		claytest.Fault{Kind: claytest.Answer, Status: []int{403}, Count: 2, Path: "/_files/uploads/"},
	)
	a.Start(load)
	until(t, a, load, is(ledger.Done, 50))
	once(t, server)
	for _, r := range all(t, a) {
		if r.MayDuplicate > 0 || r.Tries > 0 {
			t.Errorf("%d tries, %d may be doubled", r.Tries, r.MayDuplicate)
		}
	}
}

// A file that is too large goes in runs of a hundred, whoever says so: Clay, or the store, which may say so by a 400.
func TestFileTooLarge(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]claytest.Fault{
		"Clay":            {Kind: claytest.Answer, Status: []int{413}, Path: "/run-batch/start"},
		"the store":       {Kind: claytest.Answer, Status: []int{413}, Path: "/_files/uploads/"},
		"the store's 400": {Kind: claytest.Answer, Status: []int{400}, Path: "/_files/uploads/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, server, load := faulty(t, Routine{Runs: always}, 150, fault)
			a.Start(load)
			until(t, a, load, is(ledger.Done, 150))
			once(t, server)
			for _, run := range server.RoutineRuns() {
				if run.Bulk || len(run.Items) > 75 {
					t.Errorf("a run of %d, bulk %t", len(run.Items), run.Bulk)
				}
			}
		})
	}
}
