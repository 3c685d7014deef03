package claytest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// What a client sees of each fault, in memory and over a socket, and what the
// table has afterwards.
func TestRequestFaults(t *testing.T) {
	type want struct {
		status int
		err    error // nil with status
		row    bool
	}
	for name, tt := range map[string]struct {
		fault claytest.Fault
		want  want
	}{
		"drop before":  {claytest.Fault{Kind: claytest.DropBefore}, want{err: io.EOF}},
		"drop after":   {claytest.Fault{Kind: claytest.DropAfter}, want{err: io.EOF, row: true}},
		"reset":        {claytest.Fault{Kind: claytest.Reset, Bytes: 4}, want{err: syscall.ECONNRESET}},
		"answer":       {claytest.Fault{Kind: claytest.Answer, Status: []int{503}}, want{status: 503}},
		"no status":    {claytest.Fault{Kind: claytest.Answer}, want{status: 500}},
		"answer after": {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{502}}, want{status: 502, row: true}},
	} {
		for _, inMemory := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " in memory ", inMemory), func(t *testing.T) {
				s := claytest.New(t, claytest.Options{InMemory: inMemory, Faults: []claytest.Fault{tt.fault}})
				body := `{"email":"` + strings.Repeat("x", 50_000) + `"}`
				got := want{}
				resp, err := s.Client().Post(s.WebhookURL("people"), "application/json", strings.NewReader(body))
				if err == nil {
					got.status = resp.StatusCode
					read(t, resp)
				}
				// A reset may also be met while writing the rest of the request.
				if !errors.Is(err, tt.want.err) && !(tt.want.err == syscall.ECONNRESET && errors.Is(err, syscall.EPIPE)) {
					t.Errorf("error %v, want %v", err, tt.want.err)
				}
				got.row = len(s.Rows()) == 1
				if got.status != tt.want.status || got.row != tt.want.row {
					t.Errorf("status %d, row %v; want %+v", got.status, got.row, tt.want)
				}
				r := s.Requests()[0]
				if r.Status != tt.want.status || (r.Row == 1) != tt.want.row {
					t.Errorf("recorded as %d, row %d", r.Status, r.Row)
				}
				if tt.fault.Kind == claytest.Reset && r.Body != body[:4] {
					t.Errorf("read %q before the reset", r.Body)
				}
			})
		}
	}
}

// Slow requests are late to the table, slow answers only to the client.
func TestSlowFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true})
		for _, tt := range []struct {
			fault     claytest.Fault
			row, took time.Duration
		}{
			{claytest.Fault{Kind: claytest.Slow, Latency: 3 * time.Second}, 3 * time.Second, 3 * time.Second},
			{claytest.Fault{Kind: claytest.SlowAnswer}, 0, time.Second},
		} {
			if err := s.SetFaults(tt.fault); err != nil {
				t.Fatal(err)
			}
			if err := s.Reset(); err != nil {
				t.Fatal(err)
			}
			begin, stored := time.Now(), make(chan time.Duration, 1)
			go func() {
				_ = s.WaitRows(t.Context(), 1)
				stored <- time.Since(begin)
			}()
			mustPost(t, s, "people", `{}`)
			if took := time.Since(begin); took != tt.took {
				t.Errorf("%s: answered after %s, want %s", tt.fault.Kind, took, tt.took)
			}
			if row := <-stored; row != tt.row {
				t.Errorf("%s: stored after %s, want %s", tt.fault.Kind, row, tt.row)
			}
		}
	})
}

// A client that goes does not stop its slow request: the row comes all the same.
func TestSlowClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, Faults: []claytest.Fault{{Kind: claytest.Slow, Latency: time.Minute}}})
		begin := time.Now()
		client := http.Client{Transport: s.Transport(), Timeout: time.Second}
		if _, err := client.Post(s.WebhookURL("people"), "application/json", strings.NewReader(`{}`)); err == nil {
			t.Error("an answer came in time")
		}
		if err := s.WaitRows(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if at := s.Rows()[0].At.Sub(begin); at != time.Minute {
			t.Errorf("the row came after %s", at)
		}
	})
}

// Closing the server ends slow requests; no row comes of them.
func TestSlowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, Faults: []claytest.Fault{{Kind: claytest.Slow, Latency: time.Hour}}})
		begin, answered := time.Now(), make(chan error)
		go func() {
			_, err := s.Client().Post(s.WebhookURL("people"), "application/json", strings.NewReader(`{}`))
			answered <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-answered; err == nil {
			t.Error("an answer came")
		}
		if took := time.Since(begin); took != 0 || len(s.Rows()) != 0 {
			t.Errorf("closed after %s with %d rows", took, len(s.Rows()))
		}
	})
}

// 429 storms carry any form of Retry-After, and bursts of 5xx end.
func TestAnswerFaults(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for name, tt := range map[string]struct {
		fault claytest.Fault
		want  []string // status, Retry-After
	}{
		"Clay's own": {claytest.Fault{Status: []int{429}}, []string{"429 [1]", "429 [1]", "429 [1]"}},
		"a date":     {claytest.Fault{Status: []int{429}, RetryAfter: []string{date}}, []string{"429 [" + date + "]", "429 [" + date + "]", "429 [" + date + "]"}},
		"none":       {claytest.Fault{Status: []int{429}, RetryAfter: []string{}}, []string{"429 []", "429 []", "429 []"}},
		"several":    {claytest.Fault{Status: []int{503}, RetryAfter: []string{"3", "-1", "junk"}}, []string{"503 [3 -1 junk]", "503 [3 -1 junk]", "503 [3 -1 junk]"}},
		"in turn":    {claytest.Fault{Status: []int{500, 502, 504}}, []string{"500 []", "502 []", "504 []"}},
		"twice":      {claytest.Fault{Status: []int{500}, Count: 2}, []string{"500 []", "500 []", "200 []"}},
		"a range":    {claytest.Fault{Status: []int{500}, From: 2, To: 2}, []string{"200 []", "500 []", "200 []"}},
		"a function": {claytest.Fault{Status: []int{500}, When: func(e claytest.Event) bool { return bytes.Contains(e.Body, []byte("2")) }}, []string{"200 []", "200 []", "500 []"}},
		"elsewhere":  {claytest.Fault{Status: []int{500}, Webhook: "companies"}, []string{"200 []", "200 []", "200 []"}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.fault.Kind = claytest.Answer
			if err := s.SetFaults(tt.fault); err != nil {
				t.Fatal(err)
			}
			if err := s.Reset(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for n := range tt.want {
				resp, err := s.Client().Post(s.WebhookURL("people"), "application/json", strings.NewReader(fmt.Sprintf(`{"n":%d}`, n)))
				if err != nil {
					t.Fatal(err)
				}
				read(t, resp)
				got = append(got, fmt.Sprint(resp.StatusCode, " ", resp.Header.Values("Retry-After")))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Answers by fault take no token of the limit.
func TestAnswerFaultTakesNoToken(t *testing.T) {
	s := claytest.New(t, claytest.Options{
		InMemory: true, PerSecond: 0.001, Burst: 1,
		Faults: []claytest.Fault{{Kind: claytest.Answer, Count: 5}},
	})
	for i, want := range []int{500, 500, 500, 500, 500, 200, 429} {
		if status, _ := post(t, s, "people", `{}`); status != want {
			t.Errorf("request %d: status %d, want %d", i+1, status, want)
		}
	}
}

// A rate hits about that share, the same requests on every run with a seed.
func TestFaultRate(t *testing.T) {
	run := func(seed uint64) (hits []int) {
		s := claytest.New(t, claytest.Options{
			InMemory: true, PerSecond: -1, Seed: seed,
			Faults: []claytest.Fault{{Kind: claytest.Answer, Rate: 0.3}},
		})
		for n := range 300 {
			if status, _ := post(t, s, "people", `{}`); status == 500 {
				hits = append(hits, n)
			}
		}
		return hits
	}
	first := run(1)
	if n := len(first); n < 60 || n > 120 {
		t.Errorf("%d of 300 hit at a rate of 0.3", n)
	}
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("the same seed hits others:\n%s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed hits the same")
	}
}

// Callbacks doubled, late, reordered and missing.
func TestCallbackFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault claytest.Fault
		want  []string // row and second
		last  claytest.CellState
	}{
		"none":              {claytest.Fault{Kind: claytest.Slow, From: 100}, []string{"1 0", "2 10", "3 20"}, claytest.CellDone},
		"double":            {claytest.Fault{Kind: claytest.CallbackDouble, From: 2, To: 2}, []string{"1 0", "2 10", "2 10", "3 20"}, claytest.CellDone},
		"double later":      {claytest.Fault{Kind: claytest.CallbackDouble, From: 2, To: 2, Latency: 15 * time.Second}, []string{"1 0", "2 10", "3 20", "2 25"}, claytest.CellDone},
		"late":              {claytest.Fault{Kind: claytest.CallbackLate, From: 1, To: 1, Latency: 12 * time.Second}, []string{"2 10", "1 12", "3 20"}, claytest.CellDone},
		"missing":           {claytest.Fault{Kind: claytest.CallbackMissing, From: 3}, []string{"1 0", "2 10"}, claytest.CellMissing},
		"reordered":         {claytest.Fault{Kind: claytest.CallbackReorder, To: 1, Latency: time.Minute}, []string{"2 10", "1 10", "3 20"}, claytest.CellDone},
		"all reordered":     {claytest.Fault{Kind: claytest.CallbackReorder, Latency: time.Minute}, []string{"2 10", "1 10", "3 80"}, claytest.CellDone},
		"nobody to swap":    {claytest.Fault{Kind: claytest.CallbackReorder, From: 3, Latency: time.Minute}, []string{"1 0", "2 10", "3 80"}, claytest.CellDone},
		"other webhook":     {claytest.Fault{Kind: claytest.CallbackMissing, Webhook: "companies"}, []string{"1 0", "2 10", "3 20"}, claytest.CellDone},
		"not for callbacks": {claytest.Fault{Kind: claytest.SlowAnswer, Latency: time.Nanosecond}, []string{"1 0", "2 10", "3 20"}, claytest.CellDone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t, nil)
				s := claytest.New(t, claytest.Options{
					InMemory: true, Transport: r.transport, Faults: []claytest.Fault{tt.fault},
					Column: claytest.Column{URL: "http://me/", Delay: atOnce},
				})
				begin := time.Now()
				for range 3 {
					mustPost(t, s, "people", `{}`)
					<-time.After(10 * time.Second)
				}
				if err := s.WaitIdle(t.Context()); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, c := range s.Callbacks() {
					got = append(got, fmt.Sprint(c.Row, " ", int(c.At.Sub(begin).Seconds())))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if n := len(r.got()); n != len(tt.want) {
					t.Errorf("%d callbacks came", n)
				}
				if cell := s.Rows()[2].Cell; cell.State != tt.last {
					t.Errorf("last cell %+v", cell)
				}
			})
		})
	}
}

// Faults and columns survive JSON; what JSON does not know is refused.
func TestJSON(t *testing.T) {
	fault := claytest.Fault{
		Kind: claytest.Answer, Rate: 0.5, From: 1, To: 9, Count: 3, Webhook: "people", Latency: 1500 * time.Millisecond,
		Bytes: 7, Status: []int{429}, RetryAfter: []string{}, Body: "x",
	}
	column := claytest.Column{
		Webhook: "people", URL: "http://me/{{id}}", Method: "PUT", Header: http.Header{"X-Secret": {"s"}}, Body: "{}",
		IDField: "id", Fields: []string{"name"}, RemoveEmpty: true, Required: []string{"email"},
		Delay: claytest.Delay{Min: time.Second, Max: 2 * time.Second}, Retries: 2, RetryOn: "429",
		Timeout: 5 * time.Second, Limit: claytest.Limit{Requests: 3, Per: time.Minute}, Concurrency: 4,
	}
	var fault2 claytest.Fault
	var column2 claytest.Column
	for _, pair := range []struct{ in, out any }{{fault, &fault2}, {column, &column2}} {
		b, err := json.Marshal(pair.in)
		if err == nil {
			err = json.Unmarshal(b, pair.out)
		}
		if err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	if diff := cmp.Diff(fault, fault2); diff != "" {
		t.Errorf("fault (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(column, column2); diff != "" {
		t.Errorf("column (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`{"kind":"slow","rates":1}`, `{"latency":"1 minute"}`, `{"latency":5}`} {
		if json.Unmarshal([]byte(bad), &fault2) == nil {
			t.Errorf("%s was read as a fault", bad)
		}
	}
}
