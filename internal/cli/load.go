package cli

import (
	"context"
	"errors"
	"io"
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
	rows   []row         // in the order of the input
	others ledger.Counts // records of the load that the input does not have, as they stood when the rows were in
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
	l := &load{streams: s, flags: f, await: true, input: in, health: &health{patience: f.patience.or(defaultPatience)}, show: newDisplay(s, f)}
	if err := l.look(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// look reads the input's columns: they decide how rows are known. A file of JSON lines has those of all its rows: what
// the first row happens to lack must not decide that the same people are paid for again.
func (l *load) look() error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	for more := true; more; more = reader.Format() == sheet.JSONL {
		_, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !isRowError(err) {
			return err
		}
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
	if err := apart(l.flags.output, path); err != nil {
		return err
	}
	table.DedupeBy, table.ResultTimeout, table.MaxAge = l.dedupeBy, l.resultTimeout(), l.maxAge()
	if table.MaxAge == 0 {
		table.MaxAge = -1 // never
	}
	config := app.Config{
		Ledger: path, Socket: true, Targets: []app.Target{table}, Observe: l.health.observe, Trouble: l.health.trouble, Idle: l.health.idle,
		Pace: map[string]ledger.Pace{"main": l.flags.lanePace()}, Log: logger(l.streams, l.flags.verbose),
	}
	if l.await && !l.flags.dryRun {
		config.CallbackListen = l.flags.callbackListen
	}
	if l.flags.emulate {
		config.Emulate = &app.Emulation{Journal: path + ".clay", Pace: l.flags.lanePace()}
	}
	if l.app, err = app.Open(ctx, config); err != nil {
		return err
	}
	if reason, err := l.app.Ledger.Stopped(ctx); err != nil || reason != "" {
		return errors.Join(err, stoppedError(reason))
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
	if l.flags.emulate {
		return l.flags.resultTimeout.or(emulatedTimeout)
	}
	return l.flags.resultTimeout.or(ledger.DefaultResultTimeout)
}

// emulatedTimeout bounds the wait for the emulator's results.
const emulatedTimeout = 10 * time.Second
