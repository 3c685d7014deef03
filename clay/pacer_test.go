package clay

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// In any window of w seconds at most burst + rate·w are let out, whatever the times at
// which they ask and the pauses between; and nothing during a pause.
func TestPacerNeverExceedsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 100).Draw(t, "rate")
		burst := rapid.IntRange(1, 30).Draw(t, "burst")
		p := NewPacer(rate, burst)
		now := time.Unix(1e9, 0)
		var granted []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 19).Draw(t, "what") {
			case 0:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "gap")))
			case 1:
				p.pause(now, time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "pause")))
			default:
				d := p.take(now)
				if d <= 0 {
					if now.Before(p.notBefore) {
						t.Fatal("let out during a pause")
					}
					granted = append(granted, now)
				} else if rapid.Bool().Draw(t, "wait") {
					now = now.Add(d)
				}
			}
		}
		for i := range granted {
			for j := i; j < len(granted); j++ {
				if n, most := float64(j-i+1), float64(burst)+rate*granted[j].Sub(granted[i]).Seconds(); n > most+1e-6 {
					t.Fatalf("%v in %s, at most %v", n, granted[j].Sub(granted[i]), most)
				}
			}
		}
	})
}

// Nobody who waits as told is told to wait for ever, and the full rate comes back.
func TestPacerRecovers(t *testing.T) {
	p := NewPacer(10, 10)
	now := time.Unix(1e9, 0)
	for range 20 { // throttled again and again
		p.pause(now, time.Second)
		now = now.Add(time.Second)
		d := p.take(now)
		for ; d > 0; d = p.take(now) {
			now = now.Add(d)
		}
	}
	if p.rate > 3 {
		t.Errorf("still %v a second", p.rate)
	}
	n := 0
	for end := now.Add(30 * time.Second); now.Before(end); {
		d := p.take(now)
		if d <= 0 {
			n++
		}
		now = now.Add(d)
	}
	// At most ten seconds to come back, at 5 a second on average, then at 10.
	if p.rate != 10 || n < 240 || n > 300 {
		t.Errorf("rate %v, %d in 30 s", p.rate, n)
	}
}

func TestPacerWaitsInOrderAndCanBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(1, 1)
		order := make(chan int, 5)
		for i := range 5 {
			go func() {
				if p.Wait(t.Context()) == nil {
					order <- i
				}
			}()
			synctest.Wait() // it stands in line
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		start := time.Now()
		if err := p.Wait(t.Context()); err != nil || time.Since(start) < 4*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		for want := range 5 {
			if got := <-order; got != want {
				t.Fatalf("%d came at place %d", got, want)
			}
		}
		ended, end := context.WithCancel(t.Context())
		end()
		full := NewPacer(1, 10)
		for range 100 { // an ended context takes no token, whatever select picks
			if full.Wait(ended) == nil {
				t.Fatal("let out with an ended context")
			}
		}
	})
}

// Whatever a pacer is made with, it limits: the zero value, which has no queue yet, and
// rates whose waits no time.Duration holds.
func TestPacerOfAnyRate(t *testing.T) {
	for name, tc := range map[string]struct {
		p    *Pacer
		most int // in the first minute
	}{
		"zero value":   {&Pacer{}, defaultBurst + 60*defaultPerSecond},
		"defaults":     {NewPacer(0, 0), defaultBurst + 60*defaultPerSecond},
		"no number":    {NewPacer(math.NaN(), -5), defaultBurst + 60*defaultPerSecond},
		"one a day":    {NewPacer(1.0/86400, 1), 1},
		"hardly any":   {NewPacer(1e-300, 1), 1},
		"infinite":     {NewPacer(math.Inf(1), 1), 1000},
		"as good as":   {NewPacer(math.MaxFloat64, 7), 1000},
		"never mind":   {NewPacer(math.Inf(-1), 1), 1000},
		"paused first": {&Pacer{}, 1 + 60*defaultPerSecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				n := 0
				if name == "paused first" {
					tc.p.Pause(time.Second)
				}
				for n < 1000 && tc.p.Wait(ctx) == nil {
					n++
				}
				if n > tc.most || n < tc.most*9/10-10 {
					t.Errorf("%d let out, want about %d", n, tc.most)
				}
			})
		})
	}
}

// Sixteen in flight that are throttled together are one reason to slow down, not sixteen;
// many in a row do not bring it to a stand; and after a pause one goes first, not a burst.
func TestPacerSlowsDownWithReason(t *testing.T) {
	p := NewPacer(10, 10)
	now := time.Unix(1e9, 0)
	if p.take(now) > 0 {
		t.Fatal("no token to begin with")
	}
	for range 16 {
		p.pause(now, time.Second)
	}
	if p.rate != 5 {
		t.Errorf("%v a second after one pause", p.rate)
	}
	now = now.Add(time.Second)
	if first, second := p.take(now), p.take(now); first > 0 || second <= 0 {
		t.Errorf("after a pause: %s, %s", first, second)
	}
	for range 100 {
		p.pause(now, time.Nanosecond)
		now = now.Add(time.Nanosecond)
	}
	if p.rate < 10*minRate {
		t.Errorf("%v a second after a hundred pauses", p.rate)
	}
}

func TestUnlimitedPacerStillPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(-1, 0)
		start := time.Now()
		for range 1000 {
			_ = p.Wait(t.Context())
		}
		if time.Since(start) != 0 {
			t.Error("it limits")
		}
		p.Pause(time.Second)
		if _ = p.Wait(t.Context()); time.Since(start) != time.Second {
			t.Error("it does not pause")
		}
	})
}

// Full jitter: waits are spread over the whole of a range that doubles, and what Clay
// asked for gets a little on top, so that not everybody comes back at once.
func TestBackoffIsSpread(t *testing.T) {
	for n := 1; n <= 8; n++ {
		limit := min(250*time.Millisecond<<(n-1), 20*time.Second)
		shortest, longest := time.Hour, time.Duration(0)
		for range 300 {
			d := backoff(backoffBase, n, 0)
			shortest, longest = min(shortest, d), max(longest, d)
		}
		if shortest > limit/4 || longest < limit*3/4 || longest > limit {
			t.Errorf("failure %d: %s to %s, want 0 to %s", n, shortest, longest, limit)
		}
	}
	for asked, most := range map[time.Duration]time.Duration{10 * time.Second: time.Second, 10 * time.Minute: maxJitter} {
		longest := time.Duration(0)
		for range 300 {
			longest = max(longest, backoff(backoffBase, 1, asked)-asked)
		}
		if longest < most/2 || longest > most {
			t.Errorf("asked for %s: up to %s more, want up to %s", asked, longest, most)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n := 1; n < 80; n++ {
		for range 50 {
			if d := backoff(backoffBase, n, 0); d < 0 || d > 20*time.Second || n == 1 && d > 250*time.Millisecond {
				t.Fatalf("%d: %s", n, d)
			}
			if d := backoff(backoffBase, n, time.Hour); d < time.Hour || d > time.Hour+maxJitter {
				t.Fatalf("asked for an hour: %s", d)
			}
		}
	}
}
