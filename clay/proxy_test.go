package clay

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Through a proxy TLS lies on top of the watched connection, so bytes of the request
// cannot be told apart: what is not surely unsent counts as possibly sent.
func TestThroughAProxy(t *testing.T) {
	abort := false
	clay := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if abort {
			panic(http.ErrAbortHandler)
		}
	}))
	defer clay.Close()
	proxy := httptest.NewServer(connect(clay.Listener.Addr().String()))
	defer proxy.Close()
	c := testClient(t, Config{WebhookURL: "https://example.com/x"}, nil, clay.Client().Transport.(*http.Transport).TLSClientConfig)
	through, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.rt.(*http.Transport).Proxy = http.ProxyURL(through)
	if _, err := c.SendOnce(t.Context(), row{"a": 1}); err != nil {
		t.Fatal(err)
	}
	abort = true
	_, err = c.SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Outcome != Unknown {
		t.Errorf("%s: %v", e.Outcome, err)
	}
	proxy.CloseClientConnections()
	_ = c.Close()
	proxy.Close()
	_, err = c.SendOnce(t.Context(), row{"a": 1})
	if e := failure(t, err); e.Outcome != NotSent {
		t.Errorf("without the proxy: %s: %v", e.Outcome, err)
	}
}

// connect is a proxy that connects everything to addr.
func connect(addr string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		up, err := new(net.Dialer).DialContext(context.WithoutCancel(r.Context()), "tcp", addr)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		down, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = up.Close()
			return
		}
		go func() {
			_, _ = io.Copy(up, buf)
			_ = up.Close()
		}()
		_, _ = io.Copy(down, up)
		_ = down.Close()
	}
}
