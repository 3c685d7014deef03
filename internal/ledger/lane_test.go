package ledger

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLaneTake(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	p := Pace{PerSecond: 10, Burst: 10}
	for name, c := range map[string]struct {
		lane    Lane
		elapsed time.Duration
		n       int
		granted int
		wait    time.Duration
		tokens  float64
	}{
		"rested":                  {Lane{Tokens: 10}, 0, 3, 3, 0, 7},
		"more than there is":      {Lane{Tokens: 10}, 0, 30, 10, 100 * ms, 0},
		"a fraction":              {Lane{Tokens: 0.25}, 0, 1, 0, 75 * ms, 0.25},
		"just enough":             {Lane{Tokens: 0.25}, 75 * ms, 1, 1, 0, 0},
		"a microsecond too early": {Lane{}, 100*ms - time.Microsecond, 1, 0, time.Microsecond, 0.99999},
		"never above the burst":   {Lane{Tokens: 9}, time.Hour, 0, 0, 0, 10},
		"backwards":               {Lane{Tokens: 5}, -time.Hour, 1, 1, 0, 4},
		"backwards and empty":     {Lane{}, -time.Hour, 1, 0, 100 * ms, 0},
		"nothing wanted":          {Lane{Tokens: 1}, 0, 0, 0, 0, 1},
		"less than nothing":       {Lane{Tokens: 1}, 0, -5, 0, 0, 1},
		"held":                    {Lane{Tokens: 5, Gate: Gate{Hold: 3 * s, Misses: 1}}, s, 1, 0, 2 * s, 10},
		"held and empty":          {Lane{Gate: Gate{Hold: 20 * ms, Misses: 1}}, 0, 1, 0, 100 * ms, 0},
		"hold just over":          {Lane{Tokens: 5, Gate: Gate{Hold: s, Misses: 1}}, s, 9, 1, ClaimTimeout, 9},
		"a probe is out":          {Lane{Tokens: 5, Gate: Gate{Probe: 45 * s, Misses: 1}}, 5 * s, 9, 0, 40 * s, 10},
		"a probe was lost":        {Lane{Tokens: 5, Gate: Gate{Probe: 45 * s, Misses: 1}}, 45 * s, 9, 1, ClaimTimeout, 9},
	} {
		t.Run(name, func(t *testing.T) {
			c.lane.Pace = p
			next, granted, wait := c.lane.Take(c.elapsed, c.n)
			if granted != c.granted || wait != c.wait || math.Abs(next.Tokens-c.tokens) > 1e-6 {
				t.Errorf("granted %d, wait %s, tokens %g; want %d, %s, %g", granted, wait, next.Tokens, c.granted, c.wait, c.tokens)
			}
		})
	}
}

func TestLaneHear(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		lane    Lane
		elapsed time.Duration
		signal  Signal
		want    Lane
	}{
		"silence":                        {Lane{Gate: Gate{Misses: 2, Probe: s}}, 0, Signal{}, Lane{Gate: Gate{Misses: 2, Probe: s}}},
		"a probe that came through":      {Lane{Gate: Gate{Misses: 2, Probe: s}}, 0, Signal{Kind: Flowing}, Lane{}},
		"an answer from before the hold": {Lane{Gate: Gate{Misses: 2, Hold: s}}, 0, Signal{Kind: Flowing}, Lane{Gate: Gate{Misses: 2, Hold: s}}},
		"a probe that was not sent":      {Lane{Gate: Gate{Misses: 2, Probe: s}}, 0, Signal{Kind: Unused}, Lane{Gate: Gate{Misses: 2}}},
		"unreachable":                    {Lane{}, 0, Signal{Kind: Blocked}, Lane{Gate: Gate{Misses: 1, Hold: s / 4}}},
		"unreachable, with jitter":       {Lane{}, 0, Signal{Kind: Blocked, Jitter: 0.5}, Lane{Gate: Gate{Misses: 1, Hold: 3 * s / 4}}},
		"unreachable again":              {Lane{Gate: Gate{Misses: 1, Probe: s}}, 0, Signal{Kind: Blocked, Jitter: 0.5}, Lane{Gate: Gate{Misses: 2, Hold: 5 * s / 4}}},
		"many that failed together":      {Lane{Gate: Gate{Misses: 1, Hold: s}}, 0, Signal{Kind: Blocked, Jitter: 0.5}, Lane{Gate: Gate{Misses: 1, Hold: s}}},
		"a hint":                         {Lane{}, 0, Signal{Kind: Blocked, RetryAfter: 7 * s}, Lane{Gate: Gate{Misses: 1, Hold: 7 * s}}},
		"a hint is a minimum":            {Lane{}, 0, Signal{Kind: Blocked, RetryAfter: 10 * s, Jitter: 0.5}, Lane{Gate: Gate{Misses: 1, Hold: 10*s + s/2}}},
		"little is added to a long one":  {Lane{}, 0, Signal{Kind: Blocked, RetryAfter: time.Hour, Jitter: 0.5}, Lane{Gate: Gate{Misses: 1, Hold: time.Hour + 5*s/2}}},
		"a hint of a week":               {Lane{}, 0, Signal{Kind: Blocked, RetryAfter: 168 * time.Hour}, Lane{Gate: Gate{Misses: 1, Hold: 24 * time.Hour}}},
		"a longer hint while held":       {Lane{Gate: Gate{Misses: 1, Hold: s}}, 0, Signal{Kind: Blocked, RetryAfter: 5 * s}, Lane{Gate: Gate{Misses: 1, Hold: 5 * s}}},
		"a shorter hint while held":      {Lane{Gate: Gate{Misses: 1, Hold: 9 * s}}, s, Signal{Kind: Blocked, RetryAfter: 5 * s}, Lane{Gate: Gate{Misses: 1, Hold: 8 * s}}},
		"time passed":                    {Lane{Gate: Gate{Misses: 1, Hold: s}}, 2 * s, Signal{}, Lane{Gate: Gate{Misses: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.lane.Tokens, c.want.Tokens = 10, 10
			c.want.Pace = Pace{}.normal()
			if diff := cmp.Diff(c.want, c.lane.Hear(c.elapsed, c.signal)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Ten sends that were throttled together counted as ten holds in a row: the next miss waited for 20 s instead of 2 s.
func TestLaneOneThrottledBurstIsOneMiss(t *testing.T) {
	l := NewLane("main/webhook", Pace{})
	for range 10 {
		l = l.Hear(0, Signal{Kind: Blocked, RetryAfter: time.Second})
	}
	if l.Misses != 1 {
		t.Errorf("%d misses, want 1", l.Misses)
	}
}

func TestPaceNormal(t *testing.T) {
	for _, p := range []Pace{{}, {PerSecond: -1, Burst: -1}, {PerSecond: math.NaN()}, {PerSecond: math.Inf(1)}, {PerSecond: math.Inf(-1)}} {
		if got := p.normal(); got != (Pace{PerSecond: DefaultPerSecond, Burst: DefaultBurst}) {
			t.Errorf("%v → %v, want the defaults", p, got)
		}
	}
	if p := (Pace{PerSecond: 0.5, Burst: 3}); p.normal() != p {
		t.Errorf("%v was changed to %v", p, p.normal())
	}
}

// laneWorld is a lane with the clock that a store would keep for it.
type laneWorld struct {
	lane    Lane
	now     time.Duration
	written time.Duration
	grants  []grant
}

type grant struct {
	at time.Duration
	n  int
}

func (w *laneWorld) take(n int) (int, time.Duration) {
	next, granted, wait := w.lane.Take(w.now-w.written, n)
	w.lane, w.written = next, w.now
	if granted > 0 {
		w.grants = append(w.grants, grant{w.now, granted})
	}
	return granted, wait
}

func (w *laneWorld) hear(s Signal) { w.lane, w.written = w.lane.Hear(w.now-w.written, s), w.now }

func drawPace(t *rapid.T) Pace {
	return Pace{
		PerSecond: rapid.Float64Range(0.01, 1000).Draw(t, "per second"),
		Burst:     rapid.IntRange(1, 200).Draw(t, "burst"),
	}
}

func drawMicros(t *rapid.T, name string, upTo time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(0, upTo.Microseconds()).Draw(t, name)) * time.Microsecond
}

func drawSignal(t *rapid.T) Signal {
	s := Signal{
		Kind:   rapid.SampledFrom([]SignalKind{Silent, Flowing, Blocked, Unused}).Draw(t, "signal"),
		Jitter: rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "jitter"),
	}
	if rapid.Bool().Draw(t, "hinted") {
		s.RetryAfter = drawMicros(t, "retry after", time.Minute)
	}
	return s
}

// In any window of w seconds at most burst + rate·w leave, whatever happens in between.
func TestLaneNeverExceedsItsPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPace(t)
		w := laneWorld{lane: NewLane("l", p)}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			w.now += drawMicros(t, "pause", 3*time.Second)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				w.hear(drawSignal(t))
			case 1: // takes more than it can use and gives the rest back
				got, _ := w.take(rapid.IntRange(0, 300).Draw(t, "n"))
				if back := rapid.IntRange(0, got).Draw(t, "back"); back > 0 {
					w.lane = w.lane.Return(back)
					w.grants[len(w.grants)-1].n -= back
				}
			default:
				w.take(rapid.IntRange(0, 300).Draw(t, "n"))
			}
		}
		for i := range w.grants {
			sum := 0
			for _, g := range w.grants[i:] {
				sum += g.n
				seconds := (g.at - w.grants[i].at).Seconds()
				if bound := float64(p.Burst) + p.PerSecond*seconds; float64(sum) > bound+1e-6 {
					t.Fatalf("%d left in %g s, at most %g may", sum, seconds, bound)
				}
			}
		}
	})
}

// Under continuous demand the rate is used, however irregular the polls, as long as the bucket does not run over.
func TestLaneUsesItsPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPace(t)
		p.Burst = max(p.Burst, 2)
		w := laneWorld{lane: NewLane("l", p)}
		w.take(p.Burst)
		late := time.Duration(float64(p.Burst-1) / p.PerSecond * float64(time.Second))
		total, length := 0, time.Duration(1000/p.PerSecond*float64(time.Second))
		jitter := rapid.SliceOfN(rapid.Float64Range(0, 1), 50, 50).Draw(t, "late")
		for i := 0; w.now < length; i++ {
			got, wait := w.take(1 << 20)
			total += got
			w.now += wait + time.Duration(float64(late)*jitter[i%len(jitter)])
		}
		got, _ := w.take(1 << 20)
		if total += got; float64(total) < 0.99*p.PerSecond*w.now.Seconds()-1 {
			t.Fatalf("%d left in %s at %g/s", total, w.now, p.PerSecond)
		}
	})
}

// The wait is never negative and never too short: whoever takes after exactly that time gets something.
func TestLaneWaitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := laneWorld{lane: NewLane("l", drawPace(t))}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.now += drawMicros(t, "pause", 2*time.Second)
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				w.hear(drawSignal(t))
			}
			n := rapid.IntRange(1, 300).Draw(t, "n")
			granted, wait := w.take(n)
			if wait < 0 || granted == 0 && wait == 0 {
				t.Fatalf("granted %d of %d, wait %s", granted, n, wait)
			}
			if granted == n {
				continue // it got what it wanted and need not wait
			}
			again := w
			again.now += wait
			if got, more := again.take(1); got != 1 {
				t.Fatalf("after the wait of %s nothing was granted, and another wait of %s", wait, more)
			}
		}
	})
}

// Nothing leaves while a hold lasts, and one record at a time after it until one has come through.
func TestLaneHoldsAndProbes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPace(t)
		p.PerSecond += 1
		w := laneWorld{lane: NewLane("l", p)}
		asked := time.Millisecond + drawMicros(t, "retry after", 25*time.Hour)
		w.hear(Signal{Kind: Blocked, RetryAfter: asked, Jitter: rapid.Float64Range(0, 0.999).Draw(t, "jitter")})
		until, probed := min(asked, maxRetryAfter), -ClaimTimeout
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now += drawMicros(t, "pause", min(asked, 40*time.Second))
			granted, _ := w.take(rapid.IntRange(1, 300).Draw(t, "n"))
			switch {
			case granted > 1:
				t.Fatalf("%d left without a probe's answer", granted)
			case granted == 1 && w.now < until:
				t.Fatalf("one left after %s of %s", w.now, until)
			case granted == 1 && w.now < probed+ClaimTimeout:
				t.Fatalf("a second probe %s after the first", w.now-probed)
			case granted == 1:
				probed = w.now
			}
		}
	})
}

// A clock that goes back or leaps ahead never makes a wait negative or the bucket larger than its burst.
func TestLaneSurvivesAnyClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Pace{
			PerSecond: rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1e-9)).Draw(t, "per second"),
			Burst:     rapid.IntRange(-1, 1000).Draw(t, "burst"),
		}
		l, burst := NewLane("l", p), p.normal().Burst
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			elapsed := time.Duration(rapid.Int64().Draw(t, "elapsed"))
			if rapid.Bool().Draw(t, "hears") {
				l = l.Hear(elapsed, drawSignal(t))
				continue
			}
			next, granted, wait := l.Take(elapsed, rapid.Int().Draw(t, "n"))
			if granted < 0 || granted > burst || wait < 0 {
				t.Fatalf("granted %d, wait %s", granted, wait)
			}
			if l = next; !(l.Tokens >= -dust && l.Tokens <= float64(burst)) || l.Hold < 0 || l.Probe < 0 {
				t.Fatalf("the lane became %+v", l)
			}
		}
	})
}

// A limit that nobody publishes: each 429 halves the rate, and it grows back evenly.
func TestAdaptivePace(t *testing.T) {
	l := NewLane("main/api", Pace{PerSecond: 8, Burst: 8, Adaptive: true})
	l, _, _ = l.Take(0, 8)
	throttled := Signal{Kind: Blocked, RetryAfter: time.Second, Throttled: true}
	l = l.Hear(0, throttled)
	l = l.Hear(0, throttled) // sent before the first answer came: no news
	if l.Slow != 0.5 {
		t.Fatalf("%v of the pace is taken away, want half", l.Slow)
	}
	l = l.Hear(time.Second, Signal{Kind: Flowing})
	if l.Tokens != 4 {
		t.Errorf("a second at half the pace brings %v tokens, want 4", l.Tokens)
	}
	if next := l.after(30 * time.Second); next.Slow != 0 {
		t.Errorf("after half a minute %v of the pace is missing", next.Slow)
	}
	for range 20 {
		l = l.Hear(time.Second, throttled)
	}
	if left := 1 - l.Slow; left < slowest {
		t.Errorf("the pace fell to %v of itself", left)
	}
	plain := NewLane("main/webhook", Pace{}).Hear(0, throttled)
	if plain.Slow != 0 {
		t.Error("a pace that Clay publishes was slowed down")
	}
}

// However often a lane is asked, it gives out no more than its pace, slowed down or not.
func TestAdaptivePaceIsAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewLane("main/api", Pace{PerSecond: 100, Burst: 1 << 20, Adaptive: true})
		l.Tokens, l.Slow = 0, rapid.Float64Range(0, 1-slowest).Draw(t, "slow")
		whole := l.after(time.Minute)
		for left := time.Minute; left > 0; {
			d := min(time.Duration(rapid.Int64Range(1, int64(20*time.Second)).Draw(t, "step")), left)
			l, left = l.after(d), left-d
		}
		if math.Abs(l.Tokens-whole.Tokens) > 1e-3 || math.Abs(l.Slow-whole.Slow) > 1e-6 {
			t.Fatalf("in steps %v tokens at %v, at once %v at %v", l.Tokens, l.Slow, whole.Tokens, whole.Slow)
		}
	})
}
