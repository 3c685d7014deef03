package clay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// signed is a request to a presigned URL: an address on somebody's file store which
// is the credential itself. The API key has no business there.
type signed struct {
	op     string
	method string
	url    *url.URL
	body   io.Reader // nil: none
	size   int64
}

// signedURL checks an address that Clay gave. It never shows it.
func (c *Client) signedURL(op, raw string) (*url.URL, *Error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != c.api.Scheme {
		e := incomplete(op, answer{status: http.StatusOK}, "its address of the file is none")
		return nil, e
	}
	return u, nil
}

// open makes one try. The caller closes the answer's body.
func (c *Client) open(ctx context.Context, s signed) (*http.Response, *Error) {
	if err := ctx.Err(); err != nil {
		return nil, refused(s.op, KindNotSent, "nothing was sent", err)
	}
	pr := &probe{bodyBytes: s.size}
	r := (&http.Request{
		Method: s.method, URL: s.url, Host: s.url.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {userAgent}, "Accept-Encoding": {"identity"}},
		Body:   http.NoBody, ContentLength: s.size,
	}).WithContext(httptrace.WithClientTrace(ctx, pr.trace()))
	if s.body != nil {
		r.Header.Set("Content-Type", "application/x-ndjson")
		r.Body = io.NopCloser(s.body)
	}
	resp, err := c.rt.RoundTrip(r)
	if err != nil {
		e := c.failed(ctx, ctx, s.op, pr.outcome(err), newSecrets(s.url).clean(err))
		e.harmless = true
		return nil, e
	}
	hint, hinted := ParseRetryAfter(resp.Header)
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	body, _ := readBody(resp, maxBody)
	text := newSecrets(s.url).hide(c.secrets.hide(string(body)))
	return nil, &Error{
		Kind: kindOfStatus(resp.StatusCode, hinted, body), Op: s.op, Status: resp.StatusCode, Outcome: Answered,
		Body: excerpt([]byte(text)), RetryAfter: hint, harmless: true, Hint: "the file store refused; its addresses work for minutes only",
	}
}

// errIdle is the cause of a download that stood still.
var errIdle = errors.New("no byte came for as long as Config.Timeout")

// idleReader ends a download of which nothing comes any more. Only the time spent
// waiting for bytes counts, not what the reader's user needs between them.
type idleReader struct {
	r     io.Reader
	timer *time.Timer
	limit time.Duration
}

// watchIdle bounds the wait for each piece of a body; stop it when done.
func watchIdle(r io.Reader, limit time.Duration, cancel context.CancelCauseFunc) *idleReader {
	t := time.AfterFunc(limit, func() { cancel(errIdle) })
	t.Stop()
	return &idleReader{r: r, timer: t, limit: limit}
}

func (i *idleReader) Read(p []byte) (int, error) {
	i.timer.Reset(i.limit)
	defer i.timer.Stop()
	return i.r.Read(p)
}
