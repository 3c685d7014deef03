package clay

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that now stands still
		now := time.Now()
		for name, tc := range map[string]struct {
			limit, remaining, reset string
			want                    *RateLimit
			wait                    time.Duration
		}{
			"nothing":      {"", "", "", nil, 0},
			"junk":         {"many", "-1", "soon", nil, 0},
			"seconds":      {"20", "0", "7", &RateLimit{20, 0, now.Add(7 * time.Second)}, 7 * time.Second},
			"Unix":         {"", "3", "4102444800", &RateLimit{-1, 3, time.Unix(4102444800, 0)}, maxRetryAfter},
			"milliseconds": {"", "", "4102444800000", &RateLimit{-1, -1, time.UnixMilli(4102444800000)}, maxRetryAfter},
			"RFC 3339":     {"", "", "2000-01-01T00:01:00Z", &RateLimit{-1, -1, now.Add(time.Minute)}, time.Minute},
			"HTTP date":    {"", "", "Sat, 01 Jan 2000 00:01:00 GMT", &RateLimit{-1, -1, now.Add(time.Minute)}, time.Minute},
			"past":         {"", "", "1999-12-31T00:00:00Z", &RateLimit{-1, -1, now.Add(-24 * time.Hour)}, 0},
			"huge":         {"99999999999", "1", "99999999999999999999", &RateLimit{-1, 1, time.Time{}}, 0},
			"too far":      {"1", "1", "9999999999999999", &RateLimit{1, 1, time.Time{}}, 0},
		} {
			h := http.Header{"X-Ratelimit-Limit": {tc.limit}, "X-Ratelimit-Remaining": {tc.remaining}, "X-Ratelimit-Reset": {tc.reset}}
			got := parseRateLimit(h)
			same := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
			if d := cmp.Diff(tc.want, got, same); d != "" || got.wait() != tc.wait {
				t.Errorf("%s: wait %s, %s", name, got.wait(), d)
			}
		}
	})
}

func FuzzParseRateLimit(f *testing.F) {
	f.Add("20", "0", "7")
	f.Add("-1", "1e3", "2000-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, limit, remaining, reset string) {
		l := parseRateLimit(http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}})
		if l != nil && (l.Limit < -1 || l.Remaining < -1) || l.wait() < 0 || l.wait() > maxRetryAfter {
			t.Fatalf("%+v, wait %s", l, l.wait())
		}
	})
}
