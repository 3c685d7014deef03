package claytest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// A row posted to the webhook comes back enriched, with its id, over sockets.
func TestRoundTrip(t *testing.T) {
	var got map[string]any
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer receiver.Close()
	s := claytest.New(t, claytest.Options{
		Misses:       -1,
		LoopbackOnly: true,
		Column:       claytest.Column{URL: receiver.URL, Delay: atOnce},
	})
	mustPost(t, s, "people", `{"claygate_id":"r1.1.x","email":"jane.doe@acme.com"}`)
	if err := s.WaitCallbacks(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	idle(t, s)
	if got["claygate_id"] != "r1.1.x" || got["name"] != "Jane Doe" || got["company"] != "Acme" {
		t.Errorf("the callback said %v", got)
	}
	if cell := s.Rows()[0].Cell; cell.State != claytest.CellDone || cell.Value != `{"ok":true}` {
		t.Errorf("the cell is %+v", cell)
	}
}

// The zero delay is 300 ms to 1.5 s, different from row to row and the same on
// every run.
func TestDelay(t *testing.T) {
	run := func(seed uint64) (delays []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			r := newReceiver(t, nil)
			s := claytest.New(t, claytest.Options{
				InMemory: true, Seed: seed, Transport: r.transport,
				Column: claytest.Column{URL: "http://me/"},
			})
			for range 5 {
				mustPost(t, s, "people", `{"email":"a.b@c.de"}`)
				idle(t, s)
			}
			rows := s.Rows()
			for _, c := range s.Callbacks() {
				delays = append(delays, c.At.Sub(rows[c.Row-1].At))
			}
		})
		return delays
	}
	first, again, other := run(1), run(1), run(2)
	for i, d := range first {
		if d < 300*time.Millisecond || d > 1500*time.Millisecond {
			t.Errorf("row %d waits %s", i+1, d)
		}
		if d != again[i] {
			t.Errorf("row %d waits %s, then %s", i+1, d, again[i])
		}
	}
	if first[0] == first[1] || first[0] == other[0] {
		t.Errorf("delays do not vary: %v, other seed %v", first, other)
	}
}

// Waiting fails when the context ends, and says how far things had come.
func TestWaitEnds(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	err := s.WaitRows(ctx, 1)
	want := "claytest: waiting for 1 rows, have 0 rows, 0 requests, 0 callbacks, 0 rows waiting: unexpected EOF"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Close may come at any time and more than once; what is under way is dropped.
func TestCloseUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { <-hang })
		s := claytest.New(t, claytest.Options{
			InMemory: true, Transport: r.transport,
			Column: claytest.Column{URL: "http://me/", Delay: atOnce},
		})
		mustPost(t, s, "people", `{}`)
		synctest.Wait() // the callback hangs at the receiver
		s.Close()
		s.Close()
		close(hang)
		if n := s.Stats().Callbacks; n != 0 {
			t.Errorf("%d callbacks are said to have ended", n)
		}
		if _, err := s.Client().Get(s.URL()); err == nil {
			t.Error("a closed server answers")
		}
	})
}

// What cannot work is refused at the start.
func TestStartRefuses(t *testing.T) {
	for name, opt := range map[string]claytest.Options{
		"address":     {Listen: "256.0.0.1:0"},
		"method":      {Column: claytest.Column{URL: "http://me/", Method: "PATCH"}},
		"retries":     {Column: claytest.Column{URL: "http://me/", Retries: 6}},
		"statuses":    {Column: claytest.Column{URL: "http://me/", RetryOn: "500-"}},
		"timeout":     {Column: claytest.Column{URL: "http://me/", Timeout: 101 * time.Second}},
		"URL chip":    {Column: claytest.Column{URL: "http://me/{{id"}},
		"body chip":   {Column: claytest.Column{URL: "http://me/", Body: `{"a":{{}}}`}},
		"fault":       {Faults: []claytest.Fault{{Kind: "flood"}}},
		"fault rate":  {Faults: []claytest.Fault{{Kind: claytest.Slow, Rate: 2}}},
		"fault 1xx":   {Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{100}}}},
		"fault bytes": {Faults: []claytest.Fault{{Kind: claytest.Reset, Bytes: -1}}},
		"journal dir": {Journal: t.TempDir() + "/none/journal"},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := claytest.Start(opt); err == nil {
				s.Close()
				t.Error("started")
			}
		})
	}
}

// Reset forgets and starts counting again; a callback on its way never comes.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, nil)
		s := claytest.New(t, claytest.Options{
			InMemory: true, Transport: r.transport, Cap: 1,
			Column: claytest.Column{URL: "http://me/"},
		})
		mustPost(t, s, "people", `{"n":1}`)
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute) // fake time
		if n := len(r.got()); n != 0 {
			t.Errorf("%d callbacks came after the reset", n)
		}
		mustPost(t, s, "people", `{"n":2}`)
		idle(t, s)
		if rows := s.Rows(); len(rows) != 1 || rows[0].Number != 1 || string(rows[0].Body) != `{"n":2}` {
			t.Errorf("rows %v", rows)
		}
		if st := s.Stats(); st.Requests != 1 || st.Callbacks != 1 || st.Accepted["people"] != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}
