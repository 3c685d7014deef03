package dispatch

import (
	"context"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// dueBatch bounds the deadlines that are applied in one transaction.
const dueBatch = 200

// runDeadlines applies what becomes due until the context ends.
func (d *Dispatcher) runDeadlines(ctx context.Context) {
	changed, cancel := d.Hub.Subscribe(ledger.Deadlines)
	defer cancel()
	for ctx.Err() == nil {
		due, next, err := d.Store.Due(ctx, dueBatch)
		if err == nil && len(due) > 0 {
			crash.Point(crash.Deadline)
			_, err = d.Store.Apply(ctx, due)
			next = 0
		}
		if ctx.Err() != nil {
			return
		}
		d.trouble(err)
		if err != nil {
			d.Log.Error("the ledger did not apply the deadlines", "error", err)
			ledger.Rest(ctx, faultDelay, nil)
			continue
		}
		ledger.Rest(ctx, next, changed)
	}
}
