package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// serve serves a gateway over loopback.
func (g *gateway) serve() string {
	g.t.Helper()
	server := httptest.NewServer(g.handler)
	g.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// dial opens a connection that cannot hang a test.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

const head = "POST /v1/targets/people/records%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"

// A client that leaves while it waits is forgotten at once.
func TestClientHangsUp(t *testing.T) {
	g := newGateway(t, setup{})
	f := g.store.(*fake)
	left := make(chan struct{})
	inner := g.handler
	g.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		inner.ServeHTTP(w, r)
	})
	accepted, cancel := f.hub.Subscribe(ledger.Announced)
	defer cancel()
	conn := dial(t, g.serve())
	fmt.Fprintf(conn, head+"Content-Length: %d\r\n\r\n%s", "?wait=90s", "application/json", len(onePerson), onePerson)
	f.mu.Lock()
	for len(f.records) == 0 { // the record is taken before the wait begins
		f.mu.Unlock()
		select {
		case <-accepted:
		default:
		}
		f.mu.Lock()
	}
	f.mu.Unlock()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Fatal("the gateway still waits for a client that hung up")
	}
}

// A client that writes all of its lines, 10 MB, before it reads the first answer, and one that leaves in the middle.
func TestWriteBeforeRead(t *testing.T) {
	const n = 20_000
	f := newFake(people, firms)
	f.forget = true
	g := newGateway(t, setup{store: f, hub: f.hub})
	addr := g.serve()
	conn := dial(t, addr)
	line := onePerson[:len(onePerson)-1] + strings.Repeat(" ", 500) + "}\n"
	fmt.Fprintf(conn, head+"Content-Length: %d\r\n\r\n", "", "application/x-ndjson", n*len(line))
	if _, err := io.WriteString(conn, strings.Repeat(line, n)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if got := strings.Count(string(text), `"id":"rec_`); err != nil || got != n {
		t.Errorf("%d answers, want %d (%v)", got, n, err)
	}

	leaves := dial(t, addr)
	fmt.Fprintf(leaves, head+"Content-Length: %d\r\n\r\n", "", "application/x-ndjson", n*len(line))
	if _, err := io.WriteString(leaves, strings.Repeat(line, n/2)+line[:10]); err != nil {
		t.Fatal(err)
	}
	if err := leaves.Close(); err != nil {
		t.Fatal(err)
	}
	// The server's close, at the end of the test, waits for the handler: goleak finds one that hangs.
}

// Bodies that lie about their length, come in pieces or are asked for: a problem, or what is right, and no hang.
func TestOddBodies(t *testing.T) {
	g := newGateway(t, setup{})
	addr := g.serve()
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n", n) }
	tests := map[string]struct {
		rest   string // of the request, after its common headers
		status int
	}{
		"longer than it says":     {length(5) + onePerson, 400},
		"shorter than it says":    {length(500) + onePerson, 400},
		"a claim of a gigabyte":   {length(1<<30) + onePerson, 413},
		"in pieces":               {"Transfer-Encoding: chunked\r\n\r\n5\r\n" + onePerson[:5] + "\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(onePerson)-5, onePerson[5:]), 202},
		"a piece of no size":      {"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		"pieces without an end":   {"Transfer-Encoding: chunked\r\n\r\n5\r\n" + onePerson[:5], 400},
		"asked for":               {"Expect: 100-continue\r\n" + length(len(onePerson)) + onePerson, 202},
		"asked for and too large": {"Expect: 100-continue\r\n" + length(1<<30), 413},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr)
			if _, err := fmt.Fprintf(conn, head+"%s", "", "application/json", tt.rest); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			res, err := http.ReadResponse(in, nil)
			if err == nil && res.StatusCode == http.StatusContinue {
				res, err = http.ReadResponse(in, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
		})
	}
}

// A server that shuts down ends waits and streams at once, and each with an answer.
func TestShutdown(t *testing.T) {
	stop, end := context.WithCancel(t.Context())
	g := newGateway(t, setup{stop: stop})
	server := httptest.NewServer(g.handler)
	defer server.Close()
	events, err := http.Get(server.URL + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	waited := make(chan int)
	go func() {
		res, err := http.Post(server.URL+"/v1/targets/people/records?wait=90s", "application/json", strings.NewReader(onePerson))
		if err != nil {
			t.Error(err)
			waited <- 0
			return
		}
		defer res.Body.Close()
		waited <- res.StatusCode
	}()
	end()
	if status := <-waited; status != 202 {
		t.Errorf("the wait is answered %d, want 202", status)
	}
	if _, err := io.Copy(io.Discard, events.Body); err != nil {
		t.Errorf("the stream breaks off: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}
