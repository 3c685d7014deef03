package ledger

import (
	"cmp"
	"fmt"
	"time"
)

// answer applies the outcome table. What it says about the lane and the target holds even when the record has moved on.
func answer(t Target, r Record, e Answer) Change {
	c := Change{Record: r}
	if e.Verdict == Accepted && e.Result != nil {
		if _, err := object(e.Result); err != nil {
			e.Verdict, e.Result, e.Reason = Failed, nil, err.Error()
		}
	}
	switch {
	case e.Verdict == Accepted && e.Result != nil:
		c = brought(t, r, e)
	case e.Attempt == r.Attempts && (r.State == Sending || r.State == Uncertain):
		c = concerning(t, r, e)
	}
	if r.Erased { // it may quote what was sent
		e.Excerpt = ""
	}
	c.Ended = &e
	if e.Verdict == Failed || e.Verdict == Doubtful {
		c.Doubt = e.Attempt
	}
	c.Lane = e.signal()
	c.Target = Signal{Kind: e.target(), Jitter: e.Jitter}
	c.Lane.Age, c.Target.Age = age(r, e), age(r, e)
	if e.Verdict == Refused {
		c.Pause = Pause{Reason: cmp.Or(e.Reason, "Clay refused a record of it"), Status: e.Status}
	}
	c.Exhausted = e.Verdict == Exhausted
	return c
}

// age returns how long ago the attempt that an answer ends was claimed. Former attempts are older than any probe.
func age(r Record, e Answer) time.Duration {
	if e.Attempt == r.Attempts {
		return r.SinceSend
	}
	return ClaimTimeout
}

// brought applies an answer that holds the result. It was paid for, so it counts whichever attempt it belongs to.
func brought(t Target, r Record, e Answer) Change {
	if e.Attempt == r.Attempts {
		r.AtClay = true
	}
	c, err := result(t, r, Result{Attempt: e.Attempt, Fields: e.Result})
	if err != nil { // the record's own fields cannot be read: that is no fault of the answer
		return Change{Record: r}
	}
	return c
}

// concerning applies an answer to the record whose current attempt it ends.
func concerning(t Target, r Record, e Answer) Change {
	r.AtClay = false
	if !e.Verdict.Charged() {
		r.Spent = r.Spent.Minus(t.Price())
	}
	switch e.Verdict {
	case Accepted:
		r.AtClay, r.Reason = true, ""
		if r.Await {
			return move(r, Sent, remaining(t, r))
		}
		return move(r, Done, Never)
	case Failed:
		r.AtClay = true
		if e.Open {
			return requeue(r, Backoff(1, e.Jitter), e.Reason)
		}
		r.Tries++
		if r.Tries >= MaxTries {
			return end(r, Dead, fmt.Sprintf("%s (tried %d times)", e.Reason, r.Tries))
		}
		return requeue(r, Backoff(r.Tries, e.Jitter), e.Reason)
	case Doubtful:
		return doubt(t, r, e.Reason)
	case Rejected:
		return end(r, Dead, e.Reason)
	case Divided:
		r.RunLimit = e.RunLimit
		return requeue(r, 0, e.Reason)
	default: // Unsent, Throttled, Refused, Exhausted say nothing about the record
		return requeue(r, 0, e.Reason)
	}
}

// failure applies what Clay says of a record that it took. A result that is here, or comes later, says more.
func failure(t Target, r Record, e Failure) Change {
	waits := r.State == Sending || r.State == Sent || r.State == Uncertain
	if !waits || e.Attempt != r.Attempts {
		return Change{Record: r}
	}
	if r.AtClay = !e.Unworked; r.AtClay {
		c := end(r, Dead, e.Reason) // and the attempt says so: a result that never came is something else
		c.Ended = &Answer{Attempt: e.Attempt, Outcome: Answered, Verdict: Failed, Excerpt: e.Reason}
		return c
	}
	r.RunLimit, r.Spent = e.RunLimit, r.Spent.Minus(t.Price())
	return requeue(r, 0, e.Reason)
}

// doubt makes a record uncertain: its current attempt may have arrived.
func doubt(t Target, r Record, reason string) Change {
	r.AtClay = true
	if r.State == Uncertain {
		return Change{Record: r}
	}
	r.Reason = reason
	due := remaining(t, r)
	if t.onUncertain(r) == Resend {
		due = 0
	}
	return move(r, Uncertain, due)
}
