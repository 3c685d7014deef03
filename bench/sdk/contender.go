package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/hashicorp/go-retryablehttp"
)

type row struct {
	I     int    `json:"row"`
	Email string `json:"email"`
}

// verdict is what a contender says about a row.
type verdict int

const (
	ok verdict = iota
	failed
	uncertain // says that it does not know
)

type setup struct {
	url     string
	timeout time.Duration // of one try
}

// sender sends rows and says what became of each, with all text it logged or returned
// in errors.
type sender func(context.Context, []row) (map[int]verdict, string)

type contender struct {
	name string
	// start returns a function that makes the next sender.
	start func(setup) func() sender
	// many marks the one that differs from another only when there are many senders.
	many bool
}

var contenders = []contender{
	{name: ours, start: func(s setup) func() sender {
		c := newClay(s)
		return func() sender { return c }
	}},
	{name: "clay, a client each", start: func(s setup) func() sender { return func() sender { return newClay(s) } }, many: true},
	{name: "reference", start: func(s setup) func() sender { return func() sender { return reference(s) } }},
	{name: "go-retryablehttp", start: func(s setup) func() sender { return func() sender { return retryable(s) } }},
	{name: "failsafe-go", start: func(s setup) func() sender { return func() sender { return failsafe(s) } }},
}

func newClay(s setup) sender {
	client, err := clay.New(clay.Config{WebhookURL: s.url, Timeout: s.timeout})
	if err != nil {
		panic(err)
	}
	return func(ctx context.Context, rows []row) (map[int]verdict, string) {
		told := map[int]verdict{}
		for _, r := range rows {
			told[r.I] = ok
		}
		text := ""
		result, err := client.SendBatch(ctx, clay.Records(slices.Values(rows)), clay.BatchOptions{})
		if err != nil {
			text = err.Error()
		}
		for _, e := range result.Errors {
			text += e.Error()
			told[rows[e.Index].I] = failed
			if e.Err.MayDuplicate() {
				told[rows[e.Index].I] = uncertain
			}
		}
		return told, text
	}
}

// concurrently posts rows with 16 at a time, as somebody would who has a library that
// repeats requests; neither library says whether a failed row may be stored.
func concurrently(ctx context.Context, rows []row, post func(context.Context, []byte) (*http.Response, error)) (map[int]verdict, string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	told, text := map[int]verdict{}, ""
	room := make(chan struct{}, 16)
	for _, r := range rows {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			body, _ := json.Marshal(r)
			resp, err := post(ctx, body)
			v := failed
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode < 300 {
					v = ok
				}
			}
			mu.Lock()
			defer mu.Unlock()
			told[r.I] = v
			if err != nil {
				text += err.Error()
			}
		})
	}
	wg.Wait()
	return told, text
}

// retryable is go-retryablehttp with its defaults. It has no limiter.
func retryable(s setup) sender {
	var logged bytes.Buffer // log.Logger locks around its writes
	c := retryablehttp.NewClient()
	c.Logger = log.New(&logged, "", 0)
	c.HTTPClient.Timeout = s.timeout
	return func(ctx context.Context, rows []row) (map[int]verdict, string) {
		told, text := concurrently(ctx, rows, func(ctx context.Context, body []byte) (*http.Response, error) {
			r, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url, body)
			if err != nil {
				return nil, err
			}
			r.Header.Set("Content-Type", "application/json")
			return c.Do(r)
		})
		return told, text + logged.String()
	}
}

// failsafe is failsafe-go with its HTTP retry policy, as many tries as ours, its
// limiter at Clay's rate and its timeout.
func failsafe(s setup) sender {
	retry := failsafehttp.NewRetryPolicyBuilder().WithMaxRetries(3).WithBackoff(250*time.Millisecond, 20*time.Second).WithJitterFactor(.25).Build()
	limit := ratelimiter.NewSmoothBuilder[*http.Response](10, time.Second).WithMaxWaitTime(time.Minute).Build()
	c := &http.Client{Transport: failsafehttp.NewRoundTripper(http.DefaultTransport.(*http.Transport).Clone(), retry, limit, timeout.New[*http.Response](s.timeout))}
	return func(ctx context.Context, rows []row) (map[int]verdict, string) {
		return concurrently(ctx, rows, func(ctx context.Context, body []byte) (*http.Response, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			r.Header.Set("Content-Type", "application/json")
			return c.Do(r)
		})
	}
}
