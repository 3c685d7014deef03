package clay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// WaitOptions say how to wait for a run.
type WaitOptions struct {
	// First is the wait before the second question; the first one comes at once.
	// Each further wait is half as long again, and a fifth shorter or longer by
	// chance, so that many runs are not asked for all at a time. Default 1 s.
	First time.Duration
	// Longest bounds those waits. Default 15 s.
	Longest time.Duration
	// Timeout ends the waiting: a run that was stopped at Clay is in progress for
	// ever. Default 24 h.
	Timeout time.Duration
	// Wake, if set, lets the next question come at once, e.g. when a completion
	// webhook has told of the run's end. A closed one wakes nobody.
	Wake <-chan struct{}
	// Progress, if set, is called after each question.
	Progress func(Progress)
}

func (o WaitOptions) withDefaults() WaitOptions {
	o.First = cmp.Or(o.First, time.Second)
	o.Longest = cmp.Or(o.Longest, 15*time.Second)
	o.Timeout = cmp.Or(o.Timeout, 24*time.Hour)
	return o
}

// Wait asks until the run has ended. The error is
//
//   - of KindRunFailed when it ended otherwise than complete, with a *RunError; a
//     status that this package does not know counts as such an end
//   - of KindUnfinished when the time was up or ctx ended; then it wraps ctx.Err()
//   - of KindNotFound when Clay does not know the run, e.g. a day after its end
//
// Complete does not mean that every item is: some may have failed.
func (r *Run) Wait(ctx context.Context, opts WaitOptions) (Progress, error) {
	opts = opts.withDefaults()
	if a := r.recentEnd(); a != nil {
		return a.progress(), r.failed(a)
	}
	end := time.Now().Add(opts.Timeout)
	for wait := opts.First; ; wait = min(wait+wait/2, opts.Longest) {
		a, err := r.ask(ctx, "")
		if err != nil {
			return Progress{}, r.stillRunning(ctx, err)
		}
		p := a.progress()
		if opts.Progress != nil {
			opts.Progress(p)
		}
		if p.Done() {
			return p, r.failed(a)
		}
		left := time.Until(end)
		if left <= 0 {
			return p, r.unfinished(fmt.Errorf("it had not ended after %s, with %d of %d items done", opts.Timeout, p.Finished, p.Total))
		}
		if err := pause(ctx, min(jittered(wait), left), opts.Wake); err != nil {
			return p, r.unfinished(err)
		}
	}
}

// jittered is d, a fifth shorter or longer.
func jittered(d time.Duration) time.Duration { return d - d/5 + rand.N(2*(d/5)+1) }

// pause sleeps, unless it is woken.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case _, open := <-wake:
		if !open { // it would wake for ever
			return pause(ctx, d, nil)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// stillRunning tells a question that ctx cut short from one that failed.
func (r *Run) stillRunning(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return r.unfinished(ctx.Err())
	}
	return err
}

func (r *Run) unfinished(cause error) error {
	return &Error{
		Kind: KindUnfinished, Op: "wait for run", Outcome: Answered, harmless: true, Err: cause,
		Hint: "the run " + excerpt([]byte(r.ID)) + " may go on at Clay; wait for it again, do not start it again",
	}
}

// failed is the error of a run that ended otherwise than complete.
func (r *Run) failed(a *runAnswer) error {
	if a.Status == RunComplete {
		return nil
	}
	cause := &RunError{RunID: r.ID, Status: a.Status}
	if a.Error != nil {
		cause.Message, cause.InvalidLines, cause.Lines = a.Error.Message, a.Error.Invalid, a.Error.Details
	}
	hint := "this end of a run is not known here; look at the run in Clay before starting it again"
	switch a.Status {
	case RunValidationFailed:
		hint = "mend the lines and upload the file again"
	case RunProcessingFailed:
		hint = "the same file may succeed when it is started again"
	}
	return &Error{Kind: KindRunFailed, Op: "wait for run", Outcome: Answered, Hint: hint, Err: cause, harmless: true}
}

// recentEnd is the answer that told of the end, if that was just now: the link in a
// bulk run's answer does not live long.
func (r *Run) recentEnd() *runAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil || time.Since(r.endAt) > time.Minute {
		return nil
	}
	return r.end
}
