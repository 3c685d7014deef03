package ledger

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The failure it prevents: with one quick delay too many, the last long delay was never used and a record died after
// 7.6 h of trouble at Clay instead of 17.6 h.
func TestBackoffUsesEveryDelayOnce(t *testing.T) {
	want := []time.Duration{ // the middle of each delay, after the first, second, … failed try
		125 * time.Millisecond, 250 * time.Millisecond,
		5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	}
	if len(want) != MaxTries-1 {
		t.Fatalf("there are %d tries, so %d delays between them, want %d", MaxTries, MaxTries-1, len(want))
	}
	for i, middle := range want {
		if got := Backoff(i+1, 0.5); got.Round(time.Microsecond) != middle {
			t.Errorf("after %d failed tries: %s, want %s", i+1, got, middle)
		}
	}
}

func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tries := rapid.IntRange(-3, 1000).Draw(t, "tries")
		jitter := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "jitter")
		got := Backoff(tries, jitter)
		if got < 0 || got > 12*time.Hour {
			t.Fatalf("Backoff(%d, %g) = %s", tries, jitter, got)
		}
		if tries < quickTries && got >= backoffBase<<max(tries-1, 0) {
			t.Fatalf("quick try %d waits %s", tries, got)
		}
	})
}

func TestFullJitterBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-5, math.MaxInt).Draw(t, "n")
		jitter := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "jitter")
		base := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(backoffCap)).Draw(t, "base"))
		got := fullJitter(base, n, jitter)
		ceiling := min(float64(backoffCap), float64(base)*math.Pow(2, float64(max(n, 0))))
		if got < 0 || float64(got) > ceiling {
			t.Fatalf("fullJitter(%s, %d, %g) = %s, over %g", base, n, jitter, got, ceiling)
		}
	})
}
