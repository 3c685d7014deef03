package client

import (
	"context"
	"net"
	"net/http"
	"time"
)

// overNetwork returns an HTTP client whose requests may take long and are not redirected: a redirect would turn a POST
// into a GET.
func overNetwork() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	return without(t)
}

// overSocket returns an HTTP client that speaks through a unix socket.
func overSocket(path string) *http.Client {
	return without(&http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
		},
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     90 * time.Second,
	})
}

// without returns a client that follows no redirects.
func without(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
