package cli

import (
	"context"
	"errors"
	"time"
)

// takeovers is how often a command goes on that has lost the process which had the ledger.
const takeovers = 3

// work does all of it: it opens the way to Clay, sees the rows through, and has finish say what became of them.
func (l *load) work(ctx context.Context, finish func(context.Context) (tally, error)) error {
	for n := 0; ; n++ {
		if err := l.open(ctx); err != nil {
			return cutShort(err, "interrupted: nothing was handed in")
		}
		if l.flags.dryRun {
			return cutShort(l.preview(ctx), "interrupted: nothing was stored or sent")
		}
		if err := l.readied(ctx); err != nil {
			return cutShort(err, "interrupted: nothing was sent")
		}
		if err := l.confirm(ctx); err != nil {
			return cutShort(err, "interrupted: nothing was sent")
		}
		l.opened = true
		ended := l.run(ctx)
		if errors.Is(ended, errGone) && !l.show.halted && n < takeovers {
			l.show.goesOn()
			if err := l.engine.close(); err != nil {
				return err
			}
			continue
		}
		return l.finish(ctx, ended, finish)
	}
}

// readied does what is to be done before the rows are handed in.
func (l *load) readied(ctx context.Context) error {
	if l.ready == nil {
		return nil
	}
	return l.ready(ctx)
}

// leaveTime is how long a command still takes to write the output after the second interrupt.
const leaveTime = 2 * time.Second

// finish says what became of the rows. Who is in a hurry gets what can be written at once.
func (l *load) finish(ctx context.Context, ended error, finish func(context.Context) (tally, error)) error {
	if isFatal(ended) {
		return ended
	}
	if !errors.Is(ended, errAbandoned) {
		t, err := finish(ctx)
		if errors.Is(err, errInterrupted) {
			return cutShort(err, "interrupted while the output was written: there is none")
		}
		if err != nil {
			return errors.Join(ended, err)
		}
		l.show.summary(t, l.costs(t.paid))
		return l.verdict(ended, t, true)
	}
	hurried, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	t, err := finish(hurried)
	written := err == nil
	if !written {
		if t, err = l.tally(ctx); err != nil {
			return errors.Join(ended, err)
		}
	}
	l.show.summary(t, l.costs(t.paid))
	return l.verdict(ended, t, written)
}

// cutShort says what an interrupt cut short.
func cutShort(err error, message string) error {
	if !errors.Is(err, errInterrupted) {
		return err
	}
	return &exitError{code: exitInterrupted, message: message, hint: "run the same command again: it goes on from here"}
}
