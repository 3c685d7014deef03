package clay

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 15 * time.Second // at least; see Config.Timeout
	// Idle connections are closed early: one that the server has closed meanwhile
	// costs a try, and longer than this Clay is rarely left alone under load.
	idleTimeout = 15 * time.Second
)

// newTransport returns the transport used when Config.Transport is nil.
//
// It speaks HTTP/1.1 only: there one request owns one connection, so that what was
// written of it can be known, and at Clay's 10 requests a second nothing is gained
// by sharing one.
func (c Config) newTransport(dial dialFunc, conf *tls.Config) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: idleTimeout}).DialContext
	}
	dial = within(dialTimeout, dial)
	if conf == nil {
		conf = new(tls.Config) // TLS 1.2 and up, the machine's certificates
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            watched(dial),
		DialTLSContext:         watchedTLS(dial, conf, tlsTimeout),
		TLSClientConfig:        conf, // for https through a proxy
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  max(headerTimeout, c.Timeout/2),
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           c.Concurrency,
		MaxIdleConnsPerHost:    c.Concurrency,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// probe follows one request through the transport, by httptrace.
type probe struct {
	bodyBytes int64
	traced    atomic.Bool // the transport emits events at all
	gotConn   atomic.Bool
	conn      atomic.Pointer[watchedConn] // nil for transports that are not ours
	wrote     atomic.Bool                 // some of the request is at least in a buffer
	wroteAll  atomic.Bool
}

func (p *probe) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.traced.Store(true) },
		GotConn: func(info httptrace.GotConnInfo) {
			p.traced.Store(true)
			p.gotConn.Store(true)
			if c, underTLS := findWatched(info.Conn); c != nil {
				c.arm(p.bodyBytes, underTLS)
				p.conn.Store(c)
			}
		},
		WroteHeaderField: func(string, []string) { p.wrote.Store(true) },
		WroteHeaders:     func() { p.wrote.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				p.wroteAll.Store(true)
			}
		},
	}
}

func findWatched(c net.Conn) (w *watchedConn, underTLS bool) {
	if c, ok := c.(*tls.Conn); ok { // through a proxy
		w, _ = c.NetConn().(*watchedConn)
		return w, true
	}
	w, _ = c.(*watchedConn)
	return w, false
}

// outcome says how far a request got whose round trip ended in err.
// It is called once, after the transport has returned.
func (p *probe) outcome(err error) Outcome {
	if c := p.conn.Load(); c != nil {
		return c.seal()
	}
	switch {
	case !p.traced.Load():
		// A transport of the user's that says nothing: only an error of the dial
		// itself proves that nothing was sent.
		if isDialError(err) {
			return NotSent
		}
		return Unknown
	case !p.gotConn.Load():
		return NotSent
	case p.wroteAll.Load():
		return Unknown
	case p.wrote.Load():
		return Partial
	default:
		return NotSent
	}
}
