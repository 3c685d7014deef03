package clay_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
)

// BenchmarkCancel measures, over real sockets and in real time, how long SendBatch takes to
// return once its context is cancelled, with 16 requests in flight that nobody answers.
// TestCancelEndsWithinMilliseconds shows the same for every other wait. worst-ms is the
// longest of all rounds; 10 is promised.
func BenchmarkCancel(b *testing.B) {
	var mu sync.Mutex
	arrived := 0
	var cancel context.CancelFunc
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client has gone
		mu.Lock()
		if arrived++; arrived == 16 {
			cancel()
		}
		mu.Unlock()
		<-r.Context().Done()
	}))
	defer srv.Close()
	client, err := clay.New(clay.Config{WebhookURL: srv.URL + "/x", Pacer: clay.NewPacer(-1, 0)})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	worst, total, rounds := time.Duration(0), time.Duration(0), 0
	for b.Loop() {
		var cancelled time.Time
		ctx, end := context.WithCancel(b.Context())
		mu.Lock()
		arrived, cancel = 0, func() { cancelled = time.Now(); end() }
		mu.Unlock()
		res, err := client.SendBatch(ctx, numbered(1000), clay.BatchOptions{})
		mu.Lock()
		took := time.Since(cancelled)
		mu.Unlock()
		end()
		if err == nil || res.Sent != 0 {
			b.Fatal(res, err)
		}
		worst, total, rounds = max(worst, took), total+took, rounds+1
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
	b.ReportMetric(float64(total.Microseconds())/1000/float64(rounds), "mean-ms")
}

// BenchmarkSendOnce is what a try costs beyond the network, with an emulator that is not
// part of it.
func BenchmarkSendOnce(b *testing.B) {
	client, err := clay.New(clay.Config{WebhookURL: "https://clay.test/x", Transport: canned{200, []byte(`{"ok":true}`)}})
	if err != nil {
		b.Fatal(err)
	}
	record := map[string]any{"email": "ada@example.com", "company": "Analytical Engines", "score": 42}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.SendOnce(b.Context(), record); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallback is a callback from the request to the answer, with a Store that does
// nothing: what the handler itself costs.
func BenchmarkCallback(b *testing.B) {
	h, err := clay.NewCallbackHandler(clay.CallbackConfig{Secrets: []string{secret}, Store: keep})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if w := call(h, `{"email":"ada@example.com","name":"Ada Lovelace","score":"42"}`); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkUnmarshal is the price of reading Clay's quirks.
func BenchmarkUnmarshal(b *testing.B) {
	body := []byte(`{"id":"7","name":"Ada","score":"1,234","valid":"true","where":"{\"city\":\"Bath\"}","tags":"a","more":{"a":"1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var v quirky
		if err := clay.Unmarshal(body, &v); err != nil {
			b.Fatal(err)
		}
	}
}
