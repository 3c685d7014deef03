package ledgertest

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// follow has a run followed that others started: a new one, one that was found, or one that is known.
func (h *runHistory) follow() {
	f := ledger.Following{Lane: apiLane, Clay: "run_of_others", Kind: ledger.Inline, Size: rapid.IntRange(0, 3).Draw(h.T, "size")}
	if rapid.Bool().Draw(h.T, "bulk") {
		f.Clay, f.Kind = "bulk_of_others", ledger.Bulk
	}
	if id := h.anyRun(); id != 0 && h.model.runs[id].Target != "" && h.model.runs[id].Clay != "" {
		f.Clay = h.model.runs[id].Clay
	}
	h.must(h.Follow(h.Context(), f))
	h.model.follow(f)
}

// compareBrought compares what is kept of a run's items, and the way to it by its name.
func (h *runHistory) compareBrought(id ledger.RunID) {
	var want []string
	for _, n := range slices.Sorted(maps.Keys(h.model.kept[id])) {
		want = append(want, h.model.kept[id][n])
	}
	if diff := cmp.Diff(want, h.brought(id)); diff != "" {
		h.T.Fatalf("run %d brought: -model +store\n%s", id, diff)
	}
	if r := h.model.runs[id]; r.Followed {
		named, err := h.Named(h.Context(), r.Lane, r.Clay)
		h.must(err)
		if named.ID != id {
			h.T.Fatalf("%s names run %d, not %d", r.Clay, named.ID, id)
		}
	}
}
