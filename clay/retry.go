package clay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	backoffBase     = 250 * time.Millisecond
	throttleBackoff = time.Second
	backoffCap      = 20 * time.Second
	maxJitter       = 5 * time.Second
)

// operation is something that is tried until it succeeds, is pointless, or has been
// tried often and long enough.
type operation struct {
	op string
	// once makes one try. The status is that of a success; an error has its own.
	once func(ctx context.Context) (status int, e *Error)
	// waits is the context of the waits between tries, which may end before the one
	// of the tries: a batch that stops lets finish what is in flight. Its cause is then
	// a batchStop.
	waits context.Context
	// repeatable says whether a failure of this kind may be followed by another try.
	repeatable func(Kind) bool
	// pacer is nil for what is not paced.
	pacer *Pacer
}

// run returns every try made, and nil or the last one's error with all of them.
func (c *Client) run(ctx context.Context, o operation) (tries []Attempt, last *Error) {
	var end time.Time
	for {
		if e := c.admit(o, last, tries, end); e != nil {
			return tries, e
		}
		start := time.Now()
		if end.IsZero() {
			end = start.Add(c.cfg.MaxElapsed)
		}
		var status int
		status, last = o.once(ctx)
		a := attempt(o.op, len(tries)+1, start, last)
		if last == nil {
			a.Status = status
		}
		tries = append(tries, a)
		c.observe(ctx, a)
		if last == nil {
			return tries, nil
		}
		delay, again := c.next(o, tries)
		paused := last.Kind == KindThrottled && o.pacer != nil
		if paused { // not this record alone: the whole workspace has to slow down
			o.pacer.Pause(delay)
		}
		if !again || time.Now().Add(delay).After(end) || ctx.Err() != nil {
			return tries, last.with(tries)
		}
		c.observeWait(ctx, a, delay)
		if !paused && sleep(o.waits, delay) != nil {
			return tries, interrupted(o, last, tries)
		}
	}
}

// admit waits until the next try may be made, or says why there is none.
func (c *Client) admit(o operation, last *Error, tries []Attempt, end time.Time) *Error {
	if o.pacer == nil {
		return nil
	}
	if d := o.pacer.paused(); d > c.cfg.MaxElapsed {
		if last != nil {
			return last.with(tries)
		}
		e := refused(o.op, KindThrottled, "nothing was sent: Clay asked to be left alone for longer than Config.MaxElapsed", nil)
		e.RetryAfter = d
		return e
	}
	if last == nil {
		if o.pacer.Wait(o.waits) != nil {
			return interrupted(o, last, tries)
		}
		return nil
	}
	ctx, cancel := context.WithDeadline(o.waits, end) // the pacer's queue may be longer
	defer cancel()
	if o.pacer.Wait(ctx) == nil {
		return nil
	}
	if o.waits.Err() == nil {
		return last.with(tries)
	}
	return interrupted(o, last, tries)
}

// next says how long to wait before another try, and whether one makes sense.
func (c *Client) next(o operation, tries []Attempt) (time.Duration, bool) {
	throttled, failures := 0, 0
	for _, a := range tries {
		if a.Kind == KindThrottled {
			throttled++
		} else {
			failures++
		}
	}
	a := tries[len(tries)-1]
	if a.Kind == KindThrottled {
		return backoff(throttleBackoff, throttled, a.RetryAfter), c.cfg.Retries >= 0
	}
	return backoff(backoffBase, failures, a.RetryAfter), failures <= c.cfg.Retries && o.repeatable(a.Kind)
}

func attempt(op string, number int, start time.Time, e *Error) Attempt {
	a := Attempt{Op: op, Number: number, Start: start, Took: time.Since(start), Outcome: Answered}
	if e != nil {
		a.Outcome, a.Status, a.Kind = e.Outcome, e.Status, e.Kind
		a.RetryAfter, a.MayDuplicate = e.RetryAfter, e.MayDuplicate()
	}
	return a
}

// backoff is the wait after the nth failure: what Clay asked for and a little more,
// so that not everybody comes back at once; else full jitter over a doubling range.
func backoff(base time.Duration, n int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked + rand.N(min(asked/10, maxJitter)+1)
	}
	limit := backoffCap
	if n < 16 { // beyond that the shift alone passes every cap
		limit = min(backoffCap, base<<(n-1))
	}
	return rand.N(limit + 1)
}

// interrupted is the error of an operation whose wait was cut short.
func interrupted(o operation, last *Error, tries []Attempt) *Error {
	cause := whyEnded(o.waits)
	if stop := (batchStop{}); errors.As(cause, &stop) {
		cause = stop
	}
	if last == nil {
		return refused(o.op, KindNotSent, "nothing was sent", cause)
	}
	e := last.with(tries)
	if e.Err != nil {
		cause = fmt.Errorf("%w; before that: %w", cause, e.Err)
	}
	e.Err = cause
	return e
}
