package clay_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// Each test here names a defect of the reference document's clients and shows that
// this package does not have it. docs/from-the-reference.md tells of them.

func answer(count int, retryAfter []string, status ...int) claytest.Fault {
	return claytest.Fault{Kind: claytest.Answer, Count: count, Status: status, RetryAfter: retryAfter}
}

// "5xx final": the reference returns a 500 to its caller without another try.
func TestReference5xxIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(2, nil, 500, 503)}}, clay.Config{})
		r, err := c.Send(t.Context(), row{"a": 1})
		if err != nil || r.Tries != 3 || !r.MayDuplicate || len(s.Rows()) != 1 {
			t.Errorf("%+v, %v, %d rows", r, err, len(s.Rows()))
		}
	})
}

// "date-form Retry-After", "int() of a date": parseInt makes NaN of it, and so no wait
// at all; Python's int() ends the program.
func TestReferenceRetryAfterDateIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, form := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
			start := time.Now()
			at := start.Add(90 * time.Second).UTC()
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(1, []string{at.Format(form)}, 429)}}, clay.Config{})
			if _, err := c.Send(t.Context(), row{"a": 1}); err != nil {
				t.Fatal(err)
			}
			// The header has whole seconds, and 10 % jitter comes on top.
			if took := time.Since(start); took < 89*time.Second || took > 100*time.Second || requests(s) != 2 {
				t.Errorf("%s: %d requests in %s", form, requests(s), took)
			}
			_ = c.Close()
			s.Close()
		}
	})
}

// "negative Retry-After": setTimeout fires at once, four times in a few milliseconds.
func TestReferenceNegativeRetryAfterIsNoHotLoop(t *testing.T) {
	for _, junk := range []string{"-5", "soon", "0.001", ""} {
		synctest.Test(t, func(t *testing.T) {
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, []string{junk}, 429)}}, clay.Config{MaxElapsed: time.Minute})
			_, err := c.Send(t.Context(), row{"a": 1})
			failed(t, err, clay.KindThrottled)
			// Full jitter up to 1, 2, 4, 8, 16, 20, 20 … s in a minute.
			if n := requests(s); n > 40 {
				t.Errorf("%q: %d requests in a minute", junk, n)
			}
		})
	}
}

// "huge Retry-After": setTimeout overflows at 2^31 ms and fires at once; a sleep of
// years would be as bad.
func TestReferenceHugeRetryAfterIsReportedAtOnce(t *testing.T) {
	for asked, want := range map[string]time.Duration{"3000000": 24 * time.Hour, "9223372036854775807": 24 * time.Hour, "3600": time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, []string{asked}, 429)}}, clay.Config{})
			start := time.Now()
			_, err := c.Send(t.Context(), row{"a": 1})
			if e := failed(t, err, clay.KindThrottled); e.RetryAfter != want || requests(s) != 1 || time.Since(start) > time.Second {
				t.Errorf("%s: %s after %d requests and %s", asked, e.RetryAfter, requests(s), time.Since(start))
			}
			// Nor does the next one go out, or hang.
			_, err = c.Send(t.Context(), row{"a": 2})
			if e := failed(t, err, clay.KindThrottled); e.Outcome != clay.NotSent || e.RetryAfter < want-time.Second || requests(s) != 1 {
				t.Errorf("the next: %v", err)
			}
		})
	}
}

// "status lost after the last 429": the reference ends with "Max retries exceeded".
func TestReferenceStatusOfTheLastTryIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, nil, 429)}}, clay.Config{MaxElapsed: 10 * time.Second})
		_, err := c.Send(t.Context(), row{"a": 1})
		e := failed(t, err, clay.KindThrottled)
		if e.Status != 429 || e.RetryAfter != time.Second || !strings.Contains(e.Body, "TooManyRequests") || len(e.Attempts) < 5 {
			t.Errorf("status %d, %s, body %q, %d tries", e.Status, e.RetryAfter, e.Body, len(e.Attempts))
		}
		for i, a := range e.Attempts {
			if a.Number != i+1 || a.Status != 429 || a.Kind != clay.KindThrottled || a.Outcome != clay.Answered {
				t.Errorf("try %d: %+v", i+1, a)
			}
		}
	})
}

// "timer leak": the reference leaves a timer behind whenever fetch throws, which keeps
// the process alive. A bubble cannot end while a timer's goroutine waits, and goleak
// watches over the whole package; here a cancelled wait must leave at once. That the timer
// of each try ends with it is shown by TestEndlessBodies.
func TestReferenceNoTimerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, []string{"60"}, 429)}}, clay.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Send(ctx, row{"a": 1})
		if e := failed(t, err, clay.KindThrottled); time.Since(start) != time.Second || e.Status != 429 {
			t.Errorf("%s: %v", time.Since(start), err)
		}
	})
}

// "body outside the timeout": the reference clears its timer when the header is in; a
// body that never ends hangs it for ever. See also TestDrippingBody.
func TestReferenceTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := claytest.Fault{Kind: claytest.SlowAnswer, Latency: time.Hour}
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{slow}}, clay.Config{Retries: -1, Timeout: 10 * time.Second})
		start := time.Now()
		_, err := c.EnrichPerson(t.Context(), "ada@example.com")
		if failed(t, err, clay.KindUnknown); time.Since(start) != 10*time.Second {
			t.Errorf("took %s", time.Since(start))
		}
	})
}

// "resend after timeout": the row is in Clay, the answer is late, and the reference
// sends it again: up to four rows, each paid for.
func TestReferenceNoResendAfterATimeout(t *testing.T) {
	for _, fault := range []claytest.Fault{
		{Kind: claytest.SlowAnswer, Latency: time.Hour},
		{Kind: claytest.DropAfter},
		{Kind: claytest.AnswerAfter, Status: []int{502, 504, 408, 520, 522, 524}},
	} {
		for resend, want := range map[bool]int{false: 1, true: 4} {
			synctest.Test(t, func(t *testing.T) {
				s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{fault}}, clay.Config{ResendUncertain: resend})
				_, err := c.Send(t.Context(), row{"a": 1})
				e := failed(t, err, clay.KindUnknown)
				if n := len(s.Rows()); n != want || !e.MayDuplicate() || len(e.Attempts) != want {
					t.Errorf("%s, ResendUncertain %t: %d rows, %v", fault.Kind, resend, n, err)
				}
			})
		}
	}
}

// "redirect taken for success": fetch follows a 302 with a GET, gets 200, and the row
// is nowhere. See also TestEveryStatus.
func TestReferenceRedirectIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, nil, 302)}}, clay.Config{})
		_, err := c.Send(t.Context(), row{"a": 1})
		if e := failed(t, err, clay.KindRedirect); requests(s) != 1 || e.MayDuplicate() {
			t.Errorf("%d requests: %v", requests(s), err)
		}
	})
}

// "error body returned as a person": the reference parses whatever comes and returns it.
func TestReferenceErrorIsNoPerson(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   clay.Kind
	}{
		"401":           {401, `{"type":"Unauthorized","message":"no"}`, clay.KindUnauthorized},
		"404":           {404, `{"success":false,"message":"Nothing found"}`, clay.KindNotFound},
		"retired":       {404, `{"success":false,"message":"deprecated API endpoint"}`, clay.KindDeprecated},
		"500":           {500, `{"name":"Internal Server Error"}`, clay.KindUnavailable},
		"HTML":          {200, `<html><title>Sign in</title></html>`, clay.KindBadAnswer},
		"empty":         {200, ` `, clay.KindBadAnswer},
		"null":          {200, `null`, clay.KindBadAnswer},
		"list":          {200, `[{"name":"Ada"}]`, clay.KindBadAnswer},
		"error in 200":  {200, `{"error":"quota","name":"x"}`, clay.KindBadAnswer},
		"errors in 200": {200, `{"errors":["quota"],"name":"x"}`, clay.KindBadAnswer},
		"failure":       {200, `{"success":false,"name":"x"}`, clay.KindBadAnswer},
		"two values":    {200, `{"name":"Ada"}{"name":"Bob"}`, clay.KindBadAnswer},
		"only the echo": {200, `{"email":"ada@example.com","name":null,"title":""}`, clay.KindNotFound},
		"only message":  {200, `{"type":"TooManyRequests","message":"Too many","details":null}`, clay.KindNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := claytest.Fault{Kind: claytest.Answer, Status: []int{tc.status}, Body: tc.body}
				_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{f}}, clay.Config{})
				p, err := c.EnrichPerson(t.Context(), "ada@example.com")
				if e := failed(t, err, tc.kind); e.Status != tc.status || e.MayDuplicate() || p.Name != "" || p.Extra != nil {
					t.Errorf("%+v, %v", p, err)
				}
			})
		})
	}
}

// "undefined options": {maxRetries: undefined} overrides the default of 3, so that the
// loop never runs and "Max retries exceeded" comes without a single request.
func TestReferenceUnsetOptionsMeanTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, nil, 500)}}, clay.Config{})
		_, err := c.Send(t.Context(), row{"a": 1})
		if e := failed(t, err, clay.KindUnavailable); len(e.Attempts) != 4 || requests(s) != 4 {
			t.Errorf("%d tries, %d requests", len(e.Attempts), requests(s))
		}
		none := client(t, s, clay.Config{Retries: -1})
		_, err = none.Send(t.Context(), row{"a": 1})
		if e := failed(t, err, clay.KindUnavailable); len(e.Attempts) != 1 || requests(s) != 5 {
			t.Errorf("%d tries, %d requests", len(e.Attempts), requests(s))
		}
	})
}

// "serial batch": one row at a time and a pause after each: under 5 rows a second, and under
// 3 when Clay is 150 ms away. Here latency costs nothing: 10 a second either way.
func TestReferenceBatchUsesClaysWholeRate(t *testing.T) {
	for _, latency := range []time.Duration{0, 150 * time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var faults []claytest.Fault
			if latency > 0 {
				faults = []claytest.Fault{{Kind: claytest.Slow, Latency: latency}}
			}
			s, c := emulate(t, claytest.Options{Faults: faults}, clay.Config{})
			start := time.Now()
			res, err := c.SendBatch(t.Context(), numbered(210), clay.BatchOptions{})
			took := time.Since(start) - latency
			if err != nil || res.Sent != 210 || res.Failed != 0 || s.Stats().Status[429] != 0 {
				t.Fatalf("%+v, %v, %v", res, err, s.Stats())
			}
			// 10 at once, 200 more at 10 a second.
			if took < 20*time.Second || took > 20200*time.Millisecond {
				t.Errorf("latency %s: %s", latency, took)
			}
		})
	}
}

// "a client per call": the Python one opens, and secures, a connection per row.
func TestReferenceConnectionsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true})
		dialled := 0
		c, err := clay.NewWithDial(clay.Config{WebhookURL: s.WebhookURL("people")}, func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled++
			return s.DialContext(ctx, network, addr)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range 100 {
			if _, err := c.Send(t.Context(), row{"i": i}); err != nil {
				t.Fatal(err)
			}
		}
		if dialled != 1 {
			t.Errorf("%d connections for 100 rows", dialled)
		}
	})
}

// "a missing URL": the reference passes undefined to fetch and retries that for seconds.
func TestReferenceMissingURLIsAnErrorAtOnce(t *testing.T) {
	_, err := clay.New(clay.Config{})
	failed(t, err, clay.KindConfig)
	c, err := clay.New(clay.Config{EnterpriseKey: key})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Send(t.Context(), row{"a": 1})
	failed(t, err, clay.KindConfig)
	_, err = c.SendOnce(t.Context(), row{"a": 1})
	failed(t, err, clay.KindConfig)
	_, err = c.SendBatch(t.Context(), numbered(3), clay.BatchOptions{})
	failed(t, err, clay.KindConfig)
}

// numbered is n small rows.
func numbered(n int) func(func(any) bool) {
	return func(yield func(any) bool) {
		for i := range n {
			if !yield(row{"i": i, "email": fmt.Sprintf("p%d@example.com", i)}) {
				return
			}
		}
	}
}
