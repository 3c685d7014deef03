package dispatch

import (
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// Also sends the records of a load beside those of the one that [Dispatcher.Start] was told of, before or after. One that
// sends all records does so anyway. All loads share the pace: it is kept by the ledger.
func (d *Dispatcher) Also(load ledger.LoadID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.others, load) {
		return
	}
	d.others = append(d.others, load)
	if d.started && !d.stopped {
		d.runOther(load)
	}
}

// runOther begins the lanes of another load. The caller holds mu.
func (d *Dispatcher) runOther(load ledger.LoadID) {
	if d.only == 0 || d.only == load {
		return
	}
	for lane := range d.running {
		d.lanes.Go(func() { d.runLane(d.claims, ledger.Want{Lane: lane, Load: load}) })
	}
}
