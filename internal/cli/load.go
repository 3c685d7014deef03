package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// load is one run of a file's rows through the ledger to Clay.
type load struct {
	streams     Streams
	flags       loadFlags
	await       bool   // results are awaited
	callbackURL string // what the table's column must call

	input    *input
	columns  []string
	dedupeBy []string

	app    *app.App
	id     ledger.LoadID
	rows   []row // in the order of the input
	health *health
	show   *display
}

// row is what is remembered of an input row: its record, or why it has none.
type row struct {
	record ledger.RecordID
	reason string
}

// newLoad opens the input and chooses how its rows are known.
func newLoad(s Streams, f loadFlags, args []string) (*load, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	in, err := openInput(s, args, f.encoding)
	if err != nil {
		return nil, err
	}
	l := &load{streams: s, flags: f, await: true, input: in, health: &health{}, show: newDisplay(s, f)}
	if err := l.look(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// look reads the beginning of the input: its columns decide how rows are known.
func (l *load) look() error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	if _, err := reader.Next(); err != nil && !isRowError(err) {
		return err
	}
	l.columns = reader.Columns()
	l.dedupeBy, err = chooseDedupe(l.flags.dedupeBy, l.columns)
	return err
}

// open opens the ledger and the way to Clay, and says what is about to happen.
func (l *load) open(ctx context.Context) error {
	table, err := l.flags.table(l.streams)
	if err != nil {
		return err
	}
	path, err := ledgerPath(l.streams, l.flags.ledger, l.flags.emulate)
	if err != nil {
		return err
	}
	table.DedupeBy, table.ResultTimeout, table.MaxAge = l.dedupeBy, l.resultTimeout(), l.maxAge()
	if table.MaxAge == 0 {
		table.MaxAge = -1 // never
	}
	config := app.Config{
		Ledger: path, Targets: []app.Target{table}, Observe: l.health.observe,
		Log: logger(l.streams, l.flags.verbose),
	}
	if l.await {
		config.CallbackListen = l.flags.callbackListen
	}
	if l.flags.emulate {
		config.Emulate = &app.Emulation{Journal: path + ".clay"}
	}
	if l.app, err = app.Open(ctx, config); err != nil {
		return err
	}
	if err := l.app.Ledger.Resume(ctx, table.Name); err != nil {
		return err
	}
	l.id, err = l.app.Ledger.Load(ctx, ledger.Load{Target: table.Name, Name: l.name(), Fresh: l.flags.fresh && !l.flags.dryRun})
	if err != nil {
		return err
	}
	l.show.choices(l, path)
	return nil
}

// name is what the load is known by: what it does, how it tells rows apart, and the job.
func (l *load) name() string {
	verb, job := "enrich", l.flags.job
	if !l.await {
		verb = "send"
	}
	if job == "" {
		job = l.input.name
	}
	return strings.Join([]string{verb, strings.Join(l.dedupeBy, ","), job}, "\n")
}

func (l *load) close() error {
	var errs []error
	if l.app != nil {
		errs = append(errs, l.app.Close())
	}
	return errors.Join(append(errs, l.input.close())...)
}

// acceptBatch is how many rows are handed to the ledger at a time.
const acceptBatch = 500

// maxAge is how old a result may be to be reused; 0 for none.
func (l *load) maxAge() time.Duration {
	switch {
	case l.flags.maxAge.set:
		return l.flags.maxAge.Duration
	case l.flags.fresh:
		return 0
	}
	return ledger.DefaultMaxAge
}

// resultTimeout is how long a result is awaited. The emulator answers within seconds, or it never will.
func (l *load) resultTimeout() time.Duration {
	switch {
	case l.flags.resultTimeout.set && l.flags.resultTimeout.Duration > 0:
		return l.flags.resultTimeout.Duration
	case l.flags.emulate:
		return emulatedTimeout
	}
	return ledger.DefaultResultTimeout
}

// emulatedTimeout bounds the wait for the emulator's results.
const emulatedTimeout = 10 * time.Second

// feed hands every row to the ledger. Rows that cannot be sent are remembered with their reason.
func (l *load) feed(ctx context.Context) error {
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
		return l.replay(ctx, accepted)
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
		if batch = append(batch, s); len(batch) == acceptBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil || l.flags.limit > 0 {
		return err
	}
	return l.drop(ctx)
}

// drop cancels what an earlier run left in the queue and the input no longer has.
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

// reasonGone is why a row was canceled that an earlier run had queued.
const reasonGone = "the input no longer has it"

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

// replay queues rows of an earlier run again: those that ended as --retry names, and those that the input lost and has
// again.
func (l *load) replay(ctx context.Context, accepted []ledger.Acceptance) error {
	var replays []ledger.Entry
	for _, a := range accepted {
		again, err := l.again(ctx, a)
		if err != nil {
			return err
		}
		if again {
			replays = append(replays, ledger.Entry{Record: a.Record.ID, Event: ledger.Replay{}})
		}
	}
	_, err := l.app.Ledger.Apply(ctx, replays)
	return err
}

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

func isRowError(err error) bool {
	_, ok := errors.AsType[*sheet.RowError](err)
	return ok
}

// preview says what a run would do.
func (l *load) preview(ctx context.Context) error {
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
	err := l.app.Ledger.Preview(ctx, maker, tally.add)
	if err := errors.Join(problem, err); err != nil {
		return err
	}
	l.show.preview(tally)
	return nil
}

// previewTally counts what a run would do.
type previewTally struct {
	rows, skipped, send, saved, known int
}

func (t *previewTally) add(a ledger.Acceptance) {
	switch {
	case a.Repeated && a.Record.State != ledger.Queued:
		t.known++
	case a.Record.State == ledger.Queued:
		t.send++
	default:
		t.saved++
	}
}

// lasts returns how long it takes to send so many rows at Clay's pace.
func lasts(rows int) time.Duration {
	seconds := float64(max(rows-ledger.DefaultBurst, 0)) / ledger.DefaultPerSecond
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
}
