package ledger

import "time"

// Backing off what does not take what is sent to it, or throttles it without a hint.
const (
	gateBase      = time.Second
	maxRetryAfter = 24 * time.Hour
)

// Gate lets everything through until it is held. Once the hold has ended it lets one probe through at a time, until one
// of them succeeds; each that fails lengthens the next hold. A lane has one for its pace, a [Breaker] is one for its
// target. Like every duration of the ledger its fields are as of the moment of its writing.
type Gate struct {
	Hold   time.Duration // left until anything may pass
	Misses int           // holds in a row that ended in another failure; while > 0 one probe passes at a time
	Probe  time.Duration // left until a probe that never reported is given up
}

func (g Gate) after(elapsed time.Duration) Gate {
	elapsed = max(elapsed, 0)
	g.Hold = max(g.Hold-elapsed, 0)
	g.Probe = max(g.Probe-elapsed, 0)
	return g
}

// room returns how many of n may pass now.
func (g Gate) room(n int) int {
	switch {
	case g.Hold > 0 || g.Probe > 0:
		return 0
	case g.Misses > 0:
		return min(n, 1)
	}
	return n
}

// passed notes that n went through: after a miss, that one is the probe.
func (g Gate) passed(n int) Gate {
	if g.Misses > 0 && n > 0 {
		g.Probe = ClaimTimeout
	}
	return g
}

// shut returns how long it is until anything may pass; 0 when it may now.
func (g Gate) shut() time.Duration { return max(g.Hold, g.Probe) }

// Signal is what an answer says about a gate that it came through.
type Signal struct {
	Kind       SignalKind
	RetryAfter time.Duration // what Clay asked for, 0 for nothing
	Jitter     float64       // uniform in [0,1)
	Throttled  bool          // Clay said that it was too fast
	Age        time.Duration // since its attempt was claimed: what is older than the probe is not its answer
}

// SignalKind sorts signals.
type SignalKind uint8

// The kinds of signal.
const (
	Silent  SignalKind = iota // says nothing
	Flowing                   // an ordinary answer: whatever held the gate is over
	Blocked                   // it did not come through
	Unused                    // it says nothing, but if it was the probe, another one may go
)

// hear applies a signal. Of several sends that fail together only the first lengthens the backoff; a hint from Clay
// always counts, with up to a tenth (at most 5 s) added so that callers spread. While a probe is out, what was sent
// before it says nothing.
func (g Gate) hear(s Signal) Gate {
	if g.Probe > 0 && s.Age > ClaimTimeout-g.Probe && s.RetryAfter == 0 {
		return g
	}
	switch s.Kind {
	case Flowing:
		if g.Hold == 0 {
			g.Misses, g.Probe = 0, 0
		}
	case Unused:
		g.Probe = 0
	case Blocked:
		first := g.Hold == 0
		switch {
		case s.RetryAfter > 0:
			asked := min(s.RetryAfter, maxRetryAfter)
			spread := min(asked/10, 5*time.Second)
			g.Hold = max(g.Hold, asked+time.Duration(float64(spread)*s.Jitter))
		case first:
			g.Hold = gateBase/4 + fullJitter(gateBase, g.Misses, s.Jitter)
		}
		if first {
			g.Misses++
		}
		g.Probe = 0
	}
	return g
}
