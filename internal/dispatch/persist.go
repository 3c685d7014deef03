package dispatch

import (
	"context"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// faultDelay is how long a loop waits after the ledger failed, as on a full disk, before it asks again.
const faultDelay = time.Second

// persist applies entries until the ledger takes them: an answer is a fact that must not be lost to a full disk.
// It gives up when the ledger is closed or broken.
func (d *Dispatcher) persist(entries []ledger.Entry) {
	d.persistWith(func(ctx context.Context) error {
		applied, err := d.Store.Apply(ctx, entries)
		for _, a := range applied {
			if a.Err != nil {
				d.Log.Error("an event was refused", "record", a.Record.ID, "error", a.Err)
			}
		}
		return err
	})
}

// persistWith is persist for other things to keep than entries.
func (d *Dispatcher) persistWith(keep func(context.Context) error) {
	for {
		err := keep(context.Background())
		d.trouble(err)
		if err == nil {
			return
		}
		d.Log.Error("the ledger did not take an answer", "error", err)
		if kind := ledger.KindOf(err); kind == ledger.Unavailable || kind == ledger.NotFound {
			return
		}
		time.Sleep(faultDelay)
	}
}

// trouble tells how the ledger's last call went, when that is news: every failure is, and the first success after one.
func (d *Dispatcher) trouble(err error) {
	if d.Trouble == nil {
		return
	}
	d.mu.Lock()
	news := err != nil || d.failing
	d.failing = err != nil
	d.mu.Unlock()
	if news {
		d.Trouble(err)
	}
}
