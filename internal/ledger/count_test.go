package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Counters that are kept change by change equal a count of what is there.
func TestRecountEqualsACount(t *testing.T) {
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{
			State: rapid.SampledFrom(States).Draw(t, "state"), Attempts: rapid.IntRange(0, 2).Draw(t, "attempts"),
			MayDuplicate: rapid.IntRange(0, 1).Draw(t, "may duplicate"), Cached: rapid.Bool().Draw(t, "cached"),
			Empty: rapid.Bool().Draw(t, "empty"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		kept, records := Counts{}, []*Record{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			after := record.Draw(t, "after")
			if i := rapid.IntRange(0, len(records)).Draw(t, "which"); i < len(records) {
				kept.Recount(records[i], &after)
				records[i] = &after
			} else {
				kept.Recount(nil, &after)
				records = append(records, &after)
			}
		}
		counted := Counts{}
		for _, r := range records {
			for name, holds := range map[Count]bool{
				Count(r.State): true, CountCached: r.Cached, CountEmpty: r.Empty && r.State == Done,
				CountSent: r.Attempts > 0, CountDuplicate: r.MayDuplicate > 0,
			} {
				if holds {
					counted[name]++
				}
			}
		}
		for name, n := range kept {
			if n == 0 {
				delete(kept, name)
			}
		}
		if diff := cmp.Diff(counted, kept); diff != "" {
			t.Fatalf("-counted +kept\n%s", diff)
		}
		if kept.Total() != len(records) || kept.Open() > kept.Total() {
			t.Fatalf("total %d, open %d, want %d", kept.Total(), kept.Open(), len(records))
		}
	})
}

func TestCountsOpen(t *testing.T) {
	for _, s := range States {
		c := Counts{Count(s): 1, CountSent: 1}
		if (c.Open() == 1) == s.Terminal() {
			t.Errorf("%s: open %d, terminal %t", s, c.Open(), s.Terminal())
		}
	}
}
