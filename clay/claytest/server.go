package claytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
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
	webhooks atomic.Pointer[map[string]Webhook] // nil: any
	arrivals atomic.Int64
}

// New starts a server for a test, which fails at once if it cannot start, and
// closes it when the test ends.
func New(t testing.TB, opt Options) *Server {
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
	s.limiter = newLimiter(opt.PerSecond, opt.Burst)
	s.faults = &faults{seed: opt.Seed}
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
		s.url, s.transport = inMemoryURL, pipe.Transport()
		s.client = &http.Client{Transport: s.transport}
		return pipe, nil
	}
	listener, err := net.Listen("tcp", s.opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("claytest: cannot listen on %s: %w", s.opt.Listen, err)
	}
	s.url = "http://" + listener.Addr().String()
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
		s.callbacks.CloseIdleConnections()
		s.conns.Wait()
		s.book.journal.close()
	})
}

// URL is the server's base URL, without a slash at its end. In memory it only
// names the server; see [Server.Client].
func (s *Server) URL() string { return s.url }

// WebhookURL is the URL of the webhook of that name, such as
// http://127.0.0.1:4711/v3/sources/webhook/people.
func (s *Server) WebhookURL(name string) string { return s.url + WebhookPath + url.PathEscape(name) }

// Client reaches the server, in memory too. It is plain: no timeout, and it
// follows redirects, of which the server sends none.
func (s *Server) Client() *http.Client { return s.client }

// Transport is the client's transport. In memory every URL leads to the server,
// whatever its host.
func (s *Server) Transport() *http.Transport { return s.transport }

// SetWebhooks replaces the list of webhooks that exist; none at all means that
// any does. Rows, and the submissions counted, stay.
func (s *Server) SetWebhooks(webhooks ...Webhook) {
	if len(webhooks) == 0 {
		s.webhooks.Store(nil)
		return
	}
	known := make(map[string]Webhook, len(webhooks))
	for _, w := range webhooks {
		known[w.Name] = w
	}
	s.webhooks.Store(&known)
}

// SetColumn puts a column in the place of the one for the same webhook, or of
// everybody's. A column without a URL takes it away. Rows that came before
// there was a column run now; rows that wait are sent the new way. It fails when
// Clay's editor would not save the column.
func (s *Server) SetColumn(c Column) error {
	col, err := compile(c)
	if err != nil {
		return err
	}
	s.runner.set(c.Webhook, col)
	return nil
}

// SetFaults replaces the faults. Callbacks of rows that are waiting keep what
// was decided when the row came.
func (s *Server) SetFaults(list ...Fault) error { return s.faults.set(list) }

// RunMissing runs the column for the kept rows that have not run or have
// errors, as Clay's button does, and returns how many those are.
func (s *Server) RunMissing() int {
	return s.runner.runRows(func(row *Row) bool {
		return row.Cell.State != CellDone && row.Cell.State != CellSkipped
	})
}

// RunAll runs the column again for all kept rows and returns how many. Those
// that are waiting already run once.
func (s *Server) RunAll() int { return s.runner.runRows(func(*Row) bool { return true }) }

// Reset forgets rows, requests, callbacks and what webhooks have used up, drops
// the callbacks that are due, fills the bucket and empties the journal. Columns,
// faults and webhooks stay.
func (s *Server) Reset() error {
	err := s.runner.reset(s.ctx)
	s.limiter.refill()
	s.arrivals.Store(0)
	return err
}

// Rows returns the rows that are kept, oldest first.
func (s *Server) Rows() []Row { return s.book.copyRows() }

// Requests returns the requests that are kept, in the order of their answers.
func (s *Server) Requests() []Request { return s.book.copyRequests() }

// Callbacks returns the callback attempts that are kept, in the order in which
// they ended.
func (s *Server) Callbacks() []Callback { return s.book.copyCallbacks() }

// Stats returns the counters.
func (s *Server) Stats() Stats { return s.book.copyStats() }

// Enricher is the server's own, with its seed and its misses, for tests that
// foresee what comes back.
func (s *Server) Enricher() Enricher {
	misses := s.opt.Misses
	if misses == 0 {
		misses = DefaultMisses
	}
	return Enricher{Seed: s.opt.Seed, Misses: misses}
}
