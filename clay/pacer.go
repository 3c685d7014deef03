package clay

import (
	"context"
	"math"
	"sync"
	"time"
)

// Clay takes 10 requests a second per workspace and bursts of 20 (docs/clay.md).
// Half of that burst is kept back: on the way to Clay requests bunch up.
const (
	defaultPerSecond = 10
	defaultBurst     = 10
)

// Pacer is a token bucket that spaces requests to Clay, in the order in which they
// ask. Clay limits a workspace, not a webhook, so all clients of one workspace in a
// process should share one. It is safe for concurrent use, and its zero value is
// NewPacer(0, 0).
//
// When Clay throttles all the same, because something else uses the workspace too,
// the pacer pauses for as long as Clay asks, goes on at half its rate and takes
// ten seconds per full rate to come back to it.
type Pacer struct {
	mu        sync.Mutex
	turn      chan struct{} // held by the one who is next; nil until first used
	full      float64       // the set rate, per second; negative: no limit
	burst     float64
	rate      float64 // the present rate
	tokens    float64
	at        time.Time // when tokens and rate were true
	notBefore time.Time
}

// minRate is the part of the full rate below which throttling cannot push it.
const minRate = 1.0 / 32

// longestNap bounds one sleep of a pacer too slow for a time.Duration; it then asks again.
const longestNap = 24 * time.Hour

// NewPacer returns a pacer for perSecond requests a second, which may be a fraction,
// with bursts of burst. 0 means 10 for either, and so do NaN and a negative burst. A
// negative or infinite perSecond means no limit but the pauses that Clay asks for.
func NewPacer(perSecond float64, burst int) *Pacer {
	p := &Pacer{full: perSecond, burst: float64(burst)}
	p.init()
	return p
}

// init fills in what was left zero, once. The caller holds mu, or is alone.
func (p *Pacer) init() {
	if p.turn != nil {
		return
	}
	switch {
	case p.full == 0 || math.IsNaN(p.full):
		p.full = defaultPerSecond
	case math.IsInf(p.full, 0):
		p.full = -1
	}
	if p.burst <= 0 {
		p.burst = defaultBurst
	}
	p.turn, p.rate, p.tokens = make(chan struct{}, 1), p.full, p.burst
}

// line is where those stand who wait.
func (p *Pacer) line() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	return p.turn
}

// Wait returns when the next request may go out, or with ctx's error. A request
// that waited should go out at once.
func (p *Pacer) Wait(ctx context.Context) error {
	turn := p.line()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		// Asked first, so that an ended context never takes a token.
		if err := ctx.Err(); err != nil {
			return err
		}
		d := p.take(time.Now())
		if d <= 0 {
			return nil
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// Pause lets nothing out for d, e.g. what a Retry-After asks for, and slows down.
func (p *Pacer) Pause(d time.Duration) { p.pause(time.Now(), d) }

func (p *Pacer) pause(now time.Time, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	if !now.Before(p.notBefore) { // not once more for those still in flight
		p.refill(now)
		p.rate = max(p.rate/2, p.full*minRate)
	}
	if until := now.Add(d); until.After(p.notBefore) {
		p.notBefore = until
	}
}

// paused is how much longer nothing may go out.
func (p *Pacer) paused() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.notBefore))
}

// take takes a token, or says how long there will be none.
func (p *Pacer) take(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.init()
	if d := p.notBefore.Sub(now); d > 0 {
		return d
	}
	if p.full < 0 {
		return 0
	}
	p.refill(now)
	if p.tokens < 1 {
		wait := min((1-p.tokens)/p.rate*float64(time.Second), float64(longestNap))
		// Rounded up: a timer that is early by a nanosecond costs a second one.
		return time.Duration(wait) + time.Microsecond
	}
	p.tokens--
	return 0
}

func (p *Pacer) refill(now time.Time) {
	elapsed := now.Sub(p.at).Seconds()
	if elapsed <= 0 || p.full < 0 {
		return
	}
	if !p.at.IsZero() {
		most := p.burst
		if p.at.Before(p.notBefore) { // after a pause one goes first, not a burst
			most = 1
		}
		p.tokens = min(most, p.tokens+elapsed*p.rate)
		p.rate = min(p.full, p.rate+elapsed*p.full/10)
	}
	p.at = now
}

// sleep waits for d or until ctx ends, and leaves no timer behind.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
