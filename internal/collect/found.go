package collect

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// enough is how many items of a found run are looked at: the first one that is a record of ours settles it.
const enough = clay.MaxRunItems

// identify asks whose a run is that a completion webhook named. Its items tell: their ids are records of the start that
// made it.
func (p *Poller) identify(ctx context.Context, client *clay.Client, run ledger.Run) ledger.RunEvent {
	ask := p.inlineItems
	if run.Kind == ledger.Bulk {
		ask = p.bulkItems
	}
	ids, event := ask(ctx, client, run)
	if event != nil {
		return event
	}
	by, ok, err := p.Store.Adopt(ctx, run.ID, ids)
	switch {
	case err != nil && ctx.Err() == nil:
		p.Log.Error("the ledger did not take a run that was found", "run", run.ID, "error", err)
	case ok:
		p.Log.Info("a start of unknown fate had arrived: its completion webhook says so", "run", by, "clay", run.Clay)
	}
	return nil
}

// inlineItems returns the records that a found run carries, or what else is to happen to it.
func (p *Poller) inlineItems(ctx context.Context, client *clay.Client, run ledger.Run) ([]ledger.RecordID, ledger.RunEvent) {
	page, err := client.Run(run.Clay).Page(ctx, "")
	switch {
	case errors.Is(err, clay.KindNotFound):
		return nil, ledger.RunGone{} // inline; it may be a bulk run
	case err != nil:
		return nil, trouble(err)
	case !page.Done():
		return nil, ledger.RunProgress{Jitter: rand.Float64()}
	}
	var ids []ledger.RecordID
	for _, item := range page.Results {
		ids = known(ids, item)
	}
	return ids, nil
}

// bulkItems does the same for a bulk run.
func (p *Poller) bulkItems(ctx context.Context, client *clay.Client, run ledger.Run) ([]ledger.RecordID, ledger.RunEvent) {
	at := client.BulkRun(run.Clay)
	progress, err := at.Poll(ctx)
	switch {
	case errors.Is(err, clay.KindNotFound):
		return nil, ledger.RunGone{}
	case err != nil:
		return nil, trouble(err)
	case !progress.Done():
		return nil, ledger.RunProgress{Jitter: rand.Float64()}
	}
	var ids []ledger.RecordID
	for item, err := range at.Results(ctx) {
		if err != nil {
			return nil, p.unread(ctx, run, err)
		}
		if ids = known(ids, item); len(ids) >= enough {
			break
		}
	}
	return ids, nil
}

// known appends the item's ID if it may be a record's.
func known(ids []ledger.RecordID, item clay.ItemResult) []ledger.RecordID {
	if id, err := ledger.ParseRecordID(item.ID); err == nil {
		return append(ids, id)
	}
	return ids
}
