package clay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type row = map[string]any

func TestSendOnceSendsWhatClayWants(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer srv.Close()
	c, err := New(Config{WebhookURL: srv.URL + "/v3/sources/webhook/x", WebhookToken: testToken})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rec, err := c.SendOnce(t.Context(), json.RawMessage(` {"b": 1, "a": "<é>"}`))
	if err != nil || rec.Status != 200 || string(rec.Body) != `{"ok":true}` {
		t.Fatalf("got %+v, %v", rec, err)
	}
	if string(body) != `{"b": 1, "a": "<é>"}` {
		t.Errorf("body %q", body)
	}
	for k, want := range map[string]string{
		"X-Clay-Webhook-Auth": testToken, "Content-Type": "application/json", "User-Agent": userAgent, "Idempotency-Key": "",
	} {
		if v := got.Header.Get(k); v != want {
			t.Errorf("%s: %q, want %q", k, v, want)
		}
	}
	if got.Method != "POST" || got.URL.Path != "/v3/sources/webhook/x" || got.ContentLength != int64(len(body)) {
		t.Errorf("%s %s, %d bytes", got.Method, got.URL, got.ContentLength)
	}
}

// wantKind is the outcome table, written out a second time.
func wantKind(status int) Kind {
	special := map[int]Kind{
		400: KindInvalid, 401: KindUnauthorized, 402: KindPaymentRequired, 403: KindForbidden, 404: KindNotFound,
		408: KindUnknown, 410: KindNotFound, 413: KindInvalid, 415: KindInvalid, 422: KindInvalid,
		425: KindThrottled, 429: KindThrottled, 500: KindUnavailable, 502: KindUnknown, 503: KindUnavailable, 504: KindUnknown,
		520: KindUnknown, 521: KindUnknown, 522: KindUnknown, 523: KindUnknown, 524: KindUnknown,
	}
	if k, ok := special[status]; ok {
		return k
	}
	if k, ok := map[int]Kind{3: KindRedirect, 4: KindInvalid, 5: KindUnavailable}[status/100]; ok {
		return k
	}
	return KindUnknown
}

func TestEveryStatus(t *testing.T) {
	for status := 100; status <= 599; status++ {
		requests := 0
		c := testClient(t, Config{}, dialer(func(conn net.Conn) {
			for br := bufio.NewReader(conn); readRequest(br) == nil; {
				requests++
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nLocation: http://clay.test/elsewhere\r\nContent-Length: 0\r\n\r\n", status)
				if status < 200 {
					return
				}
			}
		}), nil)
		_, err := c.SendOnce(t.Context(), row{"a": 1})
		_ = c.Close()
		if status/100 == 2 {
			if err != nil {
				t.Errorf("%d: %v", status, err)
			}
			continue
		}
		e := failure(t, err)
		wantStatus, wantOutcome := status, Answered
		if status < 200 && status != 101 { // informational, and then the connection ends
			wantStatus, wantOutcome = 0, Unknown
		}
		if e.Kind != wantKind(status) || e.Status != wantStatus || e.Outcome != wantOutcome || requests != 1 {
			t.Errorf("%d: kind %s, status %d, %s, %d requests", status, e.Kind, e.Status, e.Outcome, requests)
		}
		if !errors.Is(err, wantKind(status)) || errors.Is(err, KindConfig) {
			t.Errorf("%d: errors.Is does not agree with kind %s", status, e.Kind)
		}
	}
}

func TestAnswersThatBodyOrHeaderDecides(t *testing.T) {
	for name, tc := range map[string]struct {
		raw   string
		kind  Kind
		delay time.Duration
	}{
		"429 as Clay sends it": {
			"HTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 80\r\n\r\n" +
				`{"type":"TooManyRequests","message":"Too many requests. Wait a bit","details":1}`, KindThrottled, time.Second,
		},
		"503 with a hint":       {"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", KindThrottled, 7 * time.Second},
		"503 with a bad hint":   {"HTTP/1.1 503 X\r\nRetry-After: -7\r\nContent-Length: 0\r\n\r\n", KindUnavailable, 0},
		"502 with a hint":       {"HTTP/1.1 502 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", KindUnknown, 7 * time.Second},
		"403 exhausted":         {"HTTP/1.1 403 X\r\nContent-Length: 32\r\n\r\nRecord limit reached for webhook", KindExhausted, 0},
		"404 deprecated":        {"HTTP/1.1 404 X\r\nContent-Length: 37\r\n\r\n{\"message\":\"deprecated API endpoint\"}", KindDeprecated, 0},
		"status survives a cut": {"HTTP/1.1 401 X\r\nContent-Length: 100\r\nConnection: close\r\n\r\nno", KindUnauthorized, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := testClient(t, Config{}, dialer(func(conn net.Conn) {
				_ = readRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, tc.raw)
			}), nil)
			_, err := c.SendOnce(t.Context(), row{"a": 1})
			if e := failure(t, err); e.Kind != tc.kind || e.RetryAfter != tc.delay || e.Outcome != Answered {
				t.Errorf("kind %s, delay %s, %s", e.Kind, e.RetryAfter, e.Outcome)
			}
		})
	}
}

// The server reads exactly k bytes of the request and hangs up, for every k.
func TestCutAfterEveryByte(t *testing.T) {
	record := row{"email": "ada@example.com", "note": "\r\n\r\n in the body must not confuse the account"}
	total := 0
	c := testClient(t, Config{}, dialer(func(conn net.Conn) {
		var b bytes.Buffer
		_ = readRequest(bufio.NewReader(io.TeeReader(conn, &b)))
		total = b.Len()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}), nil)
	if _, err := c.SendOnce(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	for k := 0; k <= total; k++ {
		c := testClient(t, Config{}, dialer(func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, int64(k)) }), nil)
		_, err := c.SendOnce(t.Context(), record)
		want, kind := Partial, KindPartial
		if k == 0 {
			want, kind = NotSent, KindNotSent
		} else if k == total {
			want, kind = Unknown, KindUnknown
		}
		if e := failure(t, err); e.Outcome != want || e.Kind != kind || e.MayDuplicate() != (k > 0) {
			t.Fatalf("cut after %d of %d bytes: %s, %s: %v", k, total, e.Outcome, e.Kind, err)
		}
	}
}

// A server that answers before it has read the request and closes: over TCP, where
// the client's write fails with a reset.
func TestEarlyAnswerBeatsWriteError(t *testing.T) {
	for name, network := range map[string]func(*testing.T, server) dialFunc{
		"pipe": func(_ *testing.T, s server) dialFunc { return dialer(s) },
		"tcp":  tcpDialer,
	} {
		t.Run(name, func(t *testing.T) {
			c := testClient(t, Config{}, network(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 10))
				_, _ = io.WriteString(conn, "HTTP/1.1 401 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			}), nil)
			_, err := c.SendOnce(t.Context(), row{"a": strings.Repeat("x", 90_000)})
			if e := failure(t, err); e.Kind != KindUnauthorized || e.Outcome != Answered {
				t.Fatalf("%s, %s: %v", e.Kind, e.Outcome, err)
			}
		})
	}
}

// tcpDialer serves srv on a loopback port.
func tcpDialer(t *testing.T, srv server) dialFunc {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			srv(c)
			_ = c.Close()
		}
	}()
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	for name, rt := range map[string]http.RoundTripper{"own transport": nil, "foreign, silent": silent{new(http.Transport)}} {
		c, err := New(Config{WebhookURL: "http://" + addr + "/5ecre7-path", Transport: rt})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.SendOnce(t.Context(), row{"a": 1})
		if e := failure(t, err); e.Kind != KindNotSent || e.Outcome != NotSent || strings.Contains(err.Error(), "5ecre7") {
			t.Errorf("%s: %s, %s: %v", name, e.Kind, e.Outcome, err)
		}
	}
}

// silent is a transport that passes no httptrace events on.
type silent struct{ rt http.RoundTripper }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := context.AfterFunc(r.Context(), func() { cancel(context.Cause(r.Context())) })
	defer stop()
	return s.rt.RoundTrip(r.WithContext(ctx))
}

// What is not known of a foreign transport counts as possibly sent.
func TestForeignTransportIsTakenConservatively(t *testing.T) {
	for name, tc := range map[string]struct {
		rt   func(http.RoundTripper) http.RoundTripper
		want Outcome
	}{
		"with events":           {func(rt http.RoundTripper) http.RoundTripper { return rt }, Unknown},
		"without events":        {func(rt http.RoundTripper) http.RoundTripper { return silent{rt} }, Unknown},
		"in the middle":         {func(rt http.RoundTripper) http.RoundTripper { return rt }, Partial},
		"in the middle, unsaid": {func(rt http.RoundTripper) http.RoundTripper { return silent{rt} }, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			plain := &http.Transport{DialContext: dialer(func(c net.Conn) {
				if strings.HasPrefix(name, "in the middle") {
					_, _ = io.CopyN(io.Discard, c, 5000)
					return
				}
				_ = readRequest(bufio.NewReader(c))
			})}
			c, err := New(Config{WebhookURL: testURL, HTTPClient: &http.Client{Transport: tc.rt(plain)}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.SendOnce(t.Context(), row{"a": strings.Repeat("x", 50_000)})
			if e := failure(t, err); e.Outcome != tc.want {
				t.Errorf("%s: %v", e.Outcome, err)
			}
		})
	}
}

func TestTLSFailures(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	defer srv.Close()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	cfg := Config{WebhookURL: "https://example.com/5ecre7-path"}
	good := srv.Client().Transport.(*http.Transport).TLSClientConfig

	_, err := testClient(t, cfg, dial, nil).SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Kind != KindConfig || e.Outcome != NotSent {
		t.Errorf("bad certificate: %s, %s: %v", e.Kind, e.Outcome, err)
	}
	_, err = testClient(t, cfg, dialer(func(c net.Conn) { _, _ = c.Read(make([]byte, 5)) }), good).SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Kind != KindNotSent || e.Outcome != NotSent {
		t.Errorf("handshake cut: %s, %s: %v", e.Kind, e.Outcome, err)
	}
	_, err = testClient(t, cfg, dial, good).SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Kind != KindNotFound || e.Outcome != Answered {
		t.Errorf("good certificate: %s, %s: %v", e.Kind, e.Outcome, err)
	}
}

// Over TLS the account is of the request's bytes, not of the handshake's.
func TestTLSCutAfterTheRequest(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	c := testClient(t, Config{WebhookURL: "https://example.com/x"}, dial, srv.Client().Transport.(*http.Transport).TLSClientConfig)
	_, err := c.SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Outcome != Unknown {
		t.Errorf("%s: %v", e.Outcome, err)
	}
}

func TestTimeouts(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, tc := range map[string]struct {
		url  string
		dial dialFunc
		kind Kind
		took time.Duration
	}{
		"no answer":     {testURL, dialer(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), KindUnknown, 15 * time.Second},
		"no reading":    {testURL, nil, KindPartial, 30 * time.Second},
		"no connection": {testURL, hang, KindNotSent, 5 * time.Second},
		"no TLS":        {"https://clay.test/x", dialer(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), KindNotSent, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := tc.dial
				if dial == nil { // inside the bubble, so that its channels belong to it
					done := make(chan struct{})
					defer close(done)
					dial = dialer(func(c net.Conn) { _, _ = c.Read(make([]byte, 9)); <-done })
				}
				c := testClient(t, Config{WebhookURL: tc.url}, dial, nil)
				start := time.Now()
				_, err := c.SendOnce(t.Context(), row{"a": 1})
				if e := failure(t, err); e.Kind != tc.kind || time.Since(start) != tc.took || !isTimeout(err) {
					t.Errorf("%s after %s: %v", e.Kind, time.Since(start), err)
				}
			})
		})
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Go's transport sends a request again by itself when a reused connection ends
// without an answer and the request looks repeatable. A row must not be doubled
// like that. The control shows that the server provokes it.
func TestNoSilentResend(t *testing.T) {
	var requests atomic.Int32
	srv := func(c net.Conn) {
		br := bufio.NewReader(c)
		for n := 0; readRequest(br) == nil; n++ {
			if requests.Add(1); n > 0 {
				return // read whole, then closed without a word
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}
	control := &http.Transport{DialContext: dialer(srv)}
	for range 2 {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", testURL, strings.NewReader("{}"))
		r.Header.Set("Idempotency-Key", "k")
		resp, err := control.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	control.CloseIdleConnections()
	if n := requests.Swap(0); n != 3 {
		t.Fatalf("the control was sent %d times, want 3: the server provokes no resend", n)
	}

	c := testClient(t, Config{}, dialer(srv), nil)
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.SendOnce(t.Context(), row{"a": 2})
	if e := failure(t, err); e.Outcome != Unknown || !e.MayDuplicate() || requests.Load() != 2 {
		t.Errorf("%s, %d requests: %v", e.Outcome, requests.Load(), err)
	}
}

// deadConn accepts one write and then fails without writing anything, like a
// connection that died while idle.
type deadConn struct {
	net.Conn
	writes int
}

func (c *deadConn) Write(p []byte) (int, error) {
	if c.writes++; c.writes > 1 {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func TestDeadIdleConnectionIsNotSent(t *testing.T) {
	live := dialer(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	c := testClient(t, Config{}, func(ctx context.Context, n, a string) (net.Conn, error) {
		conn, err := live(ctx, n, a)
		return &deadConn{Conn: conn}, err
	}, nil)
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.SendOnce(t.Context(), row{"a": 2})
	if e := failure(t, err); e.Kind != KindNotSent || e.MayDuplicate() {
		t.Errorf("%s: %v", e.Kind, err)
	}
}

func TestCancelledByTheCaller(t *testing.T) {
	for name, tc := range map[string]struct {
		read int64
		kind Kind
	}{"before anything": {-1, KindNotSent}, "while connecting": {0, KindNotSent}, "in the middle": {20, KindPartial}, "while waiting": {1 << 20, KindUnknown}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan struct{})
				defer close(done)
				dial := dialer(func(c net.Conn) { _, _ = io.CopyN(io.Discard, c, tc.read); <-done })
				if tc.read == 0 {
					dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
				}
				if tc.read < 0 {
					cancel()
				}
				time.AfterFunc(time.Second, cancel)
				_, err := testClient(t, Config{}, dial, nil).SendOnce(ctx, row{"a": 1})
				if e := failure(t, err); e.Kind != tc.kind || !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", e.Kind, err)
				}
			})
		})
	}
}
