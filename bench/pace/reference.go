package main

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The reference document's client, its algorithm step by step: rows one after another with a pause of 200 ms after
// each; a 429 is waited out for Retry-After seconds (5 when it cannot be read) and tried again, at most three times
// more; a network error is tried again after 1, 2 and 4 s.
const (
	referenceDelay   = 200 * time.Millisecond
	referenceRetries = 3
)

// reference returns a side of so many reference clients at once, as a program with so many workers has them.
func reference(clients int) func(context.Context, string) (int, error) {
	return func(ctx context.Context, url string) (int, error) {
		var group sync.WaitGroup
		var lost atomic.Int64
		for c := range clients {
			group.Go(func() {
				for i := c; ctx.Err() == nil; i += clients {
					if !sendToTable(ctx, url, row(i)) {
						lost.Add(1)
					}
					sleep(ctx, referenceDelay)
				}
			})
		}
		group.Wait()
		return int(lost.Load()), nil
	}
}

// sendToTable reports whether the row was taken; at the end of the measurement a row under way counts as taken.
func sendToTable(ctx context.Context, url string, body []byte) bool {
	for try := 0; try <= referenceRetries && ctx.Err() == nil; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return false
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			sleep(ctx, time.Second<<try)
			continue
		}
		res.Body.Close()
		if res.StatusCode != http.StatusTooManyRequests {
			return res.StatusCode < 300
		}
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil {
			seconds = 5
		}
		sleep(ctx, time.Duration(seconds)*time.Second)
	}
	return ctx.Err() != nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
