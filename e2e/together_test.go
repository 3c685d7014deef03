package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fifty callers come at once with the same work, or with the same idempotency key: there is one send, and each of them has
// the result of it.
func TestFiftyCallersOneSend(t *testing.T) {
	t.Parallel()
	const callers = 50
	for name, c := range map[string]struct {
		header  http.Header
		records int // that there are then
	}{
		"one dedupe key":      {http.Header{}, callers},
		"one idempotency key": {http.Header{"Idempotency-Key": {"signup 4711"}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, 200, "10s")
			life := g.serve()
			for began := time.Now(); g.asked("/readyz") != http.StatusOK; pause(t.Context(), 10*time.Millisecond) {
				if !life.alive() || time.Since(began) > 30*time.Second {
					t.Fatalf("it is not ready; it says:\n%s", life.err)
				}
			}
			answers := make([]string, callers)
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range callers {
				all.Go(func() {
					<-start
					answers[i] = g.answer(t.Context(), c.header)
				})
			}
			close(start)
			all.Wait()
			for i, answer := range answers {
				if !strings.Contains(answer, `"state":"done"`) || strings.Contains(answer, `"result":null`) {
					t.Errorf("caller %d was told: %s", i, answer)
				}
			}
			life.kill()
			if n := g.clay.Stats().Rows; n != 1 {
				t.Errorf("%d rows at Clay, want 1", n)
			}
			if books := read(t, g.ledger()); len(books.records) != c.records || books.states["done"] != c.records {
				t.Errorf("%d records, %v; want %d, all done", len(books.records), books.states, c.records)
			}
		})
	}
}

// answer hands the same record in and waits for its end.
func (g *gateway) answer(ctx context.Context, header http.Header) string {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+g.api+"/v1/targets/default/records?wait=20s", strings.NewReader(g.record("all@leads.example")))
	if err != nil {
		return err.Error()
	}
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: g.http.Transport}).Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(res.StatusCode, " ", string(text))
}

// asked returns the status of a GET, 0 when nobody answers.
func (g *gateway) asked(path string) int {
	res, err := g.http.Get("http://" + g.api + path)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}
