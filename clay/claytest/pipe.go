package claytest

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Pipe is a network without sockets: a [net.Listener] and the dialer that leads
// to it. Real net/http runs on both ends, so that httptrace, deadlines and
// connection reuse behave, and everything works inside a testing/synctest
// bubble. Create it inside the bubble it is used in.
type Pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipe returns a listening pipe. Close it when done.
func NewPipe() *Pipe {
	return &Pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next dialed connection; after Close it fails with
// [net.ErrClosed].
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses further connections; those that stand are left alone. It may
// be called more than once and never fails.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is a placeholder: a pipe has no address.
func (p *Pipe) Addr() net.Addr { return pipeAddr{} }

// DialContext connects to the pipe whatever the address. Once the pipe is
// closed the connection is refused, with ECONNREFUSED as on a real network.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	reset := new(atomic.Bool)
	select {
	case p.conns <- &pipeConn{Conn: far, reset: reset}:
		return &pipeConn{Conn: near, reset: reset}, nil
	case <-p.closed:
		return nil, pipeError("dial", "connect", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Transport returns a new transport whose every connection, whatever the URL's
// host, leads to the pipe. Only http URLs work. Close its idle connections when
// done.
func (p *Pipe) Transport() *http.Transport {
	return &http.Transport{DialContext: p.DialContext, MaxIdleConnsPerHost: 64}
}

// pipeConn is one end of a connection. SetLinger(0) before Close makes the
// other end see a reset, as it does on a TCP connection.
type pipeConn struct {
	net.Conn
	reset *atomic.Bool
}

// SetLinger mirrors [net.TCPConn.SetLinger]; only 0 has a meaning here.
func (c *pipeConn) SetLinger(sec int) error {
	c.reset.Store(sec == 0)
	return nil
}

func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.ended("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.ended("write", err)
}

// ended turns the pipe's own end-of-connection errors into a reset when the
// other side asked for one.
func (c *pipeConn) ended(op string, err error) error {
	if (err == io.EOF || err == io.ErrClosedPipe) && c.reset.Load() {
		return pipeError(op, op, syscall.ECONNRESET)
	}
	return err
}

func pipeError(op, call string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: pipeAddr{}, Err: os.NewSyscallError(call, errno)}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
