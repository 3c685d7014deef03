package clay

import (
	"context"
	"errors"
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
		for range 100 { // an ended context takes no token, whatever select picks
			if p.Wait(ended) == nil {
				t.Fatal("let out with an ended context")
			}
		}
	})
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

func TestBackoff(t *testing.T) {
	for n := 1; n < 80; n++ {
		for range 50 {
			if d := backoff(backoffBase, n, 0); d < 0 || d > backoffCap || n == 1 && d > backoffBase {
				t.Fatalf("%d: %s", n, d)
			}
			if d := backoff(backoffBase, n, time.Hour); d < time.Hour || d > time.Hour+maxJitter {
				t.Fatalf("asked for an hour: %s", d)
			}
		}
	}
}
