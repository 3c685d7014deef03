package claytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// WebhookPath is where Clay's webhook sources are; the webhook's id follows.
const WebhookPath = "/v3/sources/webhook/"

// inMemoryURL names an in-memory server. Names under .localhost are loopback
// by definition (RFC 6761), so a mistaken request never leaves the machine.
const inMemoryURL = "http://clay.localhost"

// Server is a running emulator. Its methods may be called from any goroutine.
type Server struct {
	opt       Options
	url       string
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	transport *http.Transport
	client    *http.Client
	callbacks *http.Client
	http      *http.Server
	conns     sync.WaitGroup
	stop      context.CancelFunc
	ctx       context.Context
	close     sync.Once
	running   sync.WaitGroup

	book     *book
	limiter  *limiter
	faults   *faults
	runner   *runner
	api      *api
	webhooks atomic.Pointer[map[string]Webhook] // nil: any
	arrivals atomic.Int64
}

// TB is what [New] needs of a test. A *testing.T is one; naming that would link the
// testing package into every program that can emulate Clay.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// New starts a server for a test, which fails at once if it cannot start, and
// closes it when the test ends.
func New(t TB, opt Options) *Server {
	t.Helper()
	s, err := Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server. It fails when it cannot listen, when the column or a
// fault makes no sense, and when the journal cannot be read or written. Close it
// when done.
func Start(opt Options) (*Server, error) {
	opt = opt.withDefaults()
	s := &Server{opt: opt, book: newBook(opt.Keep)}
	s.book.retention = opt.PublicAPI.Retention
	s.limiter = newLimiter(opt.PerSecond, opt.Burst)
	s.faults = &faults{seed: opt.Seed}
	s.api = newAPI(opt.PublicAPI)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.SetWebhooks(opt.Webhooks...)
	s.outbound()
	listener, err := s.prepare()
	if err != nil {
		s.stop()
		s.book.journal.close()
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ConnContext:       rememberConn,
		ConnState:         s.countConn,
	}
	s.running.Go(func() { _ = s.http.Serve(listener) })
	s.running.Go(func() { s.runner.run(s.ctx) })
	return s, nil
}

// outbound prepares what the columns need.
func (s *Server) outbound() {
	transport := s.opt.Transport
	if transport == nil {
		transport = callbackTransport(s.opt.LoopbackOnly)
	}
	s.callbacks = &http.Client{Transport: transport, CheckRedirect: noRedirects}
	s.runner = newRunner(s.ctx, s.opt.Seed, s.book)
	s.runner.faults = s.faults
	s.runner.send = &sender{client: s.callbacks, book: s.book, enricher: s.Enricher()}
}

// prepare brings back what the journal holds, puts faults and column in force
// and opens the way in.
func (s *Server) prepare() (net.Listener, error) {
	if err := s.faults.set(s.opt.Faults); err != nil {
		return nil, err
	}
	if err := s.openJournal(); err != nil {
		return nil, err
	}
	if err := s.SetColumn(s.opt.Column); err != nil {
		return nil, err
	}
	return s.listen()
}

// listen opens the way in and makes the client that knows it.
func (s *Server) listen() (net.Listener, error) {
	if s.opt.InMemory {
		pipe := NewPipe()
		s.url, s.dial, s.transport = inMemoryURL, pipe.DialContext, pipe.Transport()
		s.client = &http.Client{Transport: s.transport}
		return pipe, nil
	}
	listener, err := net.Listen("tcp", s.opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("claytest: cannot listen on %s: %w", s.opt.Listen, err)
	}
	address := listener.Addr().String()
	s.url = "http://" + address
	s.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	s.transport = &http.Transport{MaxIdleConnsPerHost: 64}
	s.client = &http.Client{Transport: s.transport}
	return listener, nil
}

// Close stops the server: it breaks the connections that are open, drops the
// callbacks that are under way and returns when nothing runs any more. Calling
// it again does nothing.
func (s *Server) Close() {
	s.close.Do(func() {
		s.stop()
		_ = s.http.Close()
		s.running.Wait()
		s.transport.CloseIdleConnections()
		s.conns.Wait()
		s.api.sending.Wait() // after the last request that could add to it
		s.callbacks.CloseIdleConnections()
		s.book.journal.close()
	})
}
