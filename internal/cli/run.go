package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// How a run can end other than well.
var (
	errInterrupted = errors.New("interrupted")
	errAbandoned   = errors.New("interrupted twice")
)

// pausedError says that the target paused: Clay refuses what is sent to it.
type pausedError struct{ ledger.Pause }

func (e *pausedError) Error() string { return e.Reason }

// isFatal reports whether a run ended so that there is nothing to write out.
func isFatal(err error) bool {
	if err == nil || errors.Is(err, errInterrupted) || errors.Is(err, errAbandoned) {
		return false
	}
	_, paused := errors.AsType[*pausedError](err)
	exit, planned := errors.AsType[*exitError](err)
	return !paused && (!planned || exit.early)
}

// tick is how often progress is shown when nothing happens.
const tick = 250 * time.Millisecond

// run hands the rows to the ledger, sends them and waits for their results. It ends when every row has come to
// something, when the first interrupt has stopped the sending and what was sent has come back, at the second
// interrupt, or when Clay takes nothing more.
//
// The rows are all in the ledger before the first one leaves: what the file no longer has must not be sent.
func (l *load) run(ctx context.Context) error {
	if err := l.feed(ctx); errors.Is(err, errInterrupted) {
		return l.interruptedEarly(ctx)
	} else if err != nil {
		return err
	}
	l.engine.begin()
	l.show.begin(l)
	defer l.show.end()

	var ended error // why the sending stopped early
	stop := func(why error, c ledger.Counts) error {
		if ended != nil {
			return nil
		}
		ended = why
		if err := l.engine.hold(ctx); err != nil {
			return err
		}
		l.show.stopped(why, c)
		return nil
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		m, err := l.engine.now(ctx)
		if err != nil {
			return l.settle(ctx, err)
		}
		l.show.progress(l, m.counts)
		if over, err := l.over(ctx, m.counts, ended != nil); over || err != nil {
			return l.settle(ctx, cmp.Or(err, ended))
		}
		if why := m.halted(); why != nil {
			err = stop(why, m.counts)
		}
		select {
		case <-l.streams.Interrupt:
			switch {
			case ended == nil:
				err = stop(errInterrupted, m.counts)
			case errors.Is(ended, errInterrupted):
				return l.settle(ctx, errAbandoned)
			default: // it had stopped already; nobody wants to wait for what is at Clay
				return l.settle(ctx, ended)
			}
		case <-l.engine.moved():
			err = l.breathe(ctx)
		case <-ticker.C:
			if why := l.engine.hopeless(m.counts); why != nil {
				err = stop(why, m.counts)
			}
		}
		if err != nil {
			return l.settle(ctx, err)
		}
	}
}

// halted returns why nothing more of the load is sent, nil while it is.
func (m moment) halted() error {
	if m.paused.Reason != "" {
		return &pausedError{m.paused}
	}
	if m.held != "" {
		return &exitError{
			code: exitRateLimited, message: m.held,
			hint: "run the same command again then: it goes on from here; or raise the budget in the gateway's configuration",
		}
	}
	return stoppedError(m.stopped)
}

// interruptedEarly ends a run in which not all rows were handed in.
func (l *load) interruptedEarly(ctx context.Context) error {
	message := "interrupted while the rows were read: this run has sent none"
	if err := l.engine.hold(ctx); err != nil {
		return err
	}
	return &exitError{code: exitInterrupted, early: true, message: message, hint: "run the same command again: it goes on from here"}
}

// over reports whether nothing more is to be waited for. Once the sending has stopped, only what is at Clay is.
func (l *load) over(ctx context.Context, c ledger.Counts, stopped bool) (bool, error) {
	states := []ledger.State{ledger.Queued, ledger.Sending, ledger.Sent, ledger.Uncertain, ledger.Joined}
	if stopped {
		states = []ledger.State{ledger.Sending, ledger.Sent, ledger.Uncertain}
	}
	if l.flags.routine.asked() && c.In(ledger.Uncertain) > 0 {
		// Nobody will ever hear of a run whose start was not answered: Clay lists no runs, and this command has no
		// completion webhook. What shares its fate hears no more.
		states = []ledger.State{ledger.Queued, ledger.Sending, ledger.Sent}
		if stopped {
			states = states[1:]
		}
	}
	switch waiting := c.In(states...); {
	case waiting == 0:
		return true, nil
	case waiting > l.others.Open():
		return false, nil
	}
	// What is left may all be rows that this run's input does not have: nobody waits for those.
	none := true
	err := l.each(ctx, func(_ int, o *outcome, _ ended) error {
		if o != nil && slices.Contains(states, o.state) {
			none = false
		}
		return nil
	})
	return none, err
}

// breathe keeps a fast load from asking for its counts after every single commit.
func (l *load) breathe(ctx context.Context) error {
	select {
	case <-time.After(20 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle ends the sending and returns why the run ended.
func (l *load) settle(ctx context.Context, ended error) error {
	l.engine.settle(ctx, errors.Is(ended, errAbandoned) || isFatal(ended))
	return ended
}

// verdict returns the error that the command ends with, nil when all is well.
func (l *load) verdict(ended error, t tally, written bool) error {
	if paused, ok := errors.AsType[*pausedError](ended); ok {
		return &exitError{code: pausedExit(paused.Status), message: settings.Replace(paused.Reason), hint: "mend it and run the same command again: it goes on from here"}
	}
	if errors.Is(ended, errInterrupted) || errors.Is(ended, errAbandoned) {
		message := interruptedMessage(t)
		switch {
		case !l.await:
		case !written:
			message += "; the output was not written: that would have taken longer"
		case errors.Is(ended, errAbandoned):
			message += "; the output has what was there"
		}
		return &exitError{code: exitInterrupted, message: message, hint: l.howToGoOn(t)}
	}
	if ended != nil {
		return ended
	}
	if bad := t.bad(); bad > 0 {
		e := &exitError{code: exitSomeFailed, message: fmt.Sprintf("%s of %d did not work out: see claygate_status and claygate_error", plural(bad, "row"), t.rows)}
		if t.statuses[ledger.FateMaybeSent] > 0 && l.flags.routine.asked() {
			e.hint = "whether the rows maybe_sent run at Clay nobody can tell: look there, then say so with `claygate records resolve`, which sends again what is --lost; " +
				"`claygate records list --state uncertain` lists them"
		}
		return e
	}
	return nil
}

func pausedExit(status int) int {
	switch status {
	case 401, 402, 403:
		return exitAuth
	case 404, 410:
		return exitNotFound
	}
	return exitOther
}

func interruptedMessage(t tally) string {
	atClay := t.atClay
	if atClay == 0 {
		return fmt.Sprintf("interrupted: %s not sent, none under way at Clay", plural(t.queued, "row"))
	}
	return fmt.Sprintf("interrupted: %s not sent, %d at Clay without a result yet", plural(t.queued, "row"), atClay)
}

func (l *load) howToGoOn(t tally) string {
	hint := "run the same command again: it goes on from here, and nothing is paid for twice"
	if _, through := l.engine.(*remote); through && t.atClay > 0 {
		return hint + "; the gateway goes on taking results"
	}
	if t.atClay > 0 && !l.pushed() {
		return hint + "; Clay keeps the results of a routine for about a day"
	}
	if t.atClay > 0 && !l.flags.emulate {
		hint += "; results that Clay sends meanwhile are lost here, so while it runs, run the HTTP API column again for the " +
			"rows that have not run or have errors"
	}
	return hint
}

// stoppedError says that a person stopped sending, or restored the ledger, nil when nobody did.
func stoppedError(reason string) error {
	if reason == "" {
		return nil
	}
	return &exitError{
		code: exitOther, message: "sending is stopped: " + reason,
		hint: "when that is settled, `claygate start --all` lets it go on, or `claygate start WORKSPACE` where only one was stopped",
	}
}
