package clay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const emptyAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// sealed cuts a write short while it hangs: seal must not wait for the other side, and
// must count what that write got through before it was cut.
func TestSealCountsTheWriteItCutsShort(t *testing.T) {
	for read, want := range map[int64]Outcome{0: NotSent, 10: Partial} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			defer func() { _ = there.Close() }()
			w := watch(here)
			w.arm(2, false)
			wrote := make(chan struct{})
			go func() {
				defer close(wrote)
				_, _ = w.Write([]byte("POST / HTTP/1.1\r\n\r\n{}"))
			}()
			_, _ = io.CopyN(io.Discard, there, read)
			synctest.Wait()
			if got := w.seal(); got != want {
				t.Errorf("%d bytes read: %s, want %s", read, got, want)
			}
			<-wrote
			if _, err := w.Write([]byte("x")); err == nil {
				t.Error("something was written after the seal")
			}
		})
	}
}

// choked fails to write after so many bytes, as a connection does that was reset; what
// the server has answered can still be read.
type choked struct {
	net.Conn
	left int
}

func (c *choked) Write(p []byte) (int, error) {
	n, _ := c.Conn.Write(p[:min(len(p), c.left)])
	if c.left -= n; n < len(p) {
		return n, errors.New("connection reset by peer")
	}
	return n, nil
}

// The write fails at once and the answer comes a second later: without help Go's
// transport would have thrown it away by then. The connection is not used again.
func TestLateAnswerBeatsWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := testClient(t, Config{}, func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials++; dials > 1 {
				return dialer(answering(emptyAnswer))(ctx, network, addr)
			}
			conn, err := dialer(func(conn net.Conn) {
				_, _ = io.CopyN(io.Discard, conn, 10)
				<-time.After(time.Second)
				_, _ = io.WriteString(conn, "HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\nno")
				_, _ = io.Copy(io.Discard, conn)
			})(ctx, network, addr)
			return &choked{conn, 10}, err
		}, nil)
		start := time.Now()
		_, err := c.SendOnce(t.Context(), row{"a": strings.Repeat("x", 90_000)})
		if e := failure(t, err); e.Kind != KindUnauthorized || e.Outcome != Answered || time.Since(start) != time.Second {
			t.Fatalf("%s, %s after %s: %v", e.Kind, e.Outcome, time.Since(start), err)
		}
		start = time.Now()
		r, err := c.Send(t.Context(), row{"a": 1})
		if err != nil || r.MayDuplicate || dials != 2 || time.Since(start) > backoffBase {
			t.Errorf("the next: %+v, %v, %d connections, %s", r, err, dials, time.Since(start))
		}
	})
}

// Connections are kept for as many as send at a time, and closed when idle for 15 s.
func TestConnectionsAreKeptAndLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials, open atomic.Int32
		c := testClient(t, Config{Concurrency: 8, Pacer: NewPacer(-1, 0)}, dialer(func(conn net.Conn) {
			dials.Add(1)
			open.Add(1)
			defer open.Add(-1)
			for br := bufio.NewReader(conn); readRequest(br) == nil; {
				<-time.After(time.Second) // so that all eight are in use at once
				_, _ = io.WriteString(conn, emptyAnswer)
			}
		}), nil)
		for range 3 {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := c.Send(t.Context(), row{"a": 1}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if dials.Load() != 8 || open.Load() != 8 {
			t.Errorf("%d connections made for 3 × 8 rows, %d open", dials.Load(), open.Load())
		}
		<-time.After(14 * time.Second)
		synctest.Wait()
		early := open.Load()
		<-time.After(2 * time.Second)
		synctest.Wait()
		if early != 8 || open.Load() != 0 {
			t.Errorf("%d open after 14 s, %d after 16", early, open.Load())
		}
	})
}

// What is longer than is kept is read on for a while, because a new connection costs more; what
// never seems to end is given up, with its connection.
func TestLongAnswersKeepTheConnection(t *testing.T) {
	for size, want := range map[int]int32{100 << 10: 1, 300 << 10: 3} {
		var dials atomic.Int32
		c := testClient(t, Config{}, dialer(func(conn net.Conn) {
			dials.Add(1)
			answering(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)))(conn)
		}), nil)
		for range 3 {
			if r, err := c.SendOnce(t.Context(), row{"a": 1}); err != nil || len(r.Body) != 64<<10 {
				t.Errorf("%d bytes: %d kept, %v", size, len(r.Body), err)
			}
		}
		if n := dials.Load(); n != want {
			t.Errorf("%d bytes: %d connections for 3 rows, want %d", size, n, want)
		}
	}
}

// closeSpy counts the connections that were not closed.
type closeSpy struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *closeSpy) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// A handshake that fails closes its connection, and so does everything else.
func TestFailuresLeaveNoConnectionOpen(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	defer srv.Close()
	var open atomic.Int32
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
		open.Add(1)
		return &closeSpy{Conn: conn, open: &open}, err
	}
	c := testClient(t, Config{WebhookURL: "https://example.com/x"}, dial, nil)
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); !errors.Is(err, KindConfig) || open.Load() != 0 {
		t.Errorf("%d left open: %v", open.Load(), err)
	}
	c = testClient(t, Config{WebhookURL: "https://example.com/x"}, dial, srv.Client().Transport.(*http.Transport).TLSClientConfig)
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); !errors.Is(err, KindNotFound) || open.Load() != 1 {
		t.Errorf("%d open: %v", open.Load(), err)
	}
	if _ = c.Close(); open.Load() != 0 {
		t.Errorf("%d left open by Close", open.Load())
	}
}

// A certificate that does not verify is wrong for every record.
func TestBatchStopsAtABadCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	defer srv.Close()
	c := testClient(t, Config{WebhookURL: srv.URL}, nil, nil)
	read := 0
	res, err := c.SendBatch(t.Context(), func(yield func(any) bool) {
		for read = 1; yield(row{"a": 1}); read++ {
		}
	}, BatchOptions{})
	if !errors.Is(err, KindConfig) || res.Sent != 0 || res.Failed != read || read > 2*defaultConcurrency {
		t.Errorf("%d read, %d failed: %v", read, res.Failed, err)
	}
}

// What a server can get wrong below HTTP: each is an error that tells the truth about the
// row, within the timeout, and nothing of it is kept without a bound.
func TestServersThatTalkNonsense(t *testing.T) {
	long := strings.Repeat("x", 70<<10)
	for name, tc := range map[string]struct {
		raw    string
		kind   Kind // 0 for a success
		status int
	}{
		"not HTTP":                  {"SSH-2.0-OpenSSH_9.6\r\n", KindUnknown, 0},
		"binary":                    {"\x16\x03\x01\x00\xff\x00\x00\r\n\r\n", KindUnknown, 0},
		"a status that is none":     {"HTTP/1.1 abc X\r\n\r\n", KindUnknown, 0},
		"a header without a colon":  {"HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n", KindUnknown, 0},
		"a header without end":      {"HTTP/1.1 200 OK\r\nX-A: " + long + "\r\nX-B: 1\r\n\r\n", KindUnknown, 0},
		"informational without end": {strings.Repeat("HTTP/1.1 103 Early\r\n\r\n", 5000), KindUnknown, 0},
		"a length that is too long": {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nok", 0, 200},
		"a length that is none":     {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nok", KindUnknown, 0},
		"two lengths":               {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", KindUnknown, 0},
		"chunks that are none":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, 200},
		"a redirect to nowhere":     {"HTTP/1.1 302 X\r\nLocation: %zz\r\nContent-Length: 0\r\n\r\n", KindRedirect, 302},
		"another protocol":          {"HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", KindUnknown, 101},
		"a body without end":        {"HTTP/1.1 403 X\r\n\r\n" + long + long + long, KindForbidden, 403},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testClient(t, Config{}, dialer(func(conn net.Conn) {
					_ = readRequest(bufio.NewReader(conn))
					_, _ = io.WriteString(conn, tc.raw)
					if !strings.Contains(tc.raw, "close") {
						_, _ = io.Copy(io.Discard, conn) // keeps the connection open
					}
				}), nil)
				start := time.Now()
				r, err := c.SendOnce(t.Context(), row{"a": 1})
				if took := time.Since(start); took != 0 {
					t.Errorf("took %s", took)
				}
				if tc.kind == 0 {
					if err != nil || r.Status != tc.status {
						t.Errorf("%+v, %v", r, err)
					}
					return
				}
				if e := failure(t, err); e.Kind != tc.kind || e.Status != tc.status || len(err.Error()) > 2<<10 || strings.ContainsAny(err.Error(), "\x00\r\n") {
					t.Errorf("%s, %d: %.200q", e.Kind, e.Status, err)
				}
			})
		})
	}
}

// A longer Timeout gives the header more time as well, a shorter one does not take it away.
func TestHeaderTimeoutFollowsTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 15 * time.Second, 10 * time.Second: 10 * time.Second, 4 * time.Minute: 2 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := testClient(t, Config{Timeout: timeout}, dialer(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil)
			start := time.Now()
			_, err := c.SendOnce(t.Context(), row{"a": 1})
			if e := failure(t, err); e.Kind != KindUnknown || time.Since(start) != want || !isTimeout(err) {
				t.Errorf("Timeout %s: after %s: %v", timeout, time.Since(start), err)
			}
		})
	}
}

// The environment's proxy is asked, as curl and everybody else does.
func TestProxyOfTheEnvironment(t *testing.T) {
	if (Config{}).newTransport(nil, nil).Proxy == nil {
		t.Error("HTTPS_PROXY is not looked at")
	}
}

// A context that ended for a reason says so, whoever notices first.
func TestErrorsSayWhyTheContextEnded(t *testing.T) {
	reason := fmt.Errorf("shutting down")
	for name, rt := range map[string]http.RoundTripper{
		"own transport": nil,
		"one that says what it likes": roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, errors.New("gone fishing")
		}),
		"one that says canceled": roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Canceled
		}),
	} {
		for _, after := range []time.Duration{0, time.Second} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(after, func() { cancel(reason) })
				synctest.Wait()
				c := testClient(t, Config{Pacer: NewPacer(-1, 0)}, dialer(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil)
				if rt != nil {
					c.rt = rt
				}
				_, err := c.Send(ctx, row{"a": 1})
				if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) || strings.Count(err.Error(), "shutting down") != 1 {
					t.Errorf("%s, %s: %v", name, after, err)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			c := testClient(t, Config{Timeout: time.Second}, dialer(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), nil)
			if rt != nil {
				c.rt = rt
			}
			if _, err := c.SendOnce(t.Context(), row{"a": 1}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) && name != "one that says canceled" {
				t.Errorf("%s, timeout: %v", name, err)
			}
		})
	}
}

// A try that ended because ctx did is the last one: nobody is told of a wait that never was.
func TestNoWaitAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waits := 0
		c := testClient(t, Config{Observer: Observer{Wait: func(context.Context, Attempt, time.Duration) { waits++ }}},
			func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }, nil)
		_, err := c.Send(ctx, row{"a": 1})
		if e := failure(t, err); e.Kind != KindNotSent || waits != 0 || len(e.Attempts) != 1 || strings.Count(err.Error(), "deadline") != 1 {
			t.Errorf("%d waits: %v", waits, err)
		}
	})
}
