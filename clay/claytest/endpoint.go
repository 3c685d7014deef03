package claytest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// arrival is a request on its way through the server.
type arrival struct {
	request
	http *http.Request
	now  time.Time // when it is dealt with: on arrival, unless a fault delays it
	long bool      // the body was larger than MaxBody
}

// endpoint answers an arrival. It may fill in the arrival's row.
type endpoint func(*arrival) answer

// connKey is where a request's context has its connection.
type connKey struct{}

func rememberConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// countConn lets Close wait for the connections.
func (s *Server) countConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// serve makes a handler of an endpoint: it reads the body, lets faults strike,
// and records what arrived and what became of it before the client hears.
func (s *Server) serve(e endpoint) http.HandlerFunc { return s.serveUpTo(s.opt.MaxBody, e) }

// serveUpTo is serve with a limit of its own for the body, in bytes.
func (s *Server) serveUpTo(limit int, e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a := &arrival{http: r}
		a.now, a.number = time.Now(), int(s.arrivals.Add(1))
		a.at = a.now
		a.method, a.path, a.webhook = r.Method, r.URL.Path, r.PathValue("webhook")
		a.header = packHeader(r.Header)
		if h := s.strike(a, true); h != nil {
			s.reset(h, a)
		}
		if err := s.read(w, a, int64(limit)); err != nil {
			s.broken(a) // the client is gone; nobody to answer
		}
		ans, heard := s.respond(a, e)
		if !heard {
			s.broken(a)
		}
		a.status = ans.status
		if err := s.record(a); err != nil {
			ans = journalFailed()
		}
		ans.write(w)
	}
}

// strike asks for a fault; early ones come before the body is read.
func (s *Server) strike(a *arrival, early bool) *hit {
	e := Event{Number: a.number, Webhook: a.webhook, Request: a.http, Body: a.body}
	return s.faults.strike(e, func(f *Fault) bool { return f.hitsRequest() && (f.Kind == Reset) == early })
}

// reset reads a part of the body and resets the connection.
func (s *Server) reset(h *hit, a *arrival) {
	a.body, _ = io.ReadAll(io.LimitReader(a.http.Body, int64(h.Bytes))) // fewer, if it ends before
	if c, ok := a.http.Context().Value(connKey{}).(interface{ SetLinger(int) error }); ok {
		_ = c.SetLinger(0) // so that closing sends a reset
	}
	s.broken(a)
}

// respond runs the endpoint under the fault that hits it, if one does; not
// heard means that the client gets no answer.
func (s *Server) respond(a *arrival, e endpoint) (ans answer, heard bool) {
	h := s.strike(a, false)
	if h == nil {
		return e(a), true
	}
	switch h.Kind {
	case Answer:
		return h.answer(h.n, a.path), true
	case AnswerAfter:
		e(a)
		return h.answer(h.n, a.path), true
	case Slow:
		if sleep(s.ctx, h.delay()) {
			a.now = time.Now()
			return e(a), true
		}
	case SlowAnswer:
		ans = e(a)
		return ans, sleep(s.ctx, h.delay())
	case CutAnswer:
		ans = e(a)
		ans.cut, ans.keep = true, h.Bytes
		return ans, true
	case DropAfter:
		e(a)
	}
	return answer{}, false
}

// read reads the body, one byte more than the limit at the most.
func (s *Server) read(w http.ResponseWriter, a *arrival, limit int64) (err error) {
	if n := a.http.ContentLength; n >= 0 && n <= limit {
		a.body = make([]byte, n) // the usual case: exactly as much memory as it takes
		_, err = io.ReadFull(a.http.Body, a.body)
		return err
	}
	body := http.MaxBytesReader(w, a.http.Body, limit)
	a.body, err = io.ReadAll(body)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		a.long = true
		return nil
	}
	return err
}

// broken records a request that gets no answer and closes its connection.
func (s *Server) broken(a *arrival) {
	a.status = 0
	_ = s.record(a) // nobody is there to be told
	panic(http.ErrAbortHandler)
}

// record writes down what arrived.
func (s *Server) record(a *arrival) error {
	kept := a.request
	attrs := []slog.Attr{slog.String("method", a.method), slog.String("path", a.http.URL.Path), slog.Int("status", a.status)}
	if a.webhook != "" { // then the path is the webhook's secret
		attrs = []slog.Attr{attrs[0], slog.String("table", a.webhook), attrs[2], slog.Int("row", a.row)}
	}
	s.opt.Log.LogAttrs(a.http.Context(), slog.LevelInfo, "request", attrs...)
	return s.book.addRequest(&kept)
}

// journalFailed is the answer when what came could not be written down.
func journalFailed() answer {
	return refusal(http.StatusInternalServerError, "Internal", "the emulator cannot write its journal")
}
