package clay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// watchedConn is a connection that knows how much of the request in flight has
// been written to it. httptrace cannot tell: its events fire when the request is
// in the transport's buffer, not when bytes have left it. What was written decides
// whether a record may be sent again.
//
// For https it sits on top of TLS, so that it counts bytes of the request. A TLS
// record cut short cannot be read by the other side and counts as not written.
type watchedConn struct {
	net.Conn

	mu sync.Mutex
	// underTLS is set when TLS lies on top (only through a proxy): then single
	// bytes of the request cannot be told apart.
	underTLS bool
	idle     sync.Cond // signalled when a write has ended
	writing  bool
	sealed   bool
	broken   bool
	written  int64
	bodyLeft int64 // bytes of the body not yet written, once the header has ended
	matched  int   // how much of "\r\n\r\n" the last bytes of the header match
}

func watch(c net.Conn) *watchedConn {
	w := &watchedConn{Conn: c}
	w.idle.L = &w.mu
	return w
}

const headerEnd = "\r\n\r\n"

// arm starts the account for one request with a body of n bytes.
func (c *watchedConn) arm(n int64, underTLS bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underTLS = underTLS
	c.sealed = c.sealed || c.broken // nothing more can be sent over a broken one
	c.written, c.bodyLeft, c.matched = 0, n, 0
}

// Write counts what it passes on. A write that fails after a part of the request
// is out is reported as done: the transport would throw an answer away for the
// write error, and an early answer (413, 401) is worth more. If none comes, the
// broken connection ends the read and the account says how much was written.
func (c *watchedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	switch {
	case c.sealed:
		c.mu.Unlock()
		return 0, net.ErrClosed
	case c.broken: // the rest of the request whose write has failed
		c.mu.Unlock()
		return len(p), nil
	}
	c.writing = true
	c.mu.Unlock()

	n, err := c.Conn.Write(p)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
	c.account(p[:n])
	c.idle.Broadcast()
	if err != nil && c.written > 0 && !c.sealed && !c.underTLS {
		c.broken = true
		return len(p), nil
	}
	return n, err
}

func (c *watchedConn) account(p []byte) {
	c.written += int64(len(p))
	for len(p) > 0 && c.matched < len(headerEnd) {
		switch p[0] {
		case headerEnd[c.matched]:
			c.matched++
		case '\r':
			c.matched = 1
		default:
			c.matched = 0
		}
		p = p[1:]
	}
	c.bodyLeft -= int64(len(p))
}

// seal closes the connection, lets no further byte pass, and says how far the
// request got. It waits for a write in progress, which closing has cut short.
func (c *watchedConn) seal() Outcome {
	c.mu.Lock()
	c.sealed = true
	c.mu.Unlock()
	_ = c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		c.idle.Wait()
	}
	switch {
	case c.written == 0:
		return NotSent
	case c.underTLS || c.matched == len(headerEnd) && c.bodyLeft <= 0:
		return Unknown
	default:
		return Partial
	}
}

// dialFunc is net.Dialer's DialContext.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// within gives a dial a time of its own.
func within(d time.Duration, dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, d, fmt.Errorf("no connection within %s: %w", d, context.DeadlineExceeded))
		defer cancel()
		c, err := dial(ctx, network, addr)
		if err != nil && ctx.Err() != nil {
			err = whyEnded(ctx)
		}
		return c, err
	}
}

// watched wraps the connections of a plain dialer (http, and https through a proxy).
func watched(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return watch(c), nil
	}
}

// watchedTLS dials and shakes hands, and wraps the TLS connection.
func watchedTLS(dial dialFunc, conf *tls.Config, timeout time.Duration) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		conf := conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName = host
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		c := tls.Client(raw, conf)
		if err := c.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		return watch(c), nil
	}
}
