package ledger

import (
	"math"
	"time"
)

// Pace is how fast a lane may send. The zero Pace means the defaults.
type Pace struct {
	PerSecond float64 // sustained sends a second. Default 10, Clay's limit for a workspace's webhooks (docs/clay.md)
	Burst     int     // sends at once after a rest. Default 10: Clay allows 20, and the network's jitter eats the rest
	// Adaptive is for limits that nobody publishes: a send that is throttled halves the rate, which then grows back to
	// PerSecond, from nothing, within a minute.
	Adaptive bool
}

// The default pace of a webhook lane.
const (
	DefaultPerSecond = 10
	DefaultBurst     = 10
)

func (p Pace) normal() Pace {
	if !(p.PerSecond > 0) || math.IsInf(p.PerSecond, 1) { // so that NaN is caught
		p.PerSecond = DefaultPerSecond
	}
	if p.Burst <= 0 {
		p.Burst = DefaultBurst
	}
	return p
}

// Lane is the pace of one workspace and surface, as it stands at one moment: a token bucket, and a hold that ends by
// itself. It is a row in the ledger, so that the pace survives restarts and is shared by processes; the store keeps
// when it was written and gives the time since then to [Lane.Take].
type Lane struct {
	ID     LaneID
	Pace   Pace
	Tokens float64 // in the bucket, at most Pace.Burst
	Slow   float64 // the part of the pace that throttling has taken away, of an adaptive one; 0 for none
	Turns  int     // claims that got work, for fair turns
	Gate           // holds it while Clay throttles it, or is not reached
}

// Turn says who comes first in the lane's next claim: of n targets that share it the one at the index first, so that
// each is served in its turn; and of the priorities the lowest, every fourth time round, so that urgent records come
// first and the others still move.
func (l Lane) Turn(n int) (first int, lowest bool) {
	n = max(n, 1)
	return l.Turns % n, l.Turns/n%4 == 3
}

// NewLane returns a lane that has rested: its bucket is full.
func NewLane(id LaneID, p Pace) Lane {
	p = p.normal()
	return Lane{ID: id, Pace: p, Tokens: float64(p.Burst)}
}

// Take moves the lane on by the time since it was written and takes up to n tokens. It returns the lane to write, how
// many may leave now, and, when that is fewer than n, how long until the next could. A clock that went backwards
// (elapsed < 0) counts as no time at all; one that leapt ahead fills the bucket and no more.
func (l Lane) Take(elapsed time.Duration, n int) (next Lane, granted int, wait time.Duration) {
	l, n = l.after(elapsed), max(n, 0)
	if l.Misses > 0 {
		n = min(n, 1)
	}
	granted = min(l.room(n), int(l.Tokens+dust))
	l.Tokens -= float64(granted)
	l.Gate = l.passed(granted)
	if held := l.shut(); held > 0 || granted < n {
		wait = max(held, l.untilToken())
	}
	return l, granted, wait
}

// Return gives back tokens that were taken and not used.
func (l Lane) Return(n int) Lane {
	l.Tokens = min(l.Tokens+float64(n), float64(l.Pace.Burst))
	return l
}

func (l Lane) after(elapsed time.Duration) Lane {
	elapsed = max(elapsed, 0)
	l.Pace = l.Pace.normal()
	l = l.refill(elapsed)
	l.Gate = l.Gate.after(elapsed)
	return l
}

// recovery is how long an adaptive pace takes to grow from nothing to its full rate.
const recovery = time.Minute

// slowest is the part of the pace that throttling cannot take away.
const slowest = 1.0 / 32

// refill adds the tokens of the time that passed. A pace that was slowed down grows back evenly meanwhile.
func (l Lane) refill(elapsed time.Duration) Lane {
	if !l.Pace.Adaptive {
		l.Slow = 0
	}
	held := max(l.Hold, 0) // until then nothing grows back: the hold is Clay's, not the pace's
	moving := max(elapsed-held, 0).Seconds()
	growing := min(moving, l.Slow*recovery.Seconds())
	lost := growing * (l.Slow - growing/recovery.Seconds()/2)
	if still := min(elapsed, held).Seconds(); still > 0 {
		lost += still * l.Slow
	}
	l.Slow = max(l.Slow-moving/recovery.Seconds(), 0)
	l.Tokens = min(l.Tokens+(elapsed.Seconds()-lost)*l.Pace.PerSecond, float64(l.Pace.Burst))
	return l
}

// dust is what a sum of fractions may lack of a whole token. It is only borrowed: the bucket goes below zero by it.
const dust = 1e-9

// untilToken returns the time until the bucket holds a whole token. It is rounded up to the microsecond, which is what
// stores keep, so that whoever waits that long finds one.
func (l Lane) untilToken() time.Duration {
	if l.Tokens+dust >= 1 {
		return 0
	}
	micros := math.Ceil((1 - l.Tokens) / (l.Pace.PerSecond * (1 - l.Slow)) * 1e6)
	return time.Duration(min(micros, math.MaxInt64/2000)) * time.Microsecond
}

// signal says what an answer tells of the lane's pace.
func (e Answer) signal() Signal {
	switch {
	case e.Verdict == Throttled || e.Verdict == Unsent && e.Outcome == NotSent:
		return Signal{Kind: Blocked, RetryAfter: e.RetryAfter, Jitter: e.Jitter, Throttled: e.Verdict == Throttled}
	case e.Outcome == Answered:
		return Signal{Kind: Flowing}
	case e.Outcome == Released:
		return Signal{Kind: Unused}
	}
	return Signal{}
}

// Hear moves the lane on and applies a signal.
func (l Lane) Hear(elapsed time.Duration, s Signal) Lane {
	l = l.after(elapsed)
	misses := l.Misses
	l.Gate = l.hear(s)
	if l.Misses > misses && s.Throttled && l.Pace.Adaptive {
		l.Slow = min(1-(1-l.Slow)/2, 1-slowest)
	}
	return l
}

// Sooner returns the shorter of two waits, of which either may be [Never].
func Sooner(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
