package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// What callers start themselves is kept when Clay has forgotten it, also when answers break off, the process ends in the
// middle, and nobody asks for days.
func TestFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{clay: claytest.PublicAPI{PerSecond: -1, Credits: -1, Failures: 0.1, Retention: 2 * time.Hour}})
		client, err := clay.New(clay.Config{
			PublicAPIKey: "key", PublicAPIURL: e.clay.URL() + claytest.PublicAPIPath, Transport: e.clay.Transport(), Retries: 9,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		var items []clay.Item
		for n := range 450 {
			items = append(items, clay.Item{ID: fmt.Sprintf("caller's %d", n), Inputs: map[string]any{"email": fmt.Sprintf("jo%d@example.com", n)}})
		}
		routine := client.Routine("function:t_1")
		inline, err := routine.Run(t.Context(), items[:45], clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bulk, err := routine.Bulk(t.Context(), slices.Values(items), clay.RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for run, kind := range map[*clay.Run]ledger.RunKind{inline: ledger.Inline, bulk: ledger.Bulk} {
			if err := e.store.Follow(t.Context(), ledger.Following{Lane: apiLane, Clay: run.ID, Kind: kind}); err != nil {
				t.Fatal(err)
			}
		}
		asked := func(e claytest.Event) bool { return strings.Contains(e.Request.URL.Path, "results") }
		e.faults(
			claytest.Fault{Kind: claytest.CutAnswer, Bytes: 3000, Rate: 0.5, Count: 6, When: asked},
			claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{502}, Rate: 0.5, Count: 3, When: asked},
		)
		e.stop()
		e.start()
		want := map[*clay.Run][]string{}
		for _, run := range []*clay.Run{inline, bulk} {
			for item, err := range run.Results(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				want[run] = append(want[run], string(item.Raw))
			}
		}
		time.Sleep(48 * time.Hour)
		for run := range want {
			if _, err := run.Poll(t.Context()); !errors.Is(err, clay.KindNotFound) {
				t.Errorf("Clay still knows %s: %v", run.ID, err)
			}
			kept, err := e.store.Named(t.Context(), apiLane, run.ID)
			if err != nil || kept.State != ledger.RunDone {
				t.Fatalf("%+v, %v", kept, err)
			}
			bodies, err := e.store.Brought(t.Context(), kept.ID, 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, body := range bodies {
				if !json.Valid(body) {
					t.Errorf("%s is kept", body)
				}
				got = append(got, string(body))
			}
			if diff := cmp.Diff(want[run], got); diff != "" || len(got) == 0 {
				t.Errorf("%s: -Clay +kept\n%s", kept.Kind, diff)
			}
		}
		if n := e.clay.Stats().Requests; n > 60 {
			t.Errorf("%d calls for two runs", n)
		}
	})
}
