package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// feed hands every row in. Rows that cannot be sent are remembered with their reason.
func (l *load) feed(ctx context.Context) error {
	if err := l.engine.take(ctx, l.read, l.took); err != nil {
		return err
	}
	l.lines, l.fed = nil, true
	return l.findOthers(ctx)
}

// findOthers counts the records of the load that this input does not have.
func (l *load) findOthers(ctx context.Context) error {
	m, err := l.engine.now(ctx)
	if err != nil {
		return err
	}
	own := ledger.Counts{}
	for _, row := range l.rows {
		if !row.record.IsZero() {
			own[""]++
		}
	}
	if l.others = (ledger.Counts{}); m.counts.Total() == own[""] {
		return nil
	}
	own = ledger.Counts{}
	err = l.each(ctx, func(_ int, o *outcome, _ ended) error {
		if o != nil {
			o.count(own)
		}
		return nil
	})
	l.others = difference(m.counts, own)
	return err
}

// count counts a record as the ledger does.
func (o outcome) count(c ledger.Counts) {
	c[ledger.Count(o.state)]++
	if o.cached {
		c[ledger.CountCached]++
	}
	if o.sends > 0 {
		c[ledger.CountSent]++
	}
}

// took notes what became of a row.
func (l *load) took(t taken) {
	if t.refusal != "" {
		l.bad(t.n, t.refusal)
		return
	}
	if l.fed && l.rows[t.n].record == t.record {
		return // what has been sent since was sent in this run
	}
	l.rows[t.n] = row{record: t.record, sends: uint16(min(t.sends, 1<<16-1))}
}

// bad remembers why a row cannot be sent, and says so once.
func (l *load) bad(n int, reason string) {
	if _, known := l.reason[n]; !known {
		l.show.badRow(l.lines[n], reason)
	}
	l.reason[n] = reason
}

// read reads the input from its beginning and yields the rows that can be handed in.
func (l *load) read(yield func(n int, fields json.RawMessage) error) error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	l.lines = l.lines[:0]
	for n := 0; l.flags.limit == 0 || n < l.flags.limit; n++ {
		r, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if n == len(l.rows) {
			l.rows = append(l.rows, row{})
		}
		if bad, ok := errors.AsType[*sheet.RowError](err); ok {
			l.lines = append(l.lines, bad.Line)
			l.bad(n, bad.Reason)
			continue
		}
		if err != nil {
			return err
		}
		l.lines = append(l.lines, r.Line)
		if err := yield(n, r.JSON()); err != nil {
			return err
		}
		if n%acceptBatch == acceptBatch-1 && l.interrupted() {
			return errInterrupted
		}
	}
	return nil
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

func isRowError(err error) bool {
	_, ok := errors.AsType[*sheet.RowError](err)
	return ok
}
