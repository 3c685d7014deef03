package app

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/client"
)

// A listener's connections are bounded: the next one is served when one of them ends, and closing ends the wait.
func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	var served []net.Conn
	for i := range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i < 2 {
			served = append(served, <-accepted)
		}
	}
	select {
	case <-accepted:
		t.Fatal("a third connection is served beside two")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = served[0].Close(), served[0].Close() // twice gives back one slot
	third := <-accepted
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("accepting did not end")
	}
	third.Close()
	served[1].Close()
}

// The local socket is for the ledger's owner alone, from the moment at which it is there, and it goes with the process.
func TestSocketIsPrivate(t *testing.T) {
	dir := t.TempDir()
	c := real(t, webhookURL)
	c.Ledger, c.Socket = filepath.Join(dir, "l.db"), true
	a := open1(t, c)
	path := SocketPath(c.Ledger)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	to, err := client.New(client.Config{BaseURL: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Targets(t.Context()); err != nil {
		t.Error(err)
	}
	to.Close()
	shut(t, a)
	left, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".s*"))
	if err != nil || len(left)+len(hidden) > 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

// Whoever never finishes its header, or sends one without end, is cut off, on both listeners.
func TestHeadersAreBounded(t *testing.T) {
	c := real(t, webhookURL)
	c.Listen = "127.0.0.1:0"
	a := open(t, c)
	for what, address := range map[string]string{"the API": a.APIAddr(), "callbacks": a.CallbackAddr()} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, address)
			_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("a header of 64 KiB: %v %v", resp, err)
			}
			slow := dial(t, address)
			_, _ = io.WriteString(slow, "GET /healthz HTTP/1.1\r\nHost: local")
			began := time.Now()
			if _, err := io.ReadAll(slow); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("a header that never ends: %v", err)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("a header that never ends is waited for %s", took)
			}
		})
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}
