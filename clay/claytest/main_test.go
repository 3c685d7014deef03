package claytest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay/claytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at once is a column's delay in tests that are not about it.
var atOnce = claytest.Delay{Max: -1}

// post sends one JSON body and returns the answer's status and body.
func post(t *testing.T, s *claytest.Server, webhook, body string) (int, string) {
	t.Helper()
	resp, err := s.Client().Post(s.WebhookURL(webhook), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, read(t, resp)
}

// mustPost sends one JSON body, which has to be accepted.
func mustPost(t *testing.T, s *claytest.Server, webhook, body string) {
	t.Helper()
	if status, answer := post(t, s, webhook, body); status != http.StatusOK {
		t.Fatalf("POST %s: %d %s", body, status, answer)
	}
}

// read reads and closes an answer's body.
func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// idle waits for the last callback; a minute is more than any test's fake time.
func idle(t *testing.T, s *claytest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.WaitIdle(ctx); err != nil {
		t.Fatal(err)
	}
}

// receiver is the user's end of callbacks, in memory.
type receiver struct {
	transport *http.Transport
	mu        sync.Mutex
	bodies    []string
	requests  []*http.Request
}

// newReceiver starts one. The answer is given the number of the request, from 1.
func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter, req *http.Request)) *receiver {
	t.Helper()
	pipe := claytest.NewPipe()
	r := &receiver{transport: pipe.Transport()}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.bodies = append(r.bodies, string(body))
		r.requests = append(r.requests, req)
		n := len(r.bodies)
		r.mu.Unlock()
		if answer != nil {
			answer(n, w, req)
		}
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(pipe) })
	t.Cleanup(func() {
		_ = server.Close()
		r.transport.CloseIdleConnections()
		serving.Wait()
	})
	return r
}

// got returns the bodies that came, in order.
func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.bodies...)
}
