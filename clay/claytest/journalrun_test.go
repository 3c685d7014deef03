package claytest_test

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// A server started again on its journal goes on with the runs that it had, to the same results, also when the journal
// was compacted; those that Clay would have forgotten are gone, and no number is used twice.
func TestJournalKeepsRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := claytest.Options{
			InMemory: true, Journal: filepath.Join(t.TempDir(), "journal"), JournalMax: 1,
			PublicAPI: claytest.PublicAPI{Delay: claytest.Delay{Min: time.Minute, Max: time.Minute}, Retention: time.Hour},
		}
		s := claytest.New(t, opt)
		id := start(t, s, twoItems)
		var answers []map[string]any
		for _, want := range []int{202, 200, 200} {
			<-time.After(30 * time.Second)
			runs := s.RoutineRuns()
			if len(runs) != 1 || runs[0].ID != id || runs[0].Number != 1 || !slices.Equal(runs[0].Items, []string{"a", "b"}) || s.Stats().Items != 2 {
				t.Fatalf("runs %+v", runs)
			}
			status, answer := call(t, s, "GET", "/routines/run/"+id+"/results", "")
			if status != want {
				t.Errorf("%d %v, want %d", status, answer, want)
			}
			answers = append(answers, answer)
			s.Close()
			s = claytest.New(t, opt)
		}
		if diff := cmp.Diff(answers[1], answers[2]); diff != "" {
			t.Errorf("after a restart:\n%s", diff)
		}
		<-time.After(2 * time.Hour)
		start(t, s, twoItems)
		s.Close()
		s = claytest.New(t, opt)
		if runs := s.RoutineRuns(); len(runs) != 1 || runs[0].Number != 2 || runs[0].ID == id {
			t.Errorf("runs %+v", runs)
		}
	})
}
