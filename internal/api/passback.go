package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// exchange sends a call to Clay, once, and its answer back. A redirect is never followed, nor shown: the caller would follow
// it with its own key.
func (s *server) exchange(c *call, up *Upstream, out *http.Request) error {
	c.patient(passTime)
	ctx, cancel := context.WithTimeout(c.Context(), passTime)
	defer cancel()
	begin := time.Now()
	resp, err := s.Outgoing.RoundTrip(out.WithContext(ctx))
	if err != nil {
		signal := ledger.Signal{Kind: ledger.Unused, Age: time.Since(begin)}
		if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
			signal.Kind = ledger.Blocked
			s.refund(c)
		}
		s.tell(c, up.Lane, signal)
		return unpassed(c, err)
	}
	defer func() { _ = resp.Body.Close() }()
	s.tell(c, up.Lane, signalOf(resp, begin))
	if startedNothing(resp) {
		s.refund(c)
	}
	switch {
	case resp.StatusCode/100 == 3 || resp.StatusCode < 200:
		return asClay(http.StatusBadGateway, "Clay answered %d, a redirect, which is not followed", resp.StatusCode)
	case resp.Header.Get("Content-Encoding") != "":
		return asClay(http.StatusBadGateway, "Clay's answer is compressed although nobody asked for that")
	case resp.ContentLength > maxAnswer:
		return asClay(http.StatusBadGateway, "Clay's answer is %d bytes, and %d is the most", resp.ContentLength, maxAnswer)
	}
	s.heardOfRun(c, up, resp)
	c.passBack(up, resp)
	return nil
}

// unpassed says why a call has no answer. Whether Clay has heard it is not known.
func unpassed(c *call, err error) error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return asClay(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLong.Limit)
	}
	switch {
	case c.Context().Err() != nil:
		return c.Context().Err()
	case errors.Is(err, context.DeadlineExceeded):
		return asClay(http.StatusGatewayTimeout, "Clay did not answer in %s; it may have heard the call all the same", passTime)
	}
	return asClay(http.StatusBadGateway, "Clay's answer did not come; it may have heard the call all the same")
}

// signalOf says what an answer tells of the lane's pace.
func signalOf(resp *http.Response, begin time.Time) ledger.Signal {
	after, _ := clay.ParseRetryAfter(resp.Header)
	signal := ledger.Signal{Kind: ledger.Flowing, Age: time.Since(begin)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusTooEarly:
		signal.Kind, signal.RetryAfter, signal.Throttled = ledger.Blocked, after, true
	case resp.StatusCode == http.StatusServiceUnavailable && after > 0:
		signal.Kind, signal.RetryAfter = ledger.Blocked, after
	}
	return signal
}

// passBack writes Clay's answer. It is foreign content on this gateway's origin, so no browser shall run it, and wherever it
// holds the workspace's key that is blotted out.
func (c *call) passBack(up *Upstream, resp *http.Response) {
	h := c.w.Header()
	for name, values := range resp.Header {
		if comesBack(name) && !strings.Contains(strings.Join(values, "\n"), up.Key) {
			h[name] = values
		}
	}
	h.Set(workspace, up.Workspace)
	h["X-Content-Type-Options"] = noSniff
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if up.Emulated {
		h.Set("Claygate-Emulated", "true")
	}
	c.w.WriteHeader(resp.StatusCode)
	body := &blotter{from: io.LimitReader(resp.Body, maxAnswer+1), secret: []byte(up.Key)}
	n, err := io.Copy(c.w, body)
	if err != nil || n > maxAnswer {
		panic(http.ErrAbortHandler) // an answer that is cut short must not look whole
	}
}

// comesBack reports whether a field of Clay's header is passed back: no cookie, no place, nothing of the connection's.
func comesBack(name string) bool {
	switch name {
	case "Content-Type", "Content-Language", "Date", "Deprecation", "Request-Id", "Retry-After", "Sunset", "X-Request-Id":
		return true
	}
	return strings.HasPrefix(name, "X-Ratelimit-")
}
