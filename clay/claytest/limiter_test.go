package claytest_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/claygate/claygate/clay/claytest"
)

// In any window of w seconds at most 20 + 10·w requests are accepted, over all
// webhooks together, and none is refused that fits: the bucket is full again
// after a pause.
func TestRateLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 60).Draw(rt, "gaps in ms")
		together := rapid.SliceOfN(rapid.IntRange(1, 12), len(gaps), len(gaps)).Draw(rt, "requests at once")
		var problem string
		synctest.Test(t, func(t *testing.T) {
			s := claytest.New(t, claytest.Options{InMemory: true})
			for i, gap := range gaps {
				<-time.After(time.Duration(gap) * time.Millisecond)
				burst(t, s, together[i])
			}
			problem = exceeds(s.Requests())
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

// burst posts to several webhooks at the same moment and waits for the answers.
func burst(t *testing.T, s *claytest.Server, n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			resp, err := s.Client().Post(s.WebhookURL(fmt.Sprint("w", i%3)), "application/json", strings.NewReader(`{}`))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	all.Wait()
}

// exceeds checks the answers against the limit, from both sides: every window
// between two accepted requests, and a plain bucket in floating point.
func exceeds(requests []claytest.Request) string {
	// Answers of the same moment are recorded in any order.
	slices.SortFunc(requests, func(x, y claytest.Request) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Status, y.Status))
	})
	var accepted []time.Time
	bucket, last := 20.0, time.Time{}
	for _, r := range requests {
		if !last.IsZero() {
			bucket = min(20, bucket+10*r.At.Sub(last).Seconds())
		}
		last = r.At
		switch {
		case r.Status == http.StatusOK:
			accepted = append(accepted, r.At)
			bucket--
			if bucket < -1e-6 {
				return fmt.Sprintf("request %d was accepted without a token", r.Number)
			}
		case r.Status != http.StatusTooManyRequests:
			return fmt.Sprintf("request %d: status %d", r.Number, r.Status)
		case bucket >= 1+1e-6:
			return fmt.Sprintf("request %d was refused with %.3f tokens there", r.Number, bucket)
		}
	}
	for i := range accepted {
		for j := i; j < len(accepted); j++ {
			window := accepted[j].Sub(accepted[i]).Seconds()
			if n := float64(j - i + 1); n > 20+10*window+1e-6 {
				return fmt.Sprintf("%v accepted in %.3f s", n, window)
			}
		}
	}
	return ""
}

// A sender that keeps to 10 a second is never refused.
func TestRateSustained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true})
		for range 300 {
			mustPost(t, s, "people", `{}`)
			<-time.After(100 * time.Millisecond)
		}
	})
}
