package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

// remote is the engine of a command whose rows a running gateway takes to Clay: the process that has the ledger in use, or
// one on another machine.
type remote struct {
	*load
	*client.Client
	where  string // for people: the ledger, or the gateway's URL
	socket string // of the process that has the ledger; "" for a gateway that was named

	id        string
	last      moment
	sent      int // of the load, as last heard
	delivered int // of the target, as last heard
	held      bool
	canceled  int // of the load, before it was held
}

// pollTime bounds a question about how the load stands: somebody may press Ctrl-C meanwhile.
const pollTime = 3 * time.Second

// open finds the target, opens the load and says what is about to happen.
func (e *remote) open(ctx context.Context) error {
	if err := e.flags.gatewayDecides(); err != nil {
		return err
	}
	if e.socket != "" {
		e.show.attached(e.where)
	}
	target, err := e.target(ctx)
	if err != nil {
		return err
	}
	if err := e.chooseDedupe(target); err != nil {
		return err
	}
	opened := client.NewLoad{Name: e.name(), Fresh: e.flags.fresh && !e.flags.dryRun && !e.opened, Webhook: e.webhook()}
	var load client.Load
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		load, err = e.OpenLoad(ctx, target.Name, opened)
		return err
	})
	if err != nil {
		return e.explained(err)
	}
	if err := e.fits(load); err != nil {
		return err
	}
	e.id, e.show.emulated, e.price = load.ID, load.Emulated, target.Cost
	if e.bound.set == "" {
		e.bound = boundOf(target)
	}
	e.note(load)
	e.show.choices(e.load, choices{destination: e.destination(), gateway: e.where})
	return nil
}

// target returns the target at the gateway, or says which ones there are.
func (e *remote) target(ctx context.Context) (client.Target, error) {
	var all client.Overview
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		all, err = e.Targets(ctx)
		return err
	})
	if err != nil {
		return client.Target{}, e.explained(err)
	}
	if all.Stopped != nil {
		return client.Target{}, stoppedError(*all.Stopped)
	}
	var names []string
	for _, t := range all.Targets {
		names = append(names, t.Name)
	}
	i := ledger.FindTarget(slices.Values(names), e.flags.target)
	if i < 0 {
		return client.Target{}, &exitError{
			code: exitNotFound, early: true, message: fmt.Sprintf("there is no target %s on %s", e.flags.target, e.where),
			hint: "name one with -t: " + strings.Join(names, ", "),
		}
	}
	found := all.Targets[i]
	if reason := all.StoppedWorkspaces[ledger.WorkspaceOf(found.Name)]; reason != "" {
		return found, stoppedError(reason)
	}
	if e.await && !found.Await {
		return found, &usageError{message: "the target " + found.Name + " awaits no results", hint: "`claygate send` hands rows in without awaiting any"}
	}
	return found, pausedEarly(found.Paused)
}

// pausedEarly refuses a target that sends nothing: whoever paused it, or mended it, lets it go on.
func pausedEarly(p *client.Pause) error {
	if p == nil {
		return nil
	}
	return &exitError{
		code: pausedExit(p.Status), early: true, message: "the target is paused: " + p.Reason,
		hint: "when that is mended, `claygate targets resume` lets it go on",
	}
}

// chooseDedupe takes what the target says where nobody asked for anything else and the input has those columns.
func (e *remote) chooseDedupe(t client.Target) error {
	if e.flags.dedupeBy == "" && len(t.DedupeBy) > 0 && !slices.ContainsFunc(t.DedupeBy, func(name string) bool { return !slices.Contains(e.columns, name) }) {
		e.dedupeBy = t.DedupeBy
	}
	for _, name := range e.dedupeBy {
		if strings.Contains(name, ",") {
			return &usageError{message: fmt.Sprintf("--dedupe-by: a gateway cannot be told of the column %q, because of its comma", name), hint: "rename the column"}
		}
	}
	return nil
}

// webhook is the ID of the webhook to which people mean to send: the process that has the ledger must send there too.
func (e *remote) webhook() string {
	if url := e.streams.Getenv("CLAY_WEBHOOK_URL"); url != "" && e.socket != "" && !e.flags.emulate {
		return app.WebhookID(url)
	}
	return ""
}

// fits refuses a gateway that sends to the real Clay when somebody asked for an emulated one.
func (e *remote) fits(l client.Load) error {
	if e.flags.emulate && !l.Emulated {
		return &usageError{message: e.where + " sends to the real Clay, and --emulate was asked for", hint: "leave --emulate out, or name another ledger"}
	}
	return nil
}

func (e *remote) destination() string {
	if e.show.emulated {
		return "Clay, emulated by the gateway: nothing leaves its machine"
	}
	return "Clay, through the gateway"
}

// options says what this run wants of the rows.
func (e *remote) options() client.RowOptions {
	o := client.RowOptions{
		NoResults: !e.await, DedupeBy: append([]string{}, e.dedupeBy...), Retry: e.retried(), Partial: e.flags.limit > 0,
		DryRun: e.flags.dryRun, Fresh: e.flags.fresh && e.flags.dryRun,
	}
	if e.flags.maxAge.set || e.flags.fresh {
		age := e.maxAge()
		o.MaxAge = &age
	}
	if e.flags.resultTimeout.set || e.flags.emulate {
		o.ResultTimeout = e.resultTimeout()
	}
	return o
}

// take hands the rows in, and again when the gateway breaks off: they are the same records then.
func (e *remote) take(ctx context.Context, rows rowSource, tell func(taken)) error {
	return e.handIn(ctx, rows, e.options(), func(n int, a client.RowAnswer) error {
		t := taken{n: n, sends: a.Sends}
		if a.Err != nil {
			t.refusal = refused(a.Err)
		} else if err := t.record.UnmarshalText([]byte(a.ID)); err != nil {
			return err
		}
		tell(t)
		return nil
	})
}

func (e *remote) preview(ctx context.Context, rows rowSource, tell func(n int, prospect, refusal string)) error {
	o := e.options()
	o.DryRun, o.Fresh = true, e.flags.fresh
	return e.handIn(ctx, rows, o, func(n int, a client.RowAnswer) error {
		tell(n, a.Would, refused(a.Err))
		return nil
	})
}

// refused says why the gateway refused a row; "" when it did not.
func refused(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Detail
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (e *remote) handIn(ctx context.Context, rows rowSource, o client.RowOptions, answered func(n int, a client.RowAnswer) error) error {
	err := e.persist(ctx, func(ctx context.Context) error {
		var places []int32
		stream := func(yield func(any, error) bool) {
			err := rows(func(n int, fields json.RawMessage) error {
				places = append(places, int32(n))
				if !yield(fields, nil) {
					return errBrokenOff
				}
				return nil
			})
			if err != nil && !errors.Is(err, errBrokenOff) {
				yield(nil, err)
			}
		}
		for a, err := range e.LoadRows(ctx, e.id, stream, o) {
			if err != nil {
				return err
			}
			if err := answered(int(places[a.N]), a); err != nil {
				return err
			}
		}
		return nil
	})
	return e.explained(err)
}

// errBrokenOff says that nobody reads the rows any more.
var errBrokenOff = errors.New("the gateway breaks off")

func (e *remote) begin() {}

// now asks the gateway. While it does not answer, what it said last holds.
func (e *remote) now(ctx context.Context) (moment, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	load, err := e.Load(ctx, e.id)
	switch {
	case err == nil:
		e.health.trouble(nil)
		e.note(load)
	case !client.Passing(err):
		return e.last, e.explained(err)
	case e.gone():
		return e.last, errGone
	default:
		e.health.trouble(err)
	}
	return e.last, e.explained(e.health.broken())
}

// errGone says that the process that had the ledger has ended.
var errGone = &exitError{
	code: exitNetwork, early: true, message: "the process that had the ledger has ended",
	hint: "run the same command again: it goes on from here",
}

// gone reports whether the process that had the ledger does not listen any more.
func (e *remote) gone() bool { return e.socket != "" && !answers(e.socket) }

// note takes over how the load stands.
func (e *remote) note(l client.Load) {
	m := moment{counts: ledger.Counts{ledger.CountCached: l.Cached, ledger.CountSent: l.Attempted}}
	for state, n := range l.Counts {
		m.counts[ledger.Count(state)] = n
	}
	if e.held { // they are canceled there, and still to be sent here
		held := m.counts[ledger.Count(ledger.Canceled)] - e.canceled
		m.counts[ledger.Count(ledger.Canceled)] -= held
		m.counts[ledger.Count(ledger.Queued)] += held
	}
	if l.Paused != nil {
		m.paused = ledger.Pause{Reason: l.Paused.Reason, Status: l.Paused.Status}
	}
	if l.Stopped != nil {
		m.stopped = *l.Stopped
	}
	if l.Held != nil && m.counts.In(ledger.Queued) > 0 {
		m.held = l.Held.Reason
	}
	now := sent(m.counts)
	if e.last.counts != nil {
		e.health.left(now-e.sent, l.Delivered != e.delivered)
	}
	e.last, e.sent, e.delivered = m, now, l.Delivered
}

func (e *remote) moved() <-chan struct{} { return nil }

func (e *remote) hopeless(c ledger.Counts) error {
	if !e.health.idleFor(c) {
		return nil
	}
	return &exitError{
		code: exitNetwork, message: "nothing of the target " + e.flags.target + " has got through to Clay for " + spell(e.health.patience),
		hint: "the gateway's log says why. Nothing is lost: run the same command again later and it goes on from here",
	}
}

func (e *remote) hold(ctx context.Context) error {
	canceled := e.last.counts.In(ledger.Canceled)
	err := e.persist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, holdTime)
		defer cancel()
		load, err := e.HoldLoad(ctx, e.id)
		if err == nil {
			e.held, e.canceled = true, canceled
			e.note(load)
		}
		return err
	})
	if err == nil || errors.Is(err, errGone) {
		return err
	}
	code := exitNetwork
	if errors.Is(err, errInterrupted) {
		code = exitInterrupted
	}
	return &exitError{
		code: code, early: true, message: "the gateway could not be told to stop: it goes on sending what it has",
		hint: "`claygate stop --all` stops all of it; the same command again shows how the rows stand",
	}
}

// holdTime bounds the holding back of a load of a million rows.
const holdTime = 2 * time.Minute

func (e *remote) settle(context.Context, bool) {}

func (e *remote) records(ctx context.Context, ids []ledger.RecordID) ([]outcome, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	var records []client.Record
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		records, err = e.ReadRecords(ctx, texts)
		return err
	})
	outcomes := make([]outcome, len(records))
	for i, r := range records {
		o := outcome{
			state: ledger.State(r.State), fate: ledger.Fate(r.Outcome), result: r.Result, cached: r.Cached, doubled: r.MayDuplicate > 0, sends: r.Sends,
		}
		if string(r.Result) == "null" {
			o.result = nil
		}
		if r.Error != nil && o.fate != ledger.FatePending {
			o.reason = r.Error.Reason
		}
		if err := o.record.UnmarshalText([]byte(r.ID)); err != nil {
			return nil, err
		}
		outcomes[i] = o
	}
	return outcomes, e.explained(err)
}

func (e *remote) close() error {
	e.Close()
	return nil
}
