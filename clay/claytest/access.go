package claytest

import (
	"context"
	"net"
	"net/http"
	"net/url"
)

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

// DialContext connects to the server whatever the address, for clients with a
// dialer of their own.
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return s.dial(ctx, network, address)
}

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
// there was a column run now; rows whose enrichment is under way are sent the
// new way. It fails when Clay's editor would not save the column.
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

// Reset forgets rows, runs, requests, callbacks and what webhooks have used up, drops
// the callbacks that are due, fills the bucket and empties the journal. Columns,
// faults and webhooks stay.
func (s *Server) Reset() error {
	err := s.runner.reset(s.ctx)
	s.limiter.refill()
	s.api.clear(s.opt.PublicAPI)
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
