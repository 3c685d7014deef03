package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reference is the reference document's client, line for line: one row after the
// other with 200 ms after each, 429 and network errors tried again, every other answer
// final, redirects followed, Retry-After through parseInt.
func reference(s setup) sender {
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	return func(ctx context.Context, rows []row) (map[int]verdict, string) {
		told, text := map[int]verdict{}, ""
		for _, r := range rows {
			body, _ := json.Marshal(r)
			told[r.I] = ok
			if why := fetchWithRetry(ctx, client, s, body); why != "" {
				told[r.I], text = failed, text+why
			}
			wait(ctx, 200*time.Millisecond)
		}
		return told, text
	}
}

func fetchWithRetry(ctx context.Context, client *http.Client, s setup, body []byte) string {
	const maxRetries = 3
	for attempt := 0; attempt <= maxRetries; attempt++ {
		status, retryAfter, err := fetch(ctx, client, s, body)
		switch {
		case err != nil && attempt == maxRetries:
			return "fetch failed" // what Node's fetch says
		case err != nil:
			wait(ctx, time.Second<<attempt)
		case status == http.StatusTooManyRequests:
			wait(ctx, parseInt(retryAfter))
		case status/100 != 2:
			return "Webhook failed: " + strconv.Itoa(status)
		default:
			return ""
		}
	}
	return "Max retries exceeded"
}

// fetch is one try; the timeout ends with the header.
func fetch(ctx context.Context, client *http.Client, s setup, body []byte) (status int, retryAfter string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(s.timeout, cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	timer.Stop()
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Retry-After"), nil
}

// parseInt is parseInt(value || '5') * 1000 as setTimeout takes it: NaN, negative
// numbers and those over 2^31 ms are 1 ms.
func parseInt(value string) time.Duration {
	if value == "" {
		value = "5"
	}
	value = strings.TrimSpace(value)
	end := 0
	for end < len(value) && value[end] >= '0' && value[end] <= '9' {
		end++
	}
	seconds, err := strconv.ParseInt(value[:end], 10, 64)
	if err != nil || seconds > 2147483 {
		return time.Millisecond
	}
	return time.Duration(seconds) * time.Second
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
