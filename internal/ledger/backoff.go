package ledger

import "time"

// The retry schedule of what failed in a way that speaks about the record: three quick tries with full jitter between
// them, then one try after each of the long delays, give or take a fifth, then the record is dead. It spans most of a day, so that
// a night's trouble at Clay kills nothing.
const (
	backoffBase = 250 * time.Millisecond
	backoffCap  = 20 * time.Second
	quickTries  = 3
)

var longDelays = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

// MaxTries is how many attempts may fail before a record is dead.
const MaxTries = quickTries + 7

// Backoff returns the delay after the given number of failed tries (1 for the first). Jitter is uniform in [0,1).
func Backoff(tries int, jitter float64) time.Duration {
	if tries < quickTries {
		return fullJitter(backoffBase, tries-1, jitter)
	}
	long := longDelays[min(tries-quickTries, len(longDelays)-1)]
	return time.Duration(float64(long) * (0.8 + 0.4*jitter))
}

// fullJitter returns U(0, min(cap, base·2^n)).
func fullJitter(base time.Duration, n int, jitter float64) time.Duration {
	ceiling := backoffCap
	if n = max(n, 0); n < 16 {
		ceiling = min(backoffCap, base<<n)
	}
	return time.Duration(float64(ceiling) * jitter)
}
