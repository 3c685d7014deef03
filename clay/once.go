package clay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
)

// maxBody is how much of Clay's answer to a record is kept, and how much more of any
// answer is read so that the connection can be used again, in bytes.
const maxBody = 64 << 10

// Receipt is Clay's answer to a record it took.
type Receipt struct {
	// Status is the answer's status, 200 to 299. Clay documents 200 and 202.
	Status int
	// Body is the beginning of the answer's body, at most 64 KiB. Clay does not
	// document it; treat it as opaque. It may be cut short: the row is taken all the same.
	Body []byte
	// Tries is how many it took, 1 or more.
	Tries int
	// MayDuplicate says that an earlier try may have made a row, too.
	MayDuplicate bool
}

// SendOnce makes exactly one try to send a record to the webhook: a struct, a map
// or anything else that encodes as a JSON object of at most MaxRecordBytes; a
// json.RawMessage goes out byte for byte. It does not pace, wait or repeat; Send does.
//
// A nil error means that Clay answered 2xx and has the row. Otherwise the error is
// an *Error whose Kind says what the failure means and whose MayDuplicate says
// whether sending the record again could make a second row. When ctx ends first
// the error wraps ctx.Err() and still says truly whether the record may be at Clay.
func (c *Client) SendOnce(ctx context.Context, record any) (Receipt, error) {
	body, err := c.prepare(record)
	if err != nil {
		return Receipt{}, err
	}
	r, e := c.sendOnce(ctx, body)
	if e != nil {
		return Receipt{}, e
	}
	return r, nil
}

func (c *Client) sendOnce(ctx context.Context, body []byte) (Receipt, *Error) {
	header := http.Header{}
	if c.cfg.WebhookToken != "" {
		header.Set("x-clay-webhook-auth", c.cfg.WebhookToken)
	}
	a, e := c.post(ctx, post{op: opSend, url: c.webhook, header: header, body: body, keep: maxBody})
	if e != nil {
		return Receipt{}, e
	}
	return Receipt{Status: a.status, Body: a.body, Tries: 1}, nil
}

// post is one JSON request to be tried once.
type post struct {
	op     string
	method string // POST when empty
	url    *url.URL
	header http.Header
	body   []byte
	keep   int64 // how much of the answer's body is kept
}

// answer is a 2xx with as much of its body as is kept.
type answer struct {
	status int
	header http.Header
	body   []byte
	// cut is why the body could not be read to its end, nil when it could.
	cut error
}

// post makes one try and tells every way it can end apart.
func (c *Client) post(ctx context.Context, p post) (answer, *Error) {
	if err := ctx.Err(); err != nil {
		return answer{}, refused(p.op, KindNotSent, "nothing was sent", whyEnded(ctx))
	}
	inner, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout,
		fmt.Errorf("no complete answer within %s: %w", c.cfg.Timeout, context.DeadlineExceeded))
	defer cancel()

	pr := &probe{bodyBytes: int64(len(p.body))}
	resp, err := c.rt.RoundTrip(request(httptrace.WithClientTrace(inner, pr.trace()), p))
	if err != nil {
		return answer{}, c.failed(ctx, inner, p.op, pr.outcome(err), err)
	}
	body, cut := readBody(resp, p.keep)
	hint, hinted := ParseRetryAfter(resp.Header)
	limit := parseRateLimit(resp.Header)
	if !hinted && resp.StatusCode == http.StatusTooManyRequests {
		hint = limit.wait()
	}
	kind := kindOfStatus(resp.StatusCode, hinted, body)
	if kind == 0 {
		return answer{status: resp.StatusCode, header: resp.Header, body: body, cut: cut}, nil
	}
	return answer{}, &Error{
		Kind: kind, Op: p.op, Status: resp.StatusCode, Outcome: Answered,
		Body: excerpt([]byte(c.secrets.hide(string(body)))), RetryAfter: hint, Hint: kind.hint(),
		RequestID: requestID(resp.Header), RateLimit: limit,
	}
}

// request builds the request. GetBody stays nil and no Idempotency-Key is set:
// either would let Go's transport send it again by itself after an error.
func request(ctx context.Context, p post) *http.Request {
	u := *p.url
	r := (&http.Request{
		Method:        cmp.Or(p.method, http.MethodPost),
		URL:           &u,
		Host:          u.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        p.header.Clone(),
		Body:          io.NopCloser(bytes.NewReader(p.body)),
		ContentLength: int64(len(p.body)),
	}).WithContext(ctx)
	if p.body == nil {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("User-Agent", userAgent)
	// Asked for as it is: a transport, this package's or another, that asked for gzip
	// would unpack it without a bound.
	r.Header.Set("Accept-Encoding", "identity")
	return r
}

var errTooLong = errors.New("the answer is too long")

// readBody reads what is kept, drains a little more so that the connection can be
// used again, and closes. An error leaves the status standing: it was answered.
func readBody(resp *http.Response, keep int64) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("the server switched protocols")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, keep))
	if err == nil {
		_, err = io.CopyN(io.Discard, resp.Body, maxBody)
	}
	if errors.Is(err, io.EOF) {
		return body, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, keep)
	}
	return body, err
}

// failed describes a round trip that ended without an answer.
func (c *Client) failed(ctx, inner context.Context, op string, o Outcome, err error) *Error {
	cause := c.secrets.clean(err)
	switch {
	case ctx.Err() != nil && (errors.Is(cause, ctx.Err()) || errors.Is(cause, context.Cause(ctx))):
		cause = whyEnded(ctx)
	case ctx.Err() != nil:
		cause = fmt.Errorf("%w (%w)", whyEnded(ctx), cause)
	case ctx.Err() == nil && inner.Err() != nil && !errors.Is(cause, context.DeadlineExceeded):
		cause = context.Cause(inner)
	}
	kind := kindOfFailure(o, err)
	return &Error{Kind: kind, Op: op, Outcome: o, Hint: failureHint(kind, cause), Err: cause}
}

// whyEnded is the error of a context that has ended, with the cause when there is one.
func whyEnded(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
