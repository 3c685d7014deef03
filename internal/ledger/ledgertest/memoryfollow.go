package ledgertest

import (
	"maps"

	"github.com/claygate/claygate/internal/ledger"
)

// follow has a run asked for that others started.
func (m *memory) follow(f ledger.Following) {
	var named []ledger.RunID
	for id, known := range m.runs {
		if known.Lane != f.Lane || known.Clay != f.Clay {
			continue
		}
		if known.Target != "" || known.Followed {
			return
		}
		named = append(named, id)
	}
	for _, id := range named {
		delete(m.runs, id)
	}
	r, due := f.Run()
	m.addRun(r, due)
}

// bring keeps items of a followed run.
func (m *memory) bring(c ledger.RunChange) {
	kept := m.kept[c.Run.ID]
	if kept == nil {
		kept = map[int]string{}
		m.kept[c.Run.ID] = kept
	}
	for i, item := range c.Items {
		kept[c.At()+i] = string(item.Body)
	}
	if c.Due < 0 {
		maps.DeleteFunc(kept, func(n int, _ string) bool { return n >= c.Run.Brought })
	}
}
