package cli

import (
	"context"
	"errors"
	"fmt"
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
	_, exit := errors.AsType[*exitError](err)
	return !paused && !exit
}

// tick is how often progress is shown when nothing happens.
const tick = 250 * time.Millisecond

// run hands the rows to the ledger, sends them and waits for their results. It ends when every row has come to
// something, when the first interrupt has stopped the sending and what was sent has come back, at the second
// interrupt, or when Clay takes nothing more.
//
// The rows are all in the ledger before the first one leaves: what the file no longer has must not be sent.
func (l *load) run(ctx context.Context) error {
	moved, cancelMoved := l.app.Hub.Subscribe(l.id)
	defer cancelMoved()
	paused, cancelPaused := l.app.Hub.Subscribe(ledger.Pauses)
	defer cancelPaused()
	if err := l.feed(ctx); err != nil {
		return err
	}
	l.app.Start(l.id)
	l.show.begin(l)
	defer l.show.end()

	var ended error // why the sending stopped early
	stop := func(why error) {
		if ended == nil {
			ended = why
			l.app.StopSending()
		}
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		counts, err := l.app.Ledger.LoadCounts(ctx, l.id)
		if err != nil {
			return err
		}
		l.show.progress(l, counts)
		if finished(counts, ended != nil) {
			return l.settle(ctx, ended)
		}
		select {
		case <-l.streams.Interrupt:
			if ended != nil {
				return l.settle(ctx, errAbandoned)
			}
			stop(errInterrupted)
			l.show.interrupted(counts)
		case <-paused:
			if status, err := l.app.Ledger.TargetStatus(ctx, l.flags.target); err == nil && status.Paused.Reason != "" {
				stop(&pausedError{status.Paused})
			}
		case <-moved:
			l.breathe(ctx)
		case <-ticker.C:
			if err := l.health.hopeless(); err != nil {
				stop(err)
			}
		}
	}
}

// finished reports whether nothing more is to be waited for. Once the sending has stopped, only what is at Clay is.
func finished(c ledger.Counts, stopped bool) bool {
	if stopped {
		return c.In(ledger.Sending, ledger.Sent, ledger.Uncertain) == 0
	}
	return c.Open() == 0
}

// breathe keeps a fast load from asking for its counts after every single commit.
func (l *load) breathe(ctx context.Context) {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
	}
}

// settleTime is how long a run waits at its end for requests under way.
const settleTime = 35 * time.Second

// settle ends the sending and returns why the run ended.
func (l *load) settle(ctx context.Context, ended error) error {
	wait := settleTime
	if errors.Is(ended, errAbandoned) {
		wait = time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_ = l.app.Stop(ctx) // what is still under way then is uncertain, and the ledger says so
	return ended
}

// verdict returns the error that the command ends with, nil when all is well.
func (l *load) verdict(ended error, t tally) error {
	if paused, ok := errors.AsType[*pausedError](ended); ok {
		return &exitError{code: pausedExit(paused.Status), message: paused.Reason, hint: "then run the same command again: it goes on from here"}
	}
	if errors.Is(ended, errInterrupted) || errors.Is(ended, errAbandoned) {
		return &exitError{code: exitInterrupted, message: interruptedMessage(t), hint: l.howToGoOn(t)}
	}
	if ended != nil {
		return ended
	}
	if bad := t.bad(); bad > 0 {
		return &exitError{code: exitSomeFailed, message: fmt.Sprintf("%s of %d did not work out: see claygate_status and claygate_error", plural(bad, "row"), t.rows)}
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
	if t.atClay > 0 && !l.flags.emulate {
		hint += "; results that Clay sends meanwhile are lost here, so while it runs, run the HTTP API column again for the " +
			"rows that have not run or have errors"
	}
	return hint
}
