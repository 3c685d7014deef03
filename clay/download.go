package clay

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
)

// maxLine is the longest line of a results file, in bytes.
const maxLine = 64 << 20

const opDownload = "download results"

// download reads a bulk run's results. What comes is yielded at once and memory does
// not grow with it; when the download breaks or its link has died, it goes on with a
// fresh link after the lines that it has already read.
type download struct {
	run     *Run
	yield   func(ItemResult, error) bool
	stopped bool // by the one who is yielded to
	lines   int  // read and yielded
	sum     hash.Hash
}

// download yields the results of a bulk run that is complete.
func (r *Run) download(ctx context.Context, yield func(ItemResult, error) bool) {
	d := &download{run: r, yield: yield, sum: sha256.New()}
	for failures := 1; ; failures++ {
		before := d.lines
		e := d.try(ctx)
		switch {
		case d.stopped:
			return
		case e == nil:
			return
		case d.lines > before:
			failures = 1
		}
		r.forgetEnd()
		if !again(e.Kind) || failures > max(r.c.cfg.Retries, 0) || ctx.Err() != nil || sleep(ctx, backoff(backoffBase, failures, e.RetryAfter)) != nil {
			yield(ItemResult{}, e)
			return
		}
	}
}

// again says after which failures a fresh link may help: also after refusals, because
// that is how file stores answer to a link that has expired.
func again(k Kind) bool {
	return rereads(k) || k == KindForbidden || k == KindUnauthorized || k == KindNotFound || k == KindInvalid
}

// try reads the file from its beginning, once.
func (d *download) try(ctx context.Context) *Error {
	u, e := d.link(ctx)
	if e != nil {
		return e
	}
	c := d.run.c
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, e := c.open(ctx, signed{op: opDownload, method: http.MethodGet, url: u})
	if e != nil {
		return e
	}
	defer func() { _ = resp.Body.Close() }()
	body := bufio.NewReaderSize(watchIdle(resp.Body, c.cfg.Timeout, cancel), 64<<10)
	return d.read(ctx, body)
}

// link returns an address of the file that has just been made.
func (d *download) link(ctx context.Context) (*url.URL, *Error) {
	a := d.run.recentEnd()
	if a == nil {
		var err error
		if a, err = d.run.ask(ctx, ""); err != nil {
			return nil, asError(err)
		}
	}
	if err := d.run.failed(a); err != nil {
		return nil, asError(err)
	}
	return d.run.c.signedURL(opDownload, a.ResultURL)
}

// read passes over the lines it has read before and yields the others.
func (d *download) read(ctx context.Context, body *bufio.Reader) *Error {
	skipped := sha256.New()
	for n := 1; ; n++ {
		line, err := readLine(body)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			if n <= d.lines {
				return d.bad(n, errors.New("the file ends earlier than it did before"))
			}
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return d.broken(ctx, n, err)
		}
		if n <= d.lines {
			skipped.Write(line)
			if n == d.lines && !bytes.Equal(skipped.Sum(nil), d.sum.Sum(nil)) {
				return d.bad(n, errors.New("the file is not the one that was read before"))
			}
			continue
		}
		if e := d.pass(n, line); e != nil || d.stopped {
			return e
		}
	}
}

// pass yields one line.
func (d *download) pass(n int, line []byte) *Error {
	if text := bytes.TrimSpace(line); len(text) > 0 {
		var item ItemResult
		if err := json.Unmarshal(text, &item); err != nil {
			return d.bad(n, err)
		}
		d.stopped = !d.yield(item, nil)
	}
	d.sum.Write(line)
	d.lines = n
	return nil
}

func (d *download) bad(n int, cause error) *Error {
	return &Error{
		Kind: KindBadAnswer, Op: opDownload, Outcome: Answered, harmless: true,
		Err:  fmt.Errorf("line %d of the results is not understood: %s", n, excerpt([]byte(cause.Error()))),
		Hint: "the results stay at Clay for about a day; look at the file there",
	}
}

// broken is a download that ended in the middle.
func (d *download) broken(ctx context.Context, n int, cause error) *Error {
	if errors.Is(cause, bufio.ErrTooLong) {
		return d.bad(n, fmt.Errorf("it has more than %d bytes", maxLine))
	}
	if err := context.Cause(ctx); err != nil {
		cause = err
	}
	return &Error{
		Kind: KindUnknown, Op: opDownload, Outcome: Answered, harmless: true,
		Err:  fmt.Errorf("the download broke after %d lines: %w", n-1, cause),
		Hint: "the results stay at Clay for about a day; ask for them again",
	}
}

// readLine reads a line with its end. io.EOF may come with the last one.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = bytes.Clone(line)
	for {
		more, err := r.ReadSlice('\n')
		line = append(line, more...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > maxLine {
			return nil, bufio.ErrTooLong
		}
	}
}

func (r *Run) forgetEnd() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = nil
}
