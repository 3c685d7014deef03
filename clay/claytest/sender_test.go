package claytest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// What is retried, how often and how fast, and what the cell shows then.
func TestColumnRetries(t *testing.T) {
	statuses := func(list ...int) func(int, http.ResponseWriter, *http.Request) {
		return func(n int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(list[min(n, len(list))-1])
			_, _ = fmt.Fprintf(w, "answer %d", n)
		}
	}
	closes := func(int, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	hangs := func(_ int, _ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
	done := func(value string) claytest.Cell { return claytest.Cell{State: claytest.CellDone, Value: value} }
	failed := func(status, n int) claytest.Cell {
		return claytest.Cell{State: claytest.CellError, Error: fmt.Sprintf("HTTP %d", status), Value: fmt.Sprintf("answer %d", n)}
	}
	for name, tt := range map[string]struct {
		column claytest.Column
		answer func(int, http.ResponseWriter, *http.Request)
		want   []int // statuses
		cell   claytest.Cell
		took   time.Duration
	}{
		"200":               {answer: statuses(200), want: []int{200}, cell: done("answer 1")},
		"201":               {answer: statuses(201), want: []int{201}, cell: done("answer 1")},
		"408 then 200":      {answer: statuses(408, 200), want: []int{408, 200}, cell: done("answer 2")},
		"413 then 200":      {answer: statuses(413, 200), want: []int{413, 200}, cell: done("answer 2")},
		"429 twice":         {answer: statuses(429), want: []int{429, 429}, cell: failed(429, 2)},
		"500 is final":      {answer: statuses(500, 200), want: []int{500}, cell: failed(500, 1)},
		"503 is final":      {answer: statuses(503, 200), want: []int{503}, cell: failed(503, 1)},
		"400 is final":      {answer: statuses(400, 200), want: []int{400}, cell: failed(400, 1)},
		"302 not followed":  {answer: statuses(302, 200), want: []int{302}, cell: failed(302, 1)},
		"five retries":      {column: claytest.Column{Retries: 5}, answer: statuses(429), want: []int{429, 429, 429, 429, 429, 429}, cell: failed(429, 6)},
		"no retries":        {column: claytest.Column{Retries: -1}, answer: statuses(429, 200), want: []int{429}, cell: failed(429, 1)},
		"own list":          {column: claytest.Column{RetryOn: "429, 500-503"}, answer: statuses(502, 200), want: []int{502, 200}, cell: done("answer 2")},
		"own list replaces": {column: claytest.Column{RetryOn: "500-503"}, answer: statuses(429, 200), want: []int{429}, cell: failed(429, 1)},
		"reset":             {answer: closes, want: []int{0, 0}, cell: claytest.Cell{State: claytest.CellError}},
		"timeout":           {answer: hangs, want: []int{0, 0}, cell: claytest.Cell{State: claytest.CellError}, took: time.Minute},
		"own timeout":       {column: claytest.Column{Timeout: time.Second, Retries: -1}, answer: hangs, want: []int{0}, cell: claytest.Cell{State: claytest.CellError}, took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, tt.answer)
				tt.column.URL, tt.column.Delay = "http://me/", atOnce
				s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport, Column: tt.column})
				begin := time.Now()
				mustPost(t, s, "people", `{}`)
				if err := s.WaitIdle(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %s, want %s: Clay retries at once", took, tt.took)
				}
				var got []int
				for i, c := range s.Callbacks() {
					got = append(got, c.Status)
					if c.Attempt != i+1 || c.Row != 1 || (c.Status == 0) != (c.Error != "") {
						t.Errorf("callback %+v", c)
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("statuses (-want +got):\n%s", diff)
				}
				cell := s.Rows()[0].Cell
				if tt.cell.Error == "" && tt.cell.State == claytest.CellError && cell.Error != "" {
					cell.Error = "" // the words of net/http
				}
				if diff := cmp.Diff(tt.cell, cell); diff != "" {
					t.Errorf("cell (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// net/http resends by itself what carries an Idempotency-Key; the column does
// not let it, because every attempt is to be seen.
func TestColumnNeverResends(t *testing.T) {
	r := newReceiver(t, func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 2 {
			panic(http.ErrAbortHandler) // on a connection that was used before
		}
	})
	s := claytest.New(t, claytest.Options{InMemory: true, Transport: r.transport, Column: claytest.Column{
		URL: "http://me/", Delay: atOnce, Retries: -1, Header: http.Header{"Idempotency-Key": {"k"}},
	}})
	for range 2 {
		mustPost(t, s, "people", `{}`)
		idle(t, s)
	}
	if n := len(r.got()); n != 2 || s.Rows()[1].Cell.State != claytest.CellError {
		t.Errorf("%d requests came, the second cell is %+v", n, s.Rows()[1].Cell)
	}
}

// A refused connection is retried, a name that does not resolve is not, and
// only loopback is called when that is asked for.
func TestColumnUnreachable(t *testing.T) {
	nameless := &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}}
	for name, tt := range map[string]struct {
		url       string
		transport http.RoundTripper
		want      int
	}{
		"refused":      {url: "http://127.0.0.1:1/", want: 2},
		"no such name": {url: "http://nowhere/", transport: nameless, want: 1},
		"not loopback": {url: "http://192.0.2.1/", want: 1},
		"no URL":       {url: "{{gone}}", want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := claytest.New(t, claytest.Options{
				LoopbackOnly: true, Transport: tt.transport, Column: claytest.Column{URL: tt.url, Delay: atOnce},
			})
			mustPost(t, s, "people", `{}`)
			idle(t, s)
			if n := len(s.Callbacks()); n != tt.want {
				t.Errorf("%d attempts, want %d: %+v", n, tt.want, s.Callbacks())
			}
			if state := s.Rows()[0].Cell.State; state != claytest.CellError {
				t.Errorf("cell %q", state)
			}
		})
	}
}
