package cli

import (
	"context"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// preview says what a run would do.
func (l *load) preview(ctx context.Context) error {
	tally, err := l.prospects(ctx)
	if err != nil {
		return err
	}
	l.show.preview(tally, l)
	return nil
}

// prospects asks what would become of each row.
func (l *load) prospects(ctx context.Context) (tally previewTally, err error) {
	err = l.engine.preview(ctx, l.read, func(n int, prospect, refusal string) {
		if refusal != "" {
			l.bad(n, refusal)
			return
		}
		tally.add(prospect)
	})
	tally.rows, tally.skipped = len(l.rows), len(l.reason)
	return tally, err
}

// previewTally counts what a run would do.
type previewTally struct {
	rows, skipped, send, saved, known int
}

func (t *previewTally) add(prospect string) {
	switch prospect {
	case "send":
		t.send++
	case "known":
		t.known++
	default:
		t.saved++
	}
}

// lasts returns how long it takes to send so many rows at a pace.
func lasts(rows int, p ledger.Pace) time.Duration {
	seconds := float64(max(rows-p.Burst, 0)) / p.PerSecond
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}
