package cli

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// acceptBatch is how many rows are handed to the ledger at a time.
const acceptBatch = 500

// feed hands every row to the ledger. Rows that cannot be sent are remembered with their reason.
func (l *load) feed(ctx context.Context) error {
	own := ledger.Counts{}
	var batch []ledger.Submission
	flush := func() error {
		accepted, err := l.app.Intake.Accept(ctx, batch)
		if err != nil {
			return err
		}
		batch = batch[:0]
		for i, a := range accepted {
			l.rows[len(l.rows)-len(accepted)+i].record = a.Record.ID
		}
		return l.replay(ctx, accepted, own)
	}
	err := l.submissions(func(s ledger.Submission, bad string) error {
		if bad != "" {
			if err := flush(); err != nil {
				return err
			}
			l.rows = append(l.rows, row{reason: bad})
			return nil
		}
		l.rows = append(l.rows, row{})
		if batch = append(batch, s); len(batch) < acceptBatch {
			return nil
		}
		if l.interrupted() {
			return errInterrupted
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = l.drop(ctx)
	}
	if err == nil {
		l.others, err = l.app.Ledger.LoadCounts(ctx, l.id)
		l.others = difference(l.others, own)
	}
	return err
}

// interrupted reports whether somebody has asked to stop.
func (l *load) interrupted() bool {
	select {
	case <-l.streams.Interrupt:
		return true
	default:
		return false
	}
}

// difference returns what is in a and not in b.
func difference(a, b ledger.Counts) ledger.Counts {
	d := ledger.Counts{}
	for name, n := range a {
		if n -= b[name]; n != 0 {
			d[name] = n
		}
	}
	return d
}

// drop cancels what an earlier run left in the queue and this run's input does not have.
func (l *load) drop(ctx context.Context) error {
	waiting, err := l.app.Ledger.Waiting(ctx, l.id)
	if err != nil {
		return err
	}
	wanted := make(map[ledger.RecordID]struct{}, len(l.rows))
	for _, row := range l.rows {
		wanted[row.record] = struct{}{}
	}
	var gone []ledger.Entry
	for _, id := range waiting {
		if _, ok := wanted[id]; !ok {
			gone = append(gone, ledger.Entry{Record: id, Event: ledger.Cancel{Reason: reasonGone}})
		}
	}
	_, err = l.app.Ledger.Apply(ctx, gone)
	return err
}

// reasonGone is why a row was canceled that an earlier run had queued. A run that has it again replays it.
const reasonGone = "a later run did not have it"

// submissions reads the input from its beginning and calls take for each row, with its submission or with why it has
// none.
func (l *load) submissions(take func(s ledger.Submission, bad string) error) error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	maker := l.app.Intake.Load(l.flags.target, l.id)
	for n := 0; l.flags.limit == 0 || n < l.flags.limit; n++ {
		r, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !isRowError(err) {
			return err
		}
		var s ledger.Submission
		bad := ""
		if err == nil {
			s, err = maker.Submission(r.JSON())
		}
		if err != nil {
			bad = l.badRow(r, err)
		}
		s.Await = l.await
		if err := take(s, bad); err != nil {
			return err
		}
	}
	return nil
}

// badRow reports a row that cannot be sent, and returns why.
func (l *load) badRow(r sheet.Row, err error) string {
	line, reason := r.Line, err.Error()
	if e, ok := errors.AsType[*sheet.RowError](err); ok {
		line, reason = e.Line, e.Reason
	}
	if e, ok := errors.AsType[*ledger.Error](err); ok {
		reason = e.Message
	}
	l.show.badRow(line, reason)
	return reason
}

func isRowError(err error) bool {
	_, ok := errors.AsType[*sheet.RowError](err)
	return ok
}

// replay queues rows of an earlier run again: those that ended as --retry names, and those that the input lost and has
// again. It counts where the accepted rows stand then.
func (l *load) replay(ctx context.Context, accepted []ledger.Acceptance, own ledger.Counts) error {
	var replays []ledger.Entry
	for _, a := range accepted {
		again, err := l.again(ctx, a)
		if err != nil {
			return err
		}
		if again {
			replays = append(replays, ledger.Entry{Record: a.Record.ID, Event: ledger.Replay{}})
			continue
		}
		own.Recount(nil, &a.Record)
	}
	applied, err := l.app.Ledger.Apply(ctx, replays)
	for _, a := range applied {
		own.Recount(nil, &a.Record)
	}
	return err
}

// again reports whether a row of an earlier run is to be sent again.
func (l *load) again(ctx context.Context, a ledger.Acceptance) (bool, error) {
	if !a.Repeated || !a.Record.State.Terminal() || a.Record.State == ledger.Done {
		return false, nil
	}
	if a.Record.State == ledger.Canceled {
		return true, nil
	}
	if len(l.flags.retry) == 0 {
		return false, nil
	}
	status, err := statusOf(ctx, l.app.Ledger, a.Record)
	return slices.ContainsFunc(l.flags.retry, func(what string) bool { return retries[what] == status }), err
}
