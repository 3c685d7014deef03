package clay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/google/go-cmp/cmp"
)

func TestExhaustedWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Cap: 3}, clay.Config{})
		res, err := c.SendBatch(t.Context(), numbered(1000), clay.BatchOptions{})
		failed(t, err, clay.KindExhausted)
		if res.Sent != 3 || res.Sent+res.Failed > 3+16 {
			t.Errorf("%d sent, %d failed", res.Sent, res.Failed)
		}
	})
}

func TestSendBatchTellsWhatBecameOfEachRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := claytest.Fault{Kind: claytest.Answer, Status: []int{422}, When: func(e claytest.Event) bool { return strings.Contains(string(e.Body), `"i":4`) }}
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{bad}}, clay.Config{})
		records := []any{row{"i": 0}, []int{1}, row{"i": 2}, row{"i": strings.Repeat("3", clay.MaxRecordBytes)}, row{"i": 4}, json.RawMessage(`{"i":5}`)}
		var calls []clay.BatchProgress
		res, err := c.SendBatch(t.Context(), slices.Values(records), clay.BatchOptions{Progress: func(p clay.BatchProgress) { calls = append(calls, p) }})
		if err != nil || res.Sent != 3 || res.Failed != 3 || len(s.Rows()) != 3 || len(calls) != 6 {
			t.Fatalf("%d sent, %d failed, %d calls, %v", res.Sent, res.Failed, len(calls), err)
		}
		var failed []int
		for _, e := range res.Errors {
			failed = append(failed, e.Index)
			if !cmp.Equal(e.Record, records[e.Index]) || !errors.Is(e, clay.KindInvalid) || !strings.HasPrefix(e.Error(), fmt.Sprintf("record %d: clay: send: ", e.Index)) {
				t.Errorf("%d: %v", e.Index, e.Err)
			}
		}
		if d := cmp.Diff([]int{1, 3, 4}, failed); d != "" {
			t.Error(d)
		}
		for i, p := range calls {
			if p.Sent+p.Failed != i+1 || (p.Err == nil) != (p.Receipt.Status == 200 && p.Receipt.Tries == 1) {
				t.Errorf("%+v", p)
			}
		}
	})
}

// The errors stand in the sequence's order, though the first record is the last to fail.
func TestSendBatchErrorsAreInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, nil, 500)}}, clay.Config{})
		var ended, listed []int
		res, err := c.SendBatch(t.Context(), slices.Values([]any{row{"i": 0}, []int{1}, []int{2}}), clay.BatchOptions{
			Progress: func(p clay.BatchProgress) { ended = append(ended, p.Index) },
		})
		for _, e := range res.Errors {
			listed = append(listed, e.Index)
		}
		if err != nil || !slices.Equal(ended, []int{1, 2, 0}) || !slices.Equal(listed, []int{0, 1, 2}) {
			t.Errorf("ended %v, listed %v, %v", ended, listed, err)
		}
	})
}

// A key that is wrong is wrong for every row: nothing more is read, nothing more sent.
func TestSendBatchStopsWhereNoRowCanSurvive(t *testing.T) {
	for i, status := range []int{401, 402, 403, 404, 301, 404} {
		synctest.Test(t, func(t *testing.T) {
			fault := claytest.Fault{Kind: claytest.Answer, From: 21, Status: []int{status}}
			if i == 5 {
				fault.Body = `{"message":"deprecated API endpoint"}`
			}
			s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{fault}}, clay.Config{})
			read := 0
			res, err := c.SendBatch(t.Context(), counted(1_000_000, &read), clay.BatchOptions{})
			if e := (*clay.Error)(nil); !errors.As(err, &e) || e.Status != status {
				t.Fatal(err)
			}
			if read != res.Sent+res.Failed || res.Sent != 20 || requests(s) > 36 {
				t.Errorf("%d: %d read, %d sent, %d failed, %d requests", status, read, res.Sent, res.Failed, requests(s))
			}
		})
	}
}

// What is in flight when another record stops the batch is completed and counted; what
// was only read says truly that it was not sent, and by nobody's cancelling.
func TestSendBatchCompletesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{
			{Kind: claytest.Answer, From: 5, To: 5, Status: []int{401}},
			{Kind: claytest.SlowAnswer, Latency: 3 * time.Second},
		}}, clay.Config{})
		res, err := c.SendBatch(t.Context(), numbered(1000), clay.BatchOptions{})
		failed(t, err, clay.KindUnauthorized)
		if res.Sent != len(s.Rows()) || res.Sent < 4 {
			t.Errorf("%d sent, %d rows", res.Sent, len(s.Rows()))
		}
		for _, e := range res.Errors {
			rest := e.Err.Kind == clay.KindNotSent && strings.Contains(e.Error(), "another record") && !errors.Is(e, context.Canceled) && !errors.Is(e, clay.KindUnauthorized)
			if !rest && e.Err.Status != 401 {
				t.Errorf("%v", e)
			}
		}
	})
}

// With a context that has ended nothing is read; without records nothing is done; and no
// sequence at all is a mistake.
func TestSendBatchOfNothing(t *testing.T) {
	_, c := emulate(t, claytest.Options{}, clay.Config{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // whatever select picks
		read := 0
		if res, err := c.SendBatch(ended, counted(5, &read), clay.BatchOptions{}); !errors.Is(err, context.Canceled) || read+res.Sent+res.Failed != 0 {
			t.Fatalf("%d read, %+v, %v", read, res, err)
		}
	}
	if res, err := c.SendBatch(t.Context(), slices.Values([]any{}), clay.BatchOptions{}); err != nil || res.Sent+res.Failed != 0 {
		t.Errorf("%+v, %v", res, err)
	}
	_, err := c.SendBatch(t.Context(), nil, clay.BatchOptions{})
	failed(t, err, clay.KindInvalid)
	_, err = c.SendBatch(t.Context(), clay.Records[int](nil), clay.BatchOptions{})
	failed(t, err, clay.KindInvalid)
}

// The same with a Retry-After longer than anybody waits.
func TestSendBatchStopsWhenClayWantsToBeLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(0, []string{"7200"}, 429)}}, clay.Config{})
		read := 0
		res, err := c.SendBatch(t.Context(), counted(1_000_000, &read), clay.BatchOptions{})
		if e := failed(t, err, clay.KindThrottled); e.RetryAfter < time.Hour || read > 16 || res.Failed != read || requests(s) > 10 {
			t.Errorf("%d read, %d failed, %d requests: %v", read, res.Failed, requests(s), err)
		}
	})
}

func counted(n int, read *int) iter.Seq[any] {
	return func(yield func(any) bool) {
		for i := range n {
			*read++
			if !yield(row{"i": i}) {
				return
			}
		}
	}
}

// Records are encoded before the next is read, so a sequence may use one buffer.
func TestSendBatchTakesReusedBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{PerSecond: -1}, clay.Config{Pacer: clay.NewPacer(-1, 0)})
		res, err := c.SendBatch(t.Context(), func(yield func(any) bool) {
			buffer := row{}
			for i := range 200 {
				buffer["i"] = i
				if !yield(buffer) {
					return
				}
			}
		}, clay.BatchOptions{})
		seen := map[string]bool{}
		for _, r := range s.Rows() {
			seen[string(r.Body)] = true
		}
		if err != nil || res.Sent != 200 || len(seen) != 200 {
			t.Errorf("%d sent, %d different rows, %v", res.Sent, len(seen), err)
		}
	})
}

// Cancelling ends everything within 10 ms of real time, whatever it is waiting for,
// and every record is accounted for truly.
func TestCancelEndsWithinMilliseconds(t *testing.T) {
	for name, fault := range map[string]claytest.Fault{
		"in the pacer":     {},
		"in a request":     {Kind: claytest.Slow, Latency: time.Hour},
		"in a backoff":     {Kind: claytest.Answer, Status: []int{500}},
		"in a Retry-After": {Kind: claytest.Answer, Status: []int{429}, RetryAfter: []string{"100"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var faults []claytest.Fault
				if fault.Kind != "" {
					faults = []claytest.Fault{fault}
				}
				_, c := emulate(t, claytest.Options{Faults: faults}, clay.Config{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(10*time.Second, cancel)
				start, read := time.Now(), 0
				res, err := c.SendBatch(ctx, counted(1_000_000, &read), clay.BatchOptions{})
				if took := time.Since(start); took != 10*time.Second || !errors.Is(err, context.Canceled) || read != res.Sent+res.Failed {
					t.Errorf("%s: %v", took, err)
				}
				for _, e := range res.Errors {
					if inFlight := name == "in a request" && e.Err.Outcome != clay.NotSent; !errors.Is(e, context.Canceled) && name != "in a backoff" || inFlight != (name == "in a request" && e.Err.Kind == clay.KindUnknown) {
						t.Fatalf("%d: %v", e.Index, e.Err)
					}
				}
			})
		})
	}
}

// The same over real sockets and real time.
func TestCancelInRealTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var cancelled time.Time
	arrived := sync.OnceFunc(func() { cancelled = time.Now(); cancel() })
	s := claytest.New(t, claytest.Options{Faults: []claytest.Fault{{
		Kind: claytest.Slow, Latency: time.Hour, When: func(claytest.Event) bool { arrived(); return true },
	}}})
	c, err := clay.New(clay.Config{WebhookURL: s.WebhookURL("x")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.SendBatch(ctx, numbered(100), clay.BatchOptions{})
	// A second, where milliseconds are promised, because the machine may be busy.
	if took := time.Since(cancelled); !errors.Is(err, context.Canceled) || took > time.Second {
		t.Errorf("%s: %v", took, err)
	}
}

// 16 senders in one process, together far over Clay's limit: they share one pace, and
// nothing is throttled or lost.
func TestManySendersShareOnePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, first := emulate(t, claytest.Options{}, clay.Config{})
		pacer := clay.NewPacer(0, 0)
		var wg sync.WaitGroup
		for range 16 {
			c := client(t, s, clay.Config{Pacer: pacer})
			wg.Go(func() {
				if res, err := c.SendBatch(t.Context(), numbered(25), clay.BatchOptions{}); err != nil || res.Sent != 25 {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
		wg.Wait()
		if st := s.Stats(); st.Rows != 400 || st.Status[429] != 0 {
			t.Errorf("%+v", st)
		}
		_ = first
	})
}

// 16 clients that know nothing of each other: throttled, but no row is lost or doubled.
func TestClientsThatCompeteLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := emulate(t, claytest.Options{}, clay.Config{})
		var wg sync.WaitGroup
		for range 16 {
			c := client(t, s, clay.Config{})
			wg.Go(func() {
				if res, err := c.SendBatch(t.Context(), numbered(25), clay.BatchOptions{}); err != nil || res.Sent != 25 {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
		wg.Wait()
		if st := s.Stats(); st.Rows != 400 || st.Requests > 1200 {
			t.Errorf("%+v", st)
		}
	})
}
