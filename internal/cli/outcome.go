package cli

import "github.com/claygate/claygate/internal/ledger"

// statusSkipped is the value of the column claygate_status for a row that cannot be sent. The others are the fates of
// records.
const statusSkipped ledger.Fate = "skipped"

// retries maps what --retry takes to what the rows came to that it sends again.
var retries = map[string]ledger.Fate{
	"failed": ledger.FateFailed, "expired": ledger.FateTimedOut, "uncertain": ledger.FateMaybeSent,
}

// retry returns what is to be sent again: what --retry names, and that once.
func (l *load) retry() []ledger.Fate {
	var fates []ledger.Fate
	for _, what := range l.retried() {
		fates = append(fates, retries[what])
	}
	return fates
}

func (l *load) retried() []string {
	if l.fed {
		return nil
	}
	return l.flags.retry
}
