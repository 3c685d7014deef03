package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

// local is the engine of a command that has the ledger to itself.
type local struct {
	*load
	path string // of the ledger

	app    *app.App
	id     ledger.LoadID
	news   <-chan struct{}
	paused <-chan struct{}
	pause  ledger.Pause
	cancel []func()
}

// open opens the ledger and the way to Clay, and says what is about to happen.
func (e *local) open(ctx context.Context) error {
	if err := e.consult(ctx); err != nil {
		return err
	}
	table, apis, err := e.target()
	if err != nil {
		return err
	}
	pushed := e.await && e.pushed()
	if pushed {
		if e.callbackURL, err = e.flags.callbackURL(e.streams); err != nil {
			return err
		}
	}
	table.DedupeBy, table.ResultTimeout, table.MaxAge = e.dedupeBy, e.resultTimeout(), e.maxAge()
	if table.MaxAge == 0 {
		table.MaxAge = -1 // never
	}
	config := app.Config{
		Ledger: e.path, Socket: true, Targets: []app.Target{table}, Observe: e.health.observe, Trouble: e.health.trouble, Idle: e.health.idle,
		PublicAPI: apis, Pace: map[string]ledger.Pace{"main": e.flags.lanePace()}, Log: logger(e.streams, e.flags.verbose), Version: version(),
	}
	if pushed && !e.flags.dryRun {
		config.CallbackListen = e.flags.callbackListen
	}
	if e.flags.emulate {
		config.Emulate = &app.Emulation{Journal: e.path + ".clay", Pace: e.flags.lanePace()}
	}
	if e.app, err = app.Open(ctx, config); err != nil {
		return err
	}
	if stops, err := e.app.Ledger.Stopped(ctx); err != nil || stops.Of(ledger.WorkspaceOf(table.Name)) != "" {
		return errors.Join(err, stoppedError(stops.Of(ledger.WorkspaceOf(table.Name))))
	}
	if err := e.app.Ledger.Resume(ctx, table.Name); err != nil {
		return err
	}
	e.id, err = e.app.Ledger.Load(ctx, ledger.Load{Target: table.Name, Name: e.name(), Fresh: e.flags.fresh && !e.flags.dryRun && !e.opened && table.Routine == nil})
	if err != nil {
		return err
	}
	e.subscribe()
	e.show.choices(e.load, choices{ledger: e.path, destination: destination(e.flags.emulate)})
	return nil
}

func (e *local) subscribe() {
	var cancelNews, cancelPaused func()
	e.news, cancelNews = e.app.Hub.Subscribe(e.id)
	e.paused, cancelPaused = e.app.Hub.Subscribe(ledger.Pauses)
	e.cancel = append(e.cancel, cancelNews, cancelPaused)
}

// destination names where rows go that this process sends.
func destination(emulated bool) string {
	if emulated {
		return "Clay, emulated in this process: nothing leaves the machine"
	}
	return "Clay"
}

func (e *local) run(ctx context.Context, preview bool) (*app.Run, error) {
	id := e.id
	if preview && e.flags.fresh && !e.renewed {
		id = anew
	}
	return e.app.Run(ctx, app.RunOptions{
		Target: e.flags.target, Load: id, Await: e.await, Retry: e.retry(), Preview: preview,
	})
}

// anew is the load of a preview with --fresh: no row of it is known.
const anew ledger.LoadID = -1

// take hands the rows to the ledger. They are all in it before the first one leaves: what the file no longer has must not
// be sent.
func (e *local) take(ctx context.Context, rows rowSource, tell func(taken)) error {
	if err := e.agree(ctx, rows); err != nil {
		return err
	}
	run, err := e.run(ctx, false)
	if err != nil {
		return err
	}
	err = submissions(run, rows, tell, func(batch []ledger.Submission, places []int) error {
		accepted, err := run.Accept(ctx, batch)
		for i, a := range accepted {
			t := taken{n: places[i], record: a.Record.ID, sends: a.Sends}
			if a.Err != nil {
				t.refusal = refusal(a.Err)
			}
			tell(t)
		}
		return err
	})
	if err == nil {
		_, err = run.End(ctx)
	}
	return err
}

func (e *local) preview(ctx context.Context, rows rowSource, tell func(n int, prospect, refusal string)) error {
	run, err := e.run(ctx, true)
	if err != nil {
		return err
	}
	refused := func(t taken) { tell(t.n, "", t.refusal) }
	return submissions(run, rows, refused, func(batch []ledger.Submission, places []int) error {
		prospects, err := run.Preview(ctx, batch)
		for i, p := range prospects {
			tell(places[i], string(p), "")
		}
		return err
	})
}

// acceptBatch is how many rows are handed to the ledger at a time.
const acceptBatch = 500

// submissions makes the submissions of rows and flushes them in batches, with the rows' places. Rows that cannot be
// submitted are told of in their place.
func submissions(run *app.Run, rows rowSource, refused func(taken), flush func(batch []ledger.Submission, places []int) error) error {
	var batch []ledger.Submission
	var places []int
	empty := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := flush(batch, places)
		batch, places = batch[:0], places[:0]
		return err
	}
	err := rows(func(n int, fields json.RawMessage) error {
		s, err := run.Submission(fields)
		if err != nil {
			refused(taken{n: n, refusal: refusal(err)})
			return nil
		}
		if batch, places = append(batch, s), append(places, n); len(batch) < acceptBatch {
			return nil
		}
		return empty()
	})
	if err != nil {
		return err
	}
	return empty()
}

// refusal says why a row cannot be sent.
func refusal(err error) string {
	if e, ok := errors.AsType[*ledger.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

func (e *local) begin() { e.app.Start(e.id) }

func (e *local) now(ctx context.Context) (m moment, err error) {
	if m.counts, err = e.app.Ledger.LoadCounts(ctx, e.id); err == nil {
		err = e.health.broken()
	}
	select {
	case <-e.paused:
		if status, err := e.app.Ledger.TargetStatus(ctx, e.flags.target); err == nil {
			e.pause = status.Paused
		}
	default:
	}
	m.paused = e.pause
	return m, err
}

func (e *local) moved() <-chan struct{} { return e.news }

func (e *local) hopeless(c ledger.Counts) error { return e.health.hopeless(c) }

func (e *local) hold(context.Context) error {
	e.app.StopSending()
	return nil
}

// How long a run waits at its end for requests under way: as long as they may last, unless somebody is in a hurry or the
// ledger cannot write their answers down.
const (
	settleTime  = 35 * time.Second
	hurriedTime = time.Second
)

func (e *local) settle(ctx context.Context, hurry bool) {
	wait := settleTime
	if hurry {
		wait = hurriedTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_ = e.app.Stop(ctx) // what is still under way then is uncertain, and the ledger says so
}

func (e *local) records(ctx context.Context, ids []ledger.RecordID) ([]outcome, error) {
	records, err := e.app.Ledger.Records(ctx, ids)
	outcomes := make([]outcome, len(records))
	for i, r := range records {
		if err != nil {
			break
		}
		o := outcome{
			record: r.ID, state: r.State, reason: r.Reason, result: r.Result, cached: r.Cached, doubled: r.MayDuplicate > 0, sends: r.Sends(),
		}
		o.fate, err = e.app.FateOf(ctx, r)
		outcomes[i] = o
	}
	return outcomes, err
}

func (e *local) close() error {
	for _, cancel := range e.cancel {
		cancel()
	}
	if e.app == nil {
		return nil
	}
	return e.app.Close()
}
