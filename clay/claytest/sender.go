package claytest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// sender sends what the column has to say, with the column's retries.
type sender struct {
	client   *http.Client
	book     *book
	enricher Enricher
}

// outgoing is one row's request, ready to go out as often as it takes.
type outgoing struct {
	row       *Row
	column    *column
	url, body string
}

// send makes the attempts and returns what the cell shows; not ok means that
// the server stopped meanwhile and nothing is known.
func (s *sender) send(ctx context.Context, out outgoing) (cell Cell, ok bool) {
	for attempt := 1; ; attempt++ {
		if !sleep(ctx, out.column.window.reserve(time.Now())) {
			return Cell{}, false
		}
		c := Callback{
			Row: out.row.Number, Webhook: out.row.Webhook, Attempt: attempt,
			At: time.Now(), URL: out.url, Body: out.body,
		}
		err := s.try(ctx, out, &c)
		c.Took = time.Since(c.At)
		if err != nil && ctx.Err() != nil {
			return Cell{}, false
		}
		retry := out.column.retryOn.has(c.Status)
		if err != nil {
			retry = retriable(err)
			c.Error = err.Error()
		}
		s.book.addCallback(out.row, c)
		if err == nil && c.Status/100 == 2 {
			return Cell{State: CellDone, Value: c.Response}, true
		}
		if !retry || attempt > out.column.Retries {
			return failed(c), true
		}
	}
}

// failed is the cell of a row that was given up.
func failed(c Callback) Cell {
	if c.Error != "" {
		return Cell{State: CellError, Error: c.Error}
	}
	return Cell{State: CellError, Error: fmt.Sprintf("HTTP %d", c.Status), Value: c.Response}
}

// try makes one attempt.
func (s *sender) try(ctx context.Context, out outgoing, c *Callback) error {
	ctx, cancel := context.WithTimeout(ctx, out.column.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, out.column.Method, out.url, strings.NewReader(out.body))
	if err != nil {
		return err
	}
	req.GetBody = nil // net/http must not send anything twice by itself
	req.Header.Set("Content-Type", "application/json")
	for name, values := range out.column.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxValue))
	if err != nil {
		return err
	}
	c.Status, c.Response = resp.StatusCode, string(body)
	return nil
}

// retriable reports whether Clay would send again after this failure to get an
// answer: it does after refused, reset and timed out connections. What cannot
// get better at once is not: names that do not resolve, bad certificates.
func retriable(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &dns) && !errors.As(err, &certificate) && !errors.Is(err, errNotLoopback)
}
