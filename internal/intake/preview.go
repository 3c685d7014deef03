package intake

import (
	"context"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// Prospect is what a run would do with a row.
type Prospect string

// The prospects of a row.
const (
	WouldSend Prospect = "send"  // it would be sent
	WouldSave Prospect = "save"  // it would be answered from the cache, or with another row
	WouldKeep Prospect = "known" // an earlier run has dealt with it
)

// Preview says what [Run.Accept] would do with rows, and stores nothing. All rows of the input are asked about in their
// order, some at a time: a look at all of them at once would hold up whoever writes to the ledger.
func (r *Run) Preview(ctx context.Context, rows []ledger.Submission) ([]Prospect, error) {
	var accepted []ledger.Acceptance
	if err := r.store.Preview(ctx, slices.Values(rows), func(a ledger.Acceptance) { accepted = append(accepted, a) }); err != nil {
		return nil, err
	}
	prospects := make([]Prospect, len(accepted))
	for i, a := range accepted {
		again, err := r.again(ctx, a)
		if err != nil {
			return nil, err
		}
		_, shared := r.fresh[a.Record.Key]
		switch {
		case again:
			prospects[i] = WouldSend
		case a.Record.State == ledger.Queued && (a.Repeated || !shared):
			prospects[i] = WouldSend
		case a.Repeated:
			prospects[i] = WouldKeep
		default:
			prospects[i] = WouldSave
		}
		if a.Record.State == ledger.Queued && a.Record.Await && !a.Record.Key.IsZero() {
			r.fresh[a.Record.Key] = struct{}{}
		}
	}
	return prospects, nil
}
