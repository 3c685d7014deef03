package cli

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// tally counts what became of the rows.
type tally struct {
	rows     int
	statuses map[ledger.Fate]int
	paid     int // rows that Clay took in this run, or may have taken
	earlier  int // rows that were sent in an earlier run
	saved    int // rows that were answered without being sent
	doubled  int // rows that Clay may hold twice
	queued   int // rows not sent yet
	atClay   int // rows at Clay, or perhaps, whose result is awaited
	lost     int // rows that the ledger does not know: none, ever
}

// bad returns how many rows ended without an answer.
func (t tally) bad() int {
	return t.statuses[ledger.FateFailed] + t.statuses[ledger.FateTimedOut] + t.statuses[ledger.FateMaybeSent] + t.statuses[statusSkipped] + t.lost
}

// ended is what became of one row.
type ended struct {
	status ledger.Fate
	reason string
	result []byte
}

// readBatch is how many records are read at a time.
const readBatch = 500

// each calls visit for every row, in the order of the input, with what became of it.
func (l *load) each(ctx context.Context, visit func(n int, o *outcome, e ended) error) error {
	for from := 0; from < len(l.rows); from += readBatch {
		batch := l.rows[from:min(from+readBatch, len(l.rows))]
		var ids []ledger.RecordID
		for _, row := range batch {
			if !row.record.IsZero() {
				ids = append(ids, row.record)
			}
		}
		outcomes, err := l.engine.records(ctx, ids)
		if err != nil {
			return err
		}
		byID := make(map[ledger.RecordID]*outcome, len(outcomes))
		for i := range outcomes {
			byID[outcomes[i].record] = &outcomes[i]
		}
		for i, row := range batch {
			o := byID[row.record]
			if err := visit(from+i, o, l.endOf(from+i, o)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *load) endOf(n int, o *outcome) ended {
	switch reason, bad := l.reason[n]; {
	case bad:
		return ended{status: statusSkipped, reason: reason}
	case o == nil && l.rows[n].record.IsZero():
		return ended{status: ledger.FatePending, reason: "interrupted before it was taken in"}
	case o == nil:
		return ended{status: ledger.FateFailed, reason: "the ledger does not know it: please report this"}
	}
	return ended{status: o.fate, reason: o.reason, result: o.result}
}

// tally counts what became of the rows.
func (l *load) tally(ctx context.Context) (tally, error) {
	t := l.newTally()
	err := l.each(ctx, func(n int, o *outcome, e ended) error {
		t.add(l.rows[n], o, e)
		return nil
	})
	return t, err
}

func (l *load) newTally() tally { return tally{rows: len(l.rows), statuses: map[ledger.Fate]int{}} }

func (t *tally) add(row row, o *outcome, e ended) {
	t.statuses[e.status]++
	switch {
	case o == nil && !row.record.IsZero():
		t.lost++
	case o == nil && e.status == ledger.FatePending:
		t.queued++
	}
	if o == nil {
		return
	}
	if now := o.sends - int(row.sends); now > 0 {
		t.paid += now
	} else if row.sends > 0 {
		t.earlier++
	}
	if o.cached {
		t.saved++
	}
	if o.doubled {
		t.doubled++
	}
	switch o.state {
	case ledger.Queued, ledger.Joined:
		t.queued++
	case ledger.Canceled:
		if o.fate == ledger.FatePending {
			t.queued++
		}
	case ledger.Sending, ledger.Sent, ledger.Uncertain:
		t.atClay++
	}
}

// write writes the rows with their results and returns what became of them. The records are read twice, first for the
// names of the result columns, so that a million rows need no memory.
func (l *load) write(ctx context.Context) (tally, error) {
	var columns sheet.Collector
	t := l.newTally()
	err := l.each(ctx, func(n int, o *outcome, e ended) error {
		t.add(l.rows[n], o, e)
		return columns.Add(e.result)
	})
	if err != nil {
		return t, err
	}
	if l.flags.output == sheet.Stdio {
		return t, l.writeOut(ctx, &columns)
	}
	out, err := sheet.CreateOutput(l.flags.output, l.input.path())
	if err != nil {
		return t, err
	}
	if err := l.writeTo(ctx, out, &columns); err != nil {
		return t, errors.Join(err, out.Discard())
	}
	return t, out.Commit()
}

// writeOut writes to stdout: when time is short all of it or nothing, because nobody could tell a part from the whole.
func (l *load) writeOut(ctx context.Context, columns *sheet.Collector) error {
	if _, short := ctx.Deadline(); !short {
		return l.writeTo(ctx, l.streams.Out, columns)
	}
	var text bytes.Buffer
	if err := l.writeTo(ctx, &text, columns); err != nil {
		return err
	}
	_, err := text.WriteTo(l.streams.Out)
	return err
}

// writeTo reads the input once more, beside the records, and writes both.
func (l *load) writeTo(ctx context.Context, w io.Writer, columns *sheet.Collector) error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	format := sheet.FormatOf(l.flags.output)
	if format == sheet.Auto {
		format = reader.Format()
	}
	writer, err := sheet.NewWriter(w, sheet.WriterOptions{
		Format: format, Delimiter: reader.Delimiter(), InputColumns: l.columns, ResultColumns: columns.Columns(format),
		EscapeFormulas: l.flags.escapeFormulas,
	})
	if err != nil {
		return err
	}
	err = l.each(ctx, func(_ int, _ *outcome, e ended) error {
		r, err := reader.Next()
		if bad, ok := errors.AsType[*sheet.RowError](err); ok {
			r = bad.Row
		} else if err != nil {
			return &usageError{message: "the input changed while it was being enriched", hint: "run the same command again: every result is kept"}
		}
		return writer.Write(r, sheet.Outcome{Result: e.result, Status: string(e.status), Error: e.reason})
	})
	if err != nil {
		return err
	}
	return writer.Flush()
}
