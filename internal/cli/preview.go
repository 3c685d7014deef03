package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// anew is the load of a preview with --fresh: no row of it is known.
const anew ledger.LoadID = -1

// preview says what a run would do.
func (l *load) preview(ctx context.Context) error {
	if l.flags.fresh {
		l.id = anew
	}
	var tally previewTally
	var problem error
	maker := func(yield func(ledger.Submission) bool) {
		problem = l.submissions(func(s ledger.Submission, bad string) error {
			tally.rows++
			if bad != "" {
				tally.skipped++
				return nil
			}
			if !yield(s) {
				return io.EOF
			}
			return nil
		})
	}
	err := l.app.Ledger.Preview(ctx, maker, func(a ledger.Acceptance) {
		again, err := l.again(ctx, a)
		problem = errors.Join(problem, err)
		tally.add(a, again)
	})
	if err := errors.Join(problem, err); err != nil {
		return err
	}
	l.show.preview(tally, l.flags.lanePace())
	return nil
}

// previewTally counts what a run would do.
type previewTally struct {
	rows, skipped, send, saved, known int
}

func (t *previewTally) add(a ledger.Acceptance, again bool) {
	switch {
	case again, a.Record.State == ledger.Queued:
		t.send++
	case a.Repeated:
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
