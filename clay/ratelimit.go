package clay

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RateLimit is what an answer of the Public API said about its limit, which Clay
// sends "when available" (docs/clay.md).
type RateLimit struct {
	// Limit is how many requests are allowed, Remaining how many are left; -1 when
	// the answer did not say.
	Limit, Remaining int
	// Reset is when there are new ones; zero when the answer did not say.
	Reset time.Time
}

// parseRateLimit reads the X-RateLimit headers; nil when there is none that is
// understood. The form of the reset is not documented, so seconds from now, Unix
// time in seconds or milliseconds, and dates are all taken.
func parseRateLimit(h http.Header) *RateLimit {
	l := RateLimit{Limit: count(h, "X-RateLimit-Limit"), Remaining: count(h, "X-RateLimit-Remaining")}
	l.Reset = resetTime(strings.TrimSpace(h.Get("X-RateLimit-Reset")), time.Now())
	if l.Limit < 0 && l.Remaining < 0 && l.Reset.IsZero() {
		return nil
	}
	return &l
}

func count(h http.Header, name string) int {
	v := strings.TrimSpace(h.Get(name))
	n, err := strconv.ParseInt(v, 10, 32)
	if !isDigits(v) || err != nil {
		return -1
	}
	return int(n)
}

func resetTime(v string, now time.Time) time.Time {
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && isDigits(v) {
		switch {
		case n < 1e9: // 31 years: no delay is that long, and no date that early
			return now.Add(time.Duration(n) * time.Second)
		case n < 1e12:
			return time.Unix(n, 0)
		case n < 1e15:
			return time.UnixMilli(n)
		}
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t
	}
	if t, err := http.ParseTime(v); err == nil {
		return t
	}
	return time.Time{}
}

// wait is how long until the reset, for a 429 without Retry-After.
func (l *RateLimit) wait() time.Duration {
	if l == nil || l.Reset.IsZero() {
		return 0
	}
	return min(max(0, time.Until(l.Reset)), maxRetryAfter)
}

// requestID is Clay's name for a request, made safe to show.
func requestID(h http.Header) string {
	id := excerpt([]byte(h.Get("Request-Id")))
	return id[:min(len(id), 128)]
}
