package claytest

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// errNotLoopback is why [Options.LoopbackOnly] refused a callback.
var errNotLoopback = errors.New("claytest: only loopback addresses are called back (LoopbackOnly)")

// callbackTransport is the transport for callbacks: no proxy, connections kept
// for as many as a column sends at once.
func callbackTransport(loopbackOnly bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if loopbackOnly {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			host, _, err := net.SplitHostPort(address)
			if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
				return errNotLoopback
			}
			return nil
		}
	}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConnsPerHost: DefaultConcurrency,
		IdleConnTimeout:     15 * time.Second,
	}
}

// noRedirects makes a client return a redirect as the answer it is.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
