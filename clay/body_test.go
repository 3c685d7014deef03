package clay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// The timeout covers the body: an answer that drips for ever ends with the try, and
// what it said stands.
func TestDrippingBody(t *testing.T) {
	for status, kind := range map[int]Kind{200: 0, 403: KindForbidden} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan struct{})
			c := testClient(t, Config{}, dialer(func(conn net.Conn) {
				defer close(ended)
				_ = readRequest(bufio.NewReader(conn))
				_, err := fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Length: 1000\r\n\r\n", status)
				for tick := time.NewTicker(time.Second); err == nil; _, err = io.WriteString(conn, "x") {
					<-tick.C
				}
			}), nil)
			start := time.Now()
			rec, err := c.SendOnce(t.Context(), row{"a": 1})
			if took := time.Since(start); took != 30*time.Second {
				t.Errorf("%d: took %s", status, took)
			}
			<-ended
			if kind == 0 && (err != nil || len(rec.Body) < 28) || kind != 0 && !errors.Is(err, kind) {
				t.Errorf("%d: %d bytes, %v", status, len(rec.Body), err)
			}
		})
	}
}

func TestHugeAndCompressedBodies(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	for name, body := range map[string][]byte{"huge": bytes.Repeat([]byte("x"), 10<<20), "gzip": bomb.Bytes()} {
		for _, rt := range []http.RoundTripper{nil, &http.Transport{DisableKeepAlives: true}} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if name == "gzip" {
					w.Header().Set("Content-Encoding", "gzip")
				}
				_, _ = w.Write(body)
			}))
			c, err := New(Config{WebhookURL: srv.URL, Transport: rt})
			if err != nil {
				t.Fatal(err)
			}
			rec, err := c.SendOnce(t.Context(), row{"a": 1})
			if err != nil || !bytes.Equal(rec.Body, body[:min(len(body), 64<<10)]) {
				t.Errorf("%s: %d bytes, %v", name, len(rec.Body), err)
			}
			_ = c.Close()
			srv.Close()
		}
	}
}

// endless is a body that counts what is read of it and whether it was closed.
type endless struct {
	read   int
	closed bool
}

func (b *endless) Read(p []byte) (int, error) { b.read += len(p); return len(p), nil }

func (b *endless) Close() error { b.closed = true; return nil }

// Of a body that never ends no more is read than is kept and drained, and it is closed,
// whatever the status; and the try's context, and so its timer, ends with the try.
func TestEndlessBodies(t *testing.T) {
	for _, status := range []int{200, 429, 500} {
		for _, lookup := range []bool{false, true} {
			var body endless
			var ctx context.Context
			c, err := New(Config{WebhookURL: testURL, EnterpriseKey: testToken, Retries: -1, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				ctx = r.Context()
				return &http.Response{StatusCode: status, Body: &body}, nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			most := 128 << 10
			if lookup {
				most = 1<<20 + 64<<10
				_, err = c.EnrichPerson(t.Context(), "ada@example.com")
				if e := failure(t, err); status == 200 && (e.Kind != KindBadAnswer || len(e.Attempts) != 1) {
					t.Errorf("%d: %v", status, err)
				}
			} else if _, err = c.SendOnce(t.Context(), row{"a": 1}); (err == nil) != (status == 200) {
				t.Errorf("%d: %v", status, err)
			}
			if body.read > most+32<<10 || !body.closed {
				t.Errorf("%d: %d bytes read, closed %t", status, body.read, body.closed)
			}
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("%d: the try's context goes on: %v", status, ctx.Err())
			}
		}
	}
}
