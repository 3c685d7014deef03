package clay

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a server may ask for: a delay of years is a mistake,
// and a lane that sleeps for years is lost.
const maxRetryAfter = 24 * time.Hour

// ParseRetryAfter reads the Retry-After fields of an answer: whole seconds, or any
// of the three HTTP date forms, measured against the answer's own Date (against
// the local clock when it has none). Of several the largest counts. Values that
// are negative, fractional, in the past or not understood are ignored; longer
// ones than 24 h are cut to that. The second result is false when no usable value
// is there; Clay itself sends "Retry-After: 1" with a 429 (docs/clay.md).
func ParseRetryAfter(h http.Header) (time.Duration, bool) {
	longest, found := time.Duration(0), false
	for _, v := range h.Values("Retry-After") {
		if d, ok := retryAfter(strings.TrimSpace(v), h); ok {
			longest, found = max(longest, d), true
		}
	}
	return longest, found
}

func retryAfter(v string, h http.Header) (time.Duration, bool) {
	if isDigits(v) {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, false // more than an int64 holds: not a delay but a mistake
		}
		// Compared before it is multiplied, so that it cannot overflow.
		if seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	d := until.Sub(now)
	if d < 0 {
		return 0, false
	}
	return min(d, maxRetryAfter), true
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
