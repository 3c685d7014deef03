package clay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain takes away what a developer's own machine has set for Clay: the tests and
// examples of Default begin with nothing.
func TestMain(m *testing.M) {
	for _, name := range []string{"CLAY_WEBHOOK_URL", "CLAY_WEBHOOK_TOKEN", "CLAY_PUBLIC_API_KEY", "CLAY_ENTERPRISE_API_KEY", "CLAY_API_KEY"} {
		_ = os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const (
	testPath  = "pull-in-data-from-a-webhook-5ecre7"
	testURL   = "http://clay.test/v3/sources/webhook/" + testPath
	testToken = "t0ken-5ecre7"
)

// server plays Clay on the other end of an in-memory connection, once per connection.
type server func(c net.Conn)

// dialer returns a dial function whose connections srv serves.
func dialer(srv server) dialFunc {
	return func(context.Context, string, string) (net.Conn, error) {
		client, remote := net.Pipe()
		go func() {
			defer func() { _ = remote.Close() }()
			srv(remote)
		}()
		return client, nil
	}
}

// testClient is a client whose transport is the real one, over dial.
func testClient(t *testing.T, cfg Config, dial dialFunc, conf *tls.Config) *Client {
	t.Helper()
	if cfg.WebhookURL == "" {
		cfg.WebhookURL, cfg.WebhookToken = testURL, testToken
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.rt = c.cfg.newTransport(dial, conf)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answering reads requests and answers each with raw, until the client goes away.
func answering(raw string) server {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		for readRequest(br) == nil {
			if _, err := io.WriteString(c, raw); err != nil {
				return
			}
		}
	}
}

func readRequest(br *bufio.Reader) error {
	r, err := http.ReadRequest(br)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err
}

// failure returns err as an *Error and fails the test when it is none.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is not an *Error", err, err)
	}
	return e
}
