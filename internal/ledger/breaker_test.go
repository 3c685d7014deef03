package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBreakerHear(t *testing.T) {
	const s = time.Second
	open := func(hold, probe time.Duration, misses int) Breaker {
		return Breaker{Gate: Gate{Hold: hold, Probe: probe, Misses: misses}, Calls: 20, Failures: 10}
	}
	for name, c := range map[string]struct {
		breaker Breaker
		elapsed time.Duration
		signal  Signal
		want    Breaker
	}{
		"all is well":            {Breaker{}, 0, Signal{Kind: Flowing}, Breaker{}},
		"a first failure":        {Breaker{}, 0, Signal{Kind: Blocked}, Breaker{Window: 30 * s, Calls: 1, Failures: 1}},
		"another":                {Breaker{Window: 30 * s, Calls: 1, Failures: 1}, 9 * s, Signal{Kind: Blocked}, Breaker{Window: 21 * s, Calls: 2, Failures: 2}},
		"a success":              {Breaker{Window: 30 * s, Calls: 1, Failures: 1}, 9 * s, Signal{Kind: Flowing}, Breaker{Window: 21 * s, Calls: 2, Failures: 1}},
		"says nothing":           {Breaker{Window: 30 * s, Calls: 1, Failures: 1}, 0, Signal{Kind: Unused}, Breaker{Window: 30 * s, Calls: 1, Failures: 1}},
		"the window is over":     {Breaker{Window: s, Calls: 19, Failures: 19}, s, Signal{Kind: Blocked}, Breaker{Window: 30 * s, Calls: 1, Failures: 1}},
		"not quite over":         {Breaker{Window: s, Calls: 19, Failures: 9}, s - 1, Signal{Kind: Blocked}, open(s/4, 0, 1)},
		"less than half":         {Breaker{Window: s, Calls: 19, Failures: 8}, 0, Signal{Kind: Blocked}, Breaker{Window: s, Calls: 20, Failures: 9}},
		"half, by a success":     {Breaker{Window: s, Calls: 19, Failures: 10}, 0, Signal{Kind: Flowing}, open(s/4, 0, 1)},
		"the probe fails":        {open(0, 45*s, 1), s, Signal{Kind: Blocked, Age: s, Jitter: 0.5}, open(5*s/4, 0, 2)},
		"the probe succeeds":     {open(0, 45*s, 3), s, Signal{Kind: Flowing, Age: s}, Breaker{}},
		"an older one fails":     {open(0, 45*s, 1), s, Signal{Kind: Blocked, Age: s + 1}, open(0, 44*s, 1)},
		"an older one succeeds":  {open(0, 45*s, 1), s, Signal{Kind: Flowing, Age: s + 1}, open(0, 44*s, 1)},
		"an older one is none":   {open(0, 45*s, 1), s, Signal{Kind: Unused, Age: s + 1}, open(0, 44*s, 1)},
		"fails while held":       {open(5*s, 0, 1), s, Signal{Kind: Blocked}, open(4*s, 0, 1)},
		"succeeds while held":    {open(5*s, 0, 1), s, Signal{Kind: Flowing}, open(4*s, 0, 1)},
		"a clock that went back": {open(5*s, 0, 1), -time.Hour, Signal{}, open(5*s, 0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.breaker.After(c.elapsed).Hear(c.signal)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAnswersThatSpeakOfTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		answer Answer
		want   SignalKind
	}{
		"taken":               {Answer{Outcome: Answered, Verdict: Accepted}, Flowing},
		"a bad record":        {Answer{Outcome: Answered, Verdict: Rejected}, Flowing},
		"a 500":               {Answer{Outcome: Answered, Verdict: Failed}, Blocked},
		"a 502":               {Answer{Outcome: Answered, Verdict: Doubtful}, Blocked},
		"silence":             {Answer{Outcome: Unknown, Verdict: Doubtful}, Blocked},
		"a reset":             {Answer{Outcome: Partial, Verdict: Failed}, Blocked},
		"a 429":               {Answer{Outcome: Answered, Verdict: Throttled}, Unused},
		"nobody there":        {Answer{Outcome: NotSent, Verdict: Unsent}, Unused},
		"never left":          {Answer{Outcome: NotSent, Verdict: Rejected}, Unused},
		"a wrong key":         {Answer{Outcome: Answered, Verdict: Refused}, Unused},
		"the webhook is full": {Answer{Outcome: Answered, Verdict: Exhausted}, Unused},
		"given back":          {Answer{Outcome: Released, Verdict: Unsent}, Unused},
	} {
		if got := c.answer.target(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// sentCall is one answer in the life of a target.
type sentCall struct {
	at     time.Duration
	failed bool
}

// In any history a breaker opens only where at least 20 calls of 30 s, half of them failures, are behind it; it opens
// at the latest once nothing but failures came for 30 s and 20 calls; and while it is open one probe passes at a time.
func TestBreakerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Breaker
		var now, written, bad time.Duration // bad: since when all has failed
		var calls []sentCall
		failures, probes := 0, 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += drawMicros(t, "pause", 2*time.Second)
			b, written = b.After(now-written), now
			room, wait := b.Room(5)
			if b.Open() {
				if room > 1 || room > 0 && probes > 0 || room == 0 && wait <= 0 {
					t.Fatalf("%+v: %d may pass beside %d probes, wait %s", b, room, probes, wait)
				}
				if b = b.Passed(room); room == 0 {
					now += wait
					if probes == 1 {
						probes = 0 // lost
					}
					continue
				}
				probes = 1
			}
			failed := rapid.IntRange(0, 9).Draw(t, "of ten") < rapid.SampledFrom([]int{1, 4, 8, 10}).Draw(t, "trouble")
			signal := Signal{Kind: Flowing, Jitter: 0.5}
			if calls = append(calls, sentCall{now, failed}); failed {
				signal.Kind = Blocked
				if failures++; failures == 1 {
					bad = now
				}
			} else {
				failures = 0
			}
			was := b.Open()
			b, probes = b.Hear(signal), 0
			switch {
			case !was && b.Open() && !enough(calls, now):
				t.Fatalf("it opened after %v", calls[max(0, len(calls)-40):])
			case !was && !b.Open() && failures > BreakerCalls && now-bad > 2*BreakerWindow && dense(calls, now):
				t.Fatalf("it stayed closed after %v", calls[max(0, len(calls)-40):])
			case was && b.Open() == !failed:
				t.Fatalf("a probe that failed (%t) left it open (%t)", failed, b.Open())
			}
			if was && !b.Open() {
				calls, failures = nil, 0
			}
		}
	})
}

// enough reports whether some window that ends now holds what opens a breaker.
func enough(calls []sentCall, now time.Duration) bool {
	n, failed := 0, 0
	for i := len(calls) - 1; i >= 0 && now-calls[i].at < BreakerWindow; i-- {
		if n++; calls[i].failed {
			failed++
		}
		if n >= BreakerCalls && 2*failed >= n {
			return true
		}
	}
	return false
}

// dense reports whether each of the last two windows holds more calls than a breaker needs.
func dense(calls []sentCall, now time.Duration) bool {
	var n [2]int
	for _, c := range calls {
		if i := int((now - c.at) / BreakerWindow); i < len(n) {
			n[i]++
		}
	}
	return n[0] > BreakerCalls && n[1] > BreakerCalls
}
