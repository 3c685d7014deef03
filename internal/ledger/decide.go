package ledger

import (
	"fmt"
	"time"
)

// ClaimTimeout is how long a claimed record waits for its attempt's answer. An attempt ends within 30 s, body
// included; whoever has not reported by then has died.
const ClaimTimeout = 45 * time.Second

// Never is the due time of a record that nothing will happen to by itself.
const Never time.Duration = -1

// Change is what an event does. Stores write all of it in the transaction in which they locked the record.
type Change struct {
	Record Record        // as it is afterwards
	Moved  bool          // the state changed: Due and Ready are to be written
	Later  bool          // only Due is to be written
	Due    time.Duration // from now until the next Tick, or Never
	Ready  time.Duration // for a queued record: from now until it may be claimed
	Begun  bool          // a new attempt, numbered Record.Attempts, begins
	Ended  *Answer       // what is now known of an attempt
	Doubt  int           // the attempt after which a send could make a second row; 0 for none
	Fresh  bool          // the result changed: the revision was raised
	Kept   bool          // the result, or why it is not complete, changed and nobody is told: it stays open, or was erased
	Owns   bool          // it is now the record that others with its key join or are answered from

	Lane      Signal // what the answer says about the lane's pace
	Target    Signal // what it says about the target's health, for its breaker
	Pause     Pause  // the target is to pause, when it has a reason
	Exhausted bool   // the webhook of the attempt takes no more
}

// Decide applies an event to a record: the state table, and the only code that knows it. It reads no clock and does
// no I/O: times are durations that the store measured or will add. An event that the record's state does not allow is
// a [*Error] of kind [Conflict]; answers, results and ticks are never refused, because they are facts.
func Decide(t Target, r Record, e Event) (Change, error) {
	switch e := e.(type) {
	case Claim:
		return claim(t, r)
	case Answer:
		return answer(t, r, e), nil
	case Release:
		return answer(t, r, Answer{Attempt: e.Attempt, Outcome: Released, Verdict: Unsent}), nil
	case Result:
		return result(t, r, e)
	case Failure:
		return failure(t, r, e), nil
	case Tick:
		return tick(t, r, e), nil
	case Replay:
		return replay(r, e.Owner)
	case Cancel:
		return cancel(r, e.Reason)
	case Resolve:
		return resolve(t, r, e)
	case Postpone:
		return postpone(r, e)
	case Follow:
		return follow(r, e), nil
	case Erase:
		return erase(r), nil
	}
	return Change{}, &Error{Kind: Internal, Op: "decide", Message: fmt.Sprintf("event %T is unknown", e)}
}

// move is the only way into another state.
func move(r Record, to State, due time.Duration) Change {
	r.State = to
	if to == Queued {
		due = Never
		if r.SendBy != 0 {
			due = max(r.SendBy, 0)
		}
	}
	return Change{Record: r, Moved: true, Due: due}
}

// requeue sends a record back to the queue, claimable after ready.
func requeue(r Record, ready time.Duration, reason string) Change {
	r.Reason = reason
	c := move(r, Queued, Never)
	c.Ready = ready
	return c
}

// end finishes a record without a result.
func end(r Record, state State, reason string) Change {
	r.Reason = reason
	return move(r, state, Never)
}

// claim begins an attempt. A record whose last date to send has passed expires instead: after a stop of hours the
// first claim may come before the first tick.
func claim(t Target, r Record) (Change, error) {
	if r.State != Queued {
		return Change{}, conflict("claim", r)
	}
	if r.SendBy < 0 {
		return overdue(r), nil
	}
	r.Attempts++
	if r.AtClay {
		r.MayDuplicate++
	}
	r.AtClay, r.SinceSend, r.Reason, r.Spent = false, 0, "", r.Spent.Plus(t.Price())
	c := move(r, Sending, t.claimTimeout())
	c.Begun = true
	return c, nil
}

func tick(t Target, r Record, e Tick) Change {
	switch r.State {
	case Queued:
		if r.SendBy < 0 {
			return overdue(r)
		}
	case Sending:
		if !e.Orphaned && r.SinceSend < t.claimTimeout() {
			break
		}
		c := doubt(t, r, "the process that was sending it ended before Clay's answer was known")
		c.Ended = &Answer{Attempt: r.Attempts, Outcome: Unknown, Verdict: Doubtful, Excerpt: c.Record.Reason}
		c.Doubt = r.Attempts
		c.Lane = Signal{Kind: Unused, Age: r.SinceSend} // whoever was to report is gone
		c.Target = c.Lane
		return c
	case Sent:
		if remaining(t, r) > 0 {
			break
		}
		if r.Reason != "" { // see stayOpen
			return end(r, Expired, fmt.Sprintf("the result was not complete within %s after Clay took it: %s", t.resultTimeout(r), r.Reason))
		}
		return end(r, Expired, fmt.Sprintf("no result came within %s after Clay took it", t.resultTimeout(r)))
	case Uncertain:
		return settle(t, r)
	}
	return Change{Record: r, Due: due(t, r), Later: true}
}

func overdue(r Record) Change {
	return end(r, Expired, "its send_by passed before it could be sent")
}

// due returns when the next Tick of a record is due that stays where it is.
func due(t Target, r Record) time.Duration {
	switch r.State {
	case Queued:
		return move(r, Queued, Never).Due
	case Sending:
		return max(t.claimTimeout()-r.SinceSend, 0)
	case Sent, Uncertain:
		return remaining(t, r)
	}
	return Never
}

// settle ends the wait of an uncertain record by the target's policy.
func settle(t Target, r Record) Change {
	policy := t.onUncertain(r)
	if policy != Resend && remaining(t, r) > 0 {
		return Change{Record: r, Due: remaining(t, r), Later: true}
	}
	const unanswered = "it may have reached Clay, but neither an answer nor a result came"
	switch {
	case policy == Hold && t.Runs != nil:
		return end(r, Dead, unanswered+": look for it in Clay, then replay it; that may cost again")
	case policy == Hold:
		return end(r, Dead, unanswered+": look in the table, then replay it if it is missing")
	case r.Resends == 0:
		r.Resends++
		return requeue(r, 0, unanswered+": sending it once more")
	case policy == Wait:
		return end(r, Expired, unanswered+", twice")
	default:
		return end(r, Dead, unanswered+", twice: look in the table before you replay it")
	}
}

// remaining returns how long the wait for a result may still last. It counts from the last send.
func remaining(t Target, r Record) time.Duration {
	return max(t.resultTimeout(r)-r.SinceSend, 0)
}

// replay begins a record again. Where its work is under way in another record it joins that one: a person who
// replays a load's failed rows does not mean to pay twice for two rows that are the same.
func replay(r Record, owner *Record) (Change, error) {
	switch r.State {
	case Dead, Expired, Canceled:
	default:
		return Change{}, conflict("replay", r)
	}
	if r.Erased {
		return Change{}, erased("replay", r)
	}
	r.Tries, r.Resends, r.RunLimit, r.Leader, r.SendBy, r.Reason = 0, 0, 0, RecordID{}, 0, ""
	if owner != nil && owner.ID != r.ID && r.shares(*owner) {
		r.Leader = owner.ID
		return move(r, Joined, Never), nil
	}
	c := requeue(r, 0, "")
	c.Owns = r.Await && !r.Key.IsZero()
	if r.AtClay {
		c.Doubt = r.Attempts
	}
	return c, nil
}

func cancel(r Record, reason string) (Change, error) {
	if r.State != Queued {
		return Change{}, conflict("cancel", r)
	}
	return end(r, Canceled, reason), nil
}

func postpone(r Record, e Postpone) (Change, error) {
	if r.State != Queued {
		return Change{}, conflict("postpone", r)
	}
	return requeue(r, e.For, e.Reason), nil
}

// resolve takes a person's word for what became of the current attempt, which may have left a row at Clay.
func resolve(t Target, r Record, e Resolve) (Change, error) {
	if r.Erased {
		return Change{}, erased("resolve", r)
	}
	open := r.State == Uncertain || r.State == Dead || r.State == Expired
	if !open || !r.AtClay {
		return Change{}, conflict("resolve", r)
	}
	if !e.Arrived {
		r.AtClay = false
		if r.State.Terminal() {
			return replay(r, e.Owner)
		}
		return requeue(r, 0, "a person found that it had not arrived"), nil
	}
	r.Tries, r.Resends, r.Reason = 0, 0, ""
	if !r.Await {
		return move(r, Done, Never), nil
	}
	c := move(r, Sent, t.resultTimeout(r)) // the wait begins anew
	c.Owns = !r.Key.IsZero() && (e.Owner == nil || !r.shares(*e.Owner))
	return c, nil
}

// follow ends a record with the one it joined. A late result of the leader still completes a follower that has ended.
func follow(r Record, e Follow) Change {
	leader := e.Leader
	if r.Erased || r.Leader != leader.ID || r.State == Done || r.InFlight() || !leader.State.Terminal() {
		return Change{Record: r}
	}
	if leader.State != Done {
		if r.State != Joined {
			return Change{Record: r}
		}
		if leader.State == Canceled && (leader.Erased || r.Load == 0 || r.Load != leader.Load) {
			return inherit(r, e.Owner)
		}
		return end(r, leader.State, leader.Reason)
	}
	r.Result, r.Empty, r.Emulated = leader.Result, leader.Empty, leader.Emulated
	r.Cached, r.Revision, r.Reason = r.Attempts == 0, 1, ""
	c := move(r, Done, Never)
	c.Fresh = true
	return c
}

// inherit gives a record the work that it shared with one that was canceled: to do itself, or to share with the first
// that inherited it.
func inherit(r Record, owner *Record) Change {
	if owner != nil && owner.ID != r.ID && r.shares(*owner) {
		r.Leader = owner.ID
		return move(r, Joined, Never)
	}
	r.Leader = RecordID{}
	c := requeue(r, 0, "")
	c.Owns = !r.Key.IsZero()
	return c
}

func conflict(op string, r Record) error {
	return &Error{Kind: Conflict, Op: op, Message: fmt.Sprintf("record %s is %s", r.ID, r.State)}
}

func erased(op string, r Record) error {
	return &Error{
		Kind: Conflict, Op: op, Message: fmt.Sprintf("record %s was erased: what was to be sent is no longer kept", r.ID),
		Hint: "hand it in again",
	}
}
