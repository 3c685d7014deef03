package claytest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

// connect dials the pipe and accepts the other end.
func connect(t *testing.T, p *claytest.Pipe) (near, far net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := p.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	near, err := p.DialContext(t.Context(), "tcp", "anywhere:1")
	if err != nil {
		t.Fatal(err)
	}
	far = <-accepted
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// A pipe ends as a network does: closed, reset, refused.
func TestPipe(t *testing.T) {
	p := claytest.NewPipe()
	b := make([]byte, 1)

	near, far := connect(t, p)
	far.Close()
	if _, err := near.Read(b); err != io.EOF {
		t.Errorf("read after a close: %v", err)
	}

	near, far = connect(t, p)
	if err := far.(interface{ SetLinger(int) error }).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	far.Close()
	if _, err := near.Read(b); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after a reset: %v", err)
	}
	if _, err := near.Write(b); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("write after a reset: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.DialContext(ctx, "tcp", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("dial without time: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	var op *net.OpError
	if _, err := p.DialContext(t.Context(), "tcp", "x"); !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("dial after the close: %v", err)
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after the close: %v", err)
	}
	if p.Addr().Network() != "pipe" || p.Addr().String() != "pipe" {
		t.Errorf("address %v", p.Addr())
	}
}
