package clay_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
)

// Every kind of failure and how often Send tries it: the webhook column of the outcome table.
func TestSendFollowsTheOutcomeTable(t *testing.T) {
	for name, tc := range map[string]struct {
		fault     claytest.Fault
		kind      clay.Kind
		tries     int
		duplicate bool
	}{
		"silence": {claytest.Fault{Kind: claytest.DropBefore}, clay.KindUnknown, 1, true},
		"500":     {answer(0, nil, 500), clay.KindUnavailable, 4, true},
		"502":     {answer(0, nil, 502), clay.KindUnknown, 1, true},
		"400":     {answer(0, nil, 400), clay.KindInvalid, 1, false},
		"401":     {answer(0, nil, 401), clay.KindUnauthorized, 1, false},
		"402":     {answer(0, nil, 402), clay.KindPaymentRequired, 1, false},
		"403":     {answer(0, nil, 403), clay.KindForbidden, 1, false},
		"404":     {answer(0, nil, 404), clay.KindNotFound, 1, false},
		"422":     {answer(0, nil, 422), clay.KindInvalid, 1, false},
		"retired": {claytest.Fault{Kind: claytest.Answer, Status: []int{404}, Body: `{"success":false,"message":"deprecated API endpoint"}`}, clay.KindDeprecated, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{tc.fault}}, clay.Config{})
				_, err := c.Send(t.Context(), row{"a": 1})
				e := failed(t, err, tc.kind)
				if len(e.Attempts) != tc.tries || requests(s) != tc.tries || e.MayDuplicate() != tc.duplicate {
					t.Errorf("%d tries, may duplicate %t: %v", len(e.Attempts), e.MayDuplicate(), err)
				}
			})
		})
	}
}

// cutConn breaks after so many bytes.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.left])
	c.left = 0
	_ = c.Close()
	return n, net.ErrClosed
}

// A request that broke in the middle is sent again, and the receipt says that this
// may have made two rows; one of which nothing was written, without any such doubt.
func TestSendAfterABrokenConnection(t *testing.T) {
	for bytes, duplicate := range map[int]bool{0: false, 1: true, 5000: true} {
		synctest.Test(t, func(t *testing.T) {
			s := claytest.New(t, claytest.Options{InMemory: true})
			dials := 0
			c, err := clay.NewWithDial(clay.Config{WebhookURL: s.WebhookURL("x")}, func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := s.DialContext(ctx, network, addr)
				if dials++; dials <= 2 {
					conn = &cutConn{conn, bytes}
				}
				return conn, err
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r, err := c.Send(t.Context(), row{"a": strings.Repeat("x", 50_000)})
			if err != nil || r.Tries != 3 || r.MayDuplicate != duplicate || len(s.Rows()) != 1 {
				t.Errorf("cut after %d bytes: %+v, %v, %d rows", bytes, r, err, len(s.Rows()))
			}
		})
	}
}

// MaxElapsed bounds the wait for the pace as well, and negative Retries mean one try
// even where Clay drops what it throttles.
func TestSendEndsWhenItIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		fault claytest.Fault
		cfg   clay.Config
		kind  clay.Kind
		tries int
		took  time.Duration
	}{
		"pace":      {answer(0, nil, 500), clay.Config{Pacer: clay.NewPacer(.01, 1), MaxElapsed: 10 * time.Second}, clay.KindUnavailable, 1, 10 * time.Second},
		"one try":   {answer(0, nil, 429), clay.Config{Retries: -1}, clay.KindThrottled, 1, 0},
		"two tries": {answer(0, []string{"40"}, 429), clay.Config{MaxElapsed: time.Minute}, clay.KindThrottled, 2, 44 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{tc.fault}}, tc.cfg)
				start := time.Now()
				_, err := c.Send(t.Context(), row{"a": 1})
				e := failed(t, err, tc.kind)
				if took := time.Since(start); len(e.Attempts) != tc.tries || took > tc.took || took < tc.took*9/10 {
					t.Errorf("%d tries in %s: %v", len(e.Attempts), took, err)
				}
			})
		})
	}
}

// Concurrency bounds what is in flight, whoever sends.
func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{PerSecond: -1, Faults: []claytest.Fault{{Kind: claytest.Slow, Latency: time.Second}}},
			clay.Config{Concurrency: 3, Pacer: clay.NewPacer(-1, 0)})
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				if _, err := c.Send(t.Context(), row{"i": i}); err != nil {
					t.Error(err)
				}
			})
		}
		start := time.Now()
		if wg.Wait(); time.Since(start) != 3*time.Second || len(s.Rows()) != 9 {
			t.Errorf("9 rows of a second each, 3 at a time, took %s", time.Since(start))
		}
	})
}

// An earlier try may have made a row; a later success does not undo that.
func TestErrorRemembersEarlierTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(1, nil, 500), answer(0, nil, 400)}}, clay.Config{})
		_, err := c.Send(t.Context(), row{"a": 1})
		if e := failed(t, err, clay.KindInvalid); !e.MayDuplicate() || len(e.Attempts) != 2 || !strings.Contains(err.Error(), "after 2 tries") || !strings.Contains(e.Hint, "earlier try") {
			t.Errorf("%v", err)
		}
	})
}

func TestObserverAndLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var attempts []clay.Attempt
		var waits []time.Duration
		s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{answer(1, nil, 500), answer(1, nil, 429)}}, clay.Config{
			Logger: slog.New(slog.NewJSONHandler(&log, nil)),
			Observer: clay.Observer{
				Attempt: func(_ context.Context, a clay.Attempt) { attempts = append(attempts, a) },
				Wait:    func(_ context.Context, _ clay.Attempt, d time.Duration) { waits = append(waits, d) },
			},
		})
		if _, err := c.Send(t.Context(), row{"email": "ada@example.com"}); err != nil {
			t.Fatal(err)
		}
		if len(attempts) != 3 || attempts[0].Status != 500 || !attempts[0].MayDuplicate || attempts[1].RetryAfter != time.Second || attempts[2].Kind != 0 || attempts[2].Status != 200 {
			t.Errorf("%+v", attempts)
		}
		if len(waits) != 2 || waits[1] < time.Second || waits[1] > 1100*time.Millisecond {
			t.Errorf("%v", waits)
		}
		text := log.String()
		if strings.Count(text, "\n") != 2 || !strings.Contains(text, `"WARN"`) || !strings.Contains(text, `"kind":"throttled"`) {
			t.Error(text)
		}
		for _, secret := range []string{token, key, "ada@", s.WebhookURL("people")} {
			if strings.Contains(text, secret) {
				t.Errorf("the log contains %q", secret)
			}
		}
	})
}

func TestNothingPrintsASecret(t *testing.T) {
	cfg := clay.Config{WebhookURL: "https://api.clay.com/v3/sources/webhook/5ecre7-id", WebhookToken: token, EnterpriseKey: key}
	c, err := clay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cfg", cfg, "client", c)
	text := log.String()
	for _, v := range []any{cfg, &cfg, c} {
		text += fmt.Sprintf("%v %+v %#v %s", v, v, v, v)
	}
	if strings.Contains(text, "5ecre7") {
		t.Error(text)
	}
}

func TestDefaultIsSharedAndFailsWithoutSettings(t *testing.T) {
	for _, name := range []string{"CLAY_WEBHOOK_URL", "CLAY_WEBHOOK_TOKEN", "CLAY_ENTERPRISE_API_KEY", "CLAY_API_KEY"} {
		t.Setenv(name, "")
	}
	clay.ForgetDefault()
	t.Cleanup(clay.ForgetDefault)
	c, err := clay.Default()
	if failed(t, err, clay.KindConfig); c != nil {
		t.Error("a client without settings")
	}
	t.Setenv("CLAY_WEBHOOK_URL", "not a URL")
	_, err = clay.Default()
	failed(t, err, clay.KindConfig)

	t.Setenv("CLAY_WEBHOOK_URL", "https://api.clay.com/v3/sources/webhook/x\n")
	t.Setenv("CLAY_API_KEY", key)
	var all [50]*clay.Client
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], _ = clay.Default() })
	}
	wg.Wait()
	if c := all[0]; c == nil || slices.ContainsFunc(all[:], func(other *clay.Client) bool { return other != c }) {
		t.Error("not one and the same client")
	}
}

// No descriptor is left; goroutines and timers are goleak's (TestMain).
func TestNoDescriptorIsLeft(t *testing.T) {
	open := func() int {
		d, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	round := func() (sent int) {
		s := claytest.New(t, claytest.Options{PerSecond: -1, Faults: []claytest.Fault{{Kind: claytest.DropAfter, Rate: .2}, {Kind: claytest.Answer, Rate: .2, Status: []int{400}}}})
		defer s.Close()
		c, err := clay.New(clay.Config{WebhookURL: s.WebhookURL("x"), Pacer: clay.NewPacer(-1, 0)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		res, _ := c.SendBatch(t.Context(), numbered(100), clay.BatchOptions{})
		return res.Sent
	}
	round() // what the runtime opens once and keeps, e.g. its poller
	before := open()
	sent := 0
	for range 5 {
		sent += round()
	}
	for range 500 { // connections are closed by goroutines of the transport and the server
		if open() <= before {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if after := open(); after > before || sent == 0 {
		t.Errorf("%d descriptors before, %d after, %d sent", before, after, sent)
	}
}
