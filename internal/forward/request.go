package forward

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// ViaHeader names the ledger that a request comes from, so that a gateway knows its own records when they come back in.
const ViaHeader = "Claygate-Via"

// Bounds of a request.
const (
	DefaultTimeout = 15 * time.Second // of a whole try; Standard Webhooks recommends 15 to 30 s
	maxAnswer      = 64 << 10         // bytes that are read of an answer
	maxExcerpt     = 200              // bytes of it that are kept
)

// transport returns connections of one destination's own. It knows no proxy, which would connect where the guard does
// not see it, and decompresses nothing.
func transport(reach Reach, conns int) *http.Transport {
	return &http.Transport{
		DialContext: dialer(reach).DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConns: conns, MaxIdleConnsPerHost: conns,
		MaxConnsPerHost: 0, IdleConnTimeout: 30 * time.Second, DisableCompression: true, MaxResponseHeaderBytes: maxAnswer,
	}
}

// sender makes requests to a destination.
type sender struct {
	transport *http.Transport
	timeout   time.Duration
	own       bool // the URL is a record's own: what is wrong with it is wrong with nothing else
}

func newSender(reach Reach, s Settings, timeout time.Duration) sender {
	return sender{transport: transport(reach, cmp.Or(s.Concurrency, DefaultConcurrency)), timeout: cmp.Or(timeout, DefaultTimeout)}
}

// close implements driver.
func (s sender) close() { s.transport.CloseIdleConnections() }

// request is one try.
type request struct {
	method, url string
	via         string
	header      http.Header
	body        []byte
}

// send makes one try and says how it ended. Redirects are not followed: what is sent is for who was named.
func (s sender) send(ctx context.Context, r request) ledger.DeliveryAnswer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, io.NopCloser(bytes.NewReader(r.body))) // so that it is not sent twice unasked
	if err != nil {
		return ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: "its URL is not one"}
	}
	req.ContentLength = int64(len(r.body))
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "claygate")
	req.Header.Set(ViaHeader, r.via)
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return s.unanswered(ctx, err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // its status was said; the rest is for people
	return s.answered(res, text)
}

// guardedReason says why the guard did not let a connection be made.
const guardedReason = "it leads to a private, local or reserved address: set allow_private where that is meant"

// unanswered says what no answer means. The cause is told without the URL, which is a secret.
func (s sender) unanswered(ctx context.Context, err error) ledger.DeliveryAnswer {
	a := ledger.DeliveryAnswer{Outcome: ledger.Unreachable}
	switch {
	case errors.Is(err, errGuarded):
		a.Reason = guardedReason
		if s.own {
			a.Outcome = ledger.Undelivered
		}
	case ctx.Err() != nil:
		a.Reason = fmt.Sprintf("no answer within %s", s.timeout)
	default:
		a.Reason = "no answer: " + causeOf(err)
	}
	return a
}

// causeOf names what broke, without addresses and URLs.
func causeOf(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return excerpt([]byte(text))
}

// answered says what an answer means.
func (s sender) answered(res *http.Response, text []byte) ledger.DeliveryAnswer {
	a := ledger.DeliveryAnswer{Outcome: ledger.NotTaken, Status: res.StatusCode}
	a.RetryAfter, _ = clay.ParseRetryAfter(res.Header)
	a.Reason = fmt.Sprintf("it answered %d", res.StatusCode)
	if said := excerpt(text); said != "" {
		a.Reason += ": " + said
	}
	switch code := res.StatusCode; {
	case code/100 == 2:
		return ledger.DeliveryAnswer{Outcome: ledger.Delivered, Status: code}
	case code/100 == 3:
		a.Reason = fmt.Sprintf("it answered %d, and redirects are not followed: set the URL to where it leads", code)
	case code == http.StatusGone && s.own:
		a.Outcome = ledger.Undelivered
	case code == http.StatusGone:
		a.Outcome, a.Reason = ledger.Gone, "it answered 410: it wants nothing more"
	case code == http.StatusLoopDetected:
		a.Outcome = ledger.Undelivered
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		a.Outcome = ledger.Unreachable
	}
	return a
}

// excerpt is the beginning of a text on one line, for people.
func excerpt(text []byte) string {
	s := strings.ToValidUTF8(string(text[:min(len(text), maxExcerpt)]), "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !utf8.ValidRune(r) {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
