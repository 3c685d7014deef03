package cli

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// The values of the column claygate_status.
const (
	statusOK        = "ok"         // enriched
	statusCached    = "cached"     // enriched at no cost, by an earlier record or another row
	statusNotFound  = "not_found"  // Clay found nothing
	statusFailed    = "failed"     // given up, with the reason
	statusTimedOut  = "timed_out"  // Clay took it, no result came
	statusMaybeSent = "maybe_sent" // it may be at Clay, nobody knows
	statusSkipped   = "skipped"    // not sent: the row cannot be
	statusPending   = "pending"    // not finished
)

// statusOf returns what a row's record came to. Only a record that ended in doubt needs its attempts read: what its
// last one met tells a result that never came from a request that perhaps never arrived.
func statusOf(ctx context.Context, reader ledger.Reader, r ledger.Record) (string, error) {
	switch r.State {
	case ledger.Done:
		switch {
		case r.Empty:
			return statusNotFound, nil
		case r.Cached:
			return statusCached, nil
		}
		return statusOK, nil
	case ledger.Dead, ledger.Expired:
		if r.AtClay {
			return doubtful(ctx, reader, r)
		}
		return statusFailed, nil
	case ledger.Canceled:
		return statusFailed, nil
	case ledger.Uncertain:
		return statusMaybeSent, nil
	}
	return statusPending, nil
}

func doubtful(ctx context.Context, reader ledger.Reader, r ledger.Record) (string, error) {
	attempts, err := reader.Attempts(ctx, r.ID)
	if err != nil || len(attempts) == 0 {
		return statusFailed, err
	}
	switch attempts[len(attempts)-1].Verdict {
	case ledger.Accepted:
		return statusTimedOut, nil
	case ledger.Doubtful:
		return statusMaybeSent, nil
	}
	return statusFailed, nil
}

// retries maps what --retry takes to the statuses that it sends again.
var retries = map[string]string{"failed": statusFailed, "expired": statusTimedOut, "uncertain": statusMaybeSent}
