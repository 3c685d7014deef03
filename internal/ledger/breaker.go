package ledger

import (
	"fmt"
	"time"
)

// When a breaker opens: at least half of at least 20 calls failed within 30 s.
const (
	BreakerCalls  = 20
	BreakerWindow = 30 * time.Second
)

// Breaker keeps a target that fails from being sent more than one probe at a time. While it is closed it counts the
// calls from a failure on, for [BreakerWindow]; as long as nothing fails there is nothing to count, nor to write. Once
// it is open its [Gate] holds the target's records back until a probe succeeds. What it holds back is not claimed, and
// what fails while it is open uses up no try: it is the target that fails, not the record.
type Breaker struct {
	Gate
	Window   time.Duration // left of the window that a failure began; 0 when nothing is counted
	Calls    int           // answers within the window; once it is open, those that opened it
	Failures int           // those of them that were failures of the target
}

// Open reports whether it holds the target's records back, but for a probe.
func (b Breaker) Open() bool { return b.Misses > 0 }

// After returns the breaker as it stands when some time has passed since it was written.
func (b Breaker) After(elapsed time.Duration) Breaker {
	b.Gate = b.Gate.after(elapsed)
	if b.Window = max(b.Window-max(elapsed, 0), 0); b.Window == 0 && !b.Open() {
		b.Calls, b.Failures = 0, 0
	}
	return b
}

// Room returns how many of n records the target may be sent now, and how long until it may be sent more; 0 when that
// is not the breaker's to say.
func (b Breaker) Room(n int) (room int, wait time.Duration) { return b.room(n), b.shut() }

// Passed notes that n records were claimed for the target.
func (b Breaker) Passed(n int) Breaker {
	b.Gate = b.passed(n)
	return b
}

// Hear applies what an answer says about the target. It changes nothing while the breaker is closed and has nothing to
// count.
func (b Breaker) Hear(s Signal) Breaker {
	if b.Open() {
		if b.Gate = b.hear(s); !b.Open() {
			return Breaker{}
		}
		return b
	}
	switch {
	case s.Kind == Blocked && b.Window == 0:
		b.Window, b.Calls, b.Failures = BreakerWindow, 1, 1
	case s.Kind == Blocked:
		b.Calls++
		b.Failures++
	case s.Kind == Flowing && b.Window > 0:
		b.Calls++
	}
	if b.Calls >= BreakerCalls && 2*b.Failures >= b.Calls {
		b = Breaker{Gate: b.hear(Signal{Kind: Blocked, Jitter: s.Jitter}), Calls: b.Calls, Failures: b.Failures}
	}
	return b
}

// Reason says why it is open, for people.
func (b Breaker) Reason() string {
	return fmt.Sprintf("%d of %d calls failed within %s: one record is tried at a time until one gets through",
		b.Failures, b.Calls, BreakerWindow)
}

// target says what an answer tells of the target's health. Throttling and a connection that was never made are the
// lane's, a refusal pauses the target, and what never left says nothing.
func (e Answer) target() SignalKind {
	switch {
	case e.Verdict == Failed || e.Verdict == Doubtful:
		return Blocked
	case e.Outcome == Answered && (e.Verdict == Accepted || e.Verdict == Rejected):
		return Flowing
	}
	return Unused
}
