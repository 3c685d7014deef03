package ledgertest

import (
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// found lets a completion webhook come, and at times tells whose run it names.
func (h *runHistory) found() {
	id := h.anyRun()
	if id == 0 {
		return
	}
	if f := h.model.runs[id]; f.State == ledger.RunFound {
		h.identify(id)
		return
	}
	clay := name(id)
	if rapid.IntRange(0, 4).Draw(h.T, "foreign") == 0 {
		clay = "run_of_others"
	}
	known, err := h.Completed(h.Context(), apiLane, clay)
	h.must(err)
	if want := h.model.completed(apiLane, clay); known != want {
		h.T.Fatalf("the run %s: known %t, the model says %t", clay, known, want)
	}
}

// identify gives a found run to the start whose records it carries. Clay names it by its true start.
func (h *runHistory) identify(found ledger.RunID) {
	var items []ledger.RecordID
	for id := range h.model.runs {
		if name(id) == h.model.runs[found].Clay {
			items = h.model.carried(id)
			if s := h.model.runs[id].State; h.fates[id] == "answered" && s == ledger.RunRejected {
				items = nil // it never was
			}
		}
	}
	by, ok, err := h.Adopt(h.Context(), found, items)
	h.must(err)
	want := h.model.adopt(found, items)
	if by != want || ok != (want != 0) {
		h.T.Fatalf("adopted by %d (%t), the model says %d", by, ok, want)
	}
	if ok && h.fates[by] == "" {
		h.fates[by] = "adopted"
	}
}

// completed notes that Clay told of a run's end.
func (m *memory) completed(lane ledger.LaneID, clay string) (known bool) {
	for id := ledger.RunID(1); id <= m.last; id++ {
		if r := m.runs[id]; r != nil && r.Lane == lane && r.Clay == clay {
			m.applyRun(id, ledger.RunEnded{})
			return true
		}
	}
	if !m.startsOpen(lane) {
		return false
	}
	m.addRun(ledger.Run{Lane: lane, State: ledger.RunFound, Clay: clay}, ledger.LookLater)
	return true
}

func (m *memory) startsOpen(lane ledger.LaneID) bool {
	for _, r := range m.runs {
		if r.Lane == lane && !r.dueAt.IsZero() && (r.State == ledger.RunStarting || r.State == ledger.RunUncertain) {
			return true
		}
	}
	return false
}

// adopt gives a found run to a start; it returns 0 for none.
func (m *memory) adopt(found ledger.RunID, items []ledger.RecordID) ledger.RunID {
	f := m.runs[found]
	if f == nil || f.State != ledger.RunFound {
		return 0
	}
	for _, record := range items {
		for id := ledger.RunID(1); id <= m.last; id++ {
			r := m.runs[id]
			if r == nil || r.Lane != f.Lane || m.attemptIn(record, id) == 0 || r.State != ledger.RunStarting && r.State != ledger.RunUncertain {
				continue
			}
			delete(m.runs, found)
			m.applyRun(id, ledger.RunAdopted{Clay: f.Clay})
			return id
		}
	}
	if len(items) == 0 && m.startsOpen(f.Lane) {
		return 0
	}
	r := m.viewRun(found)
	r.State, r.Reason = ledger.RunDone, "it carries none of our records"
	m.writeRun(ledger.RunChange{Run: r, Due: ledger.Never})
	return 0
}
