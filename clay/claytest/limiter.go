package claytest

import (
	"sync"
	"time"
)

// limiter is the workspace's token bucket, kept as the one time at which it
// would be full again (the generic cell rate algorithm): whole nanoseconds, so
// that no rounding ever lets a request too many through. In any window of w
// seconds it grants at most burst + rate·w.
type limiter struct {
	mu    sync.Mutex
	every time.Duration // one token's time; 0: no limit
	spare time.Duration // how far ahead of now full may be when one more is granted
	full  time.Time     // when the bucket is full again
}

func newLimiter(perSecond float64, burst int) *limiter {
	if perSecond < 0 {
		return &limiter{}
	}
	every := time.Duration(float64(time.Second) / perSecond)
	return &limiter{every: every, spare: every * time.Duration(burst-1)}
}

// take takes a token, if there is one.
func (l *limiter) take(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.every == 0 {
		return true
	}
	if l.full.Sub(now) > l.spare {
		return false
	}
	if l.full.Before(now) {
		l.full = now
	}
	l.full = l.full.Add(l.every)
	return true
}

// wait is how long until the next token.
func (l *limiter) wait(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.full.Sub(now)-l.spare)
}

// refill fills the bucket.
func (l *limiter) refill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = time.Time{}
}

// window is the column's outbound limit: at most limit requests in any span of
// the given length (Clay calls it a sliding window).
type window struct {
	mu    sync.Mutex
	span  time.Duration
	times []time.Time // the last limit grants, a ring
	next  int
}

func newWindow(limit int, span time.Duration) *window {
	if limit < 0 {
		return &window{}
	}
	return &window{span: span, times: make([]time.Time, limit)}
}

// reserve books the next free place and says how long to wait for it.
func (w *window) reserve(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.times) == 0 {
		return 0
	}
	at := w.times[w.next].Add(w.span)
	if at.Before(now) {
		at = now
	}
	w.times[w.next] = at
	w.next = (w.next + 1) % len(w.times)
	return at.Sub(now)
}
