package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RowOptions says what the rows of a load want. The zero value is the target's defaults.
type RowOptions struct {
	// NoResults awaits none, also where the target sends them.
	NoResults bool
	// DedupeBy names the fields that make two rows the same work. Nil for the target's; empty for none.
	DedupeBy []string
	// MaxAge is how old a result may be to answer. Nil for the target's; a pointer to 0 sends in any case.
	MaxAge *time.Duration
	// ResultTimeout is how long a result is awaited after the last send. 0 for the target's.
	ResultTimeout time.Duration
	// Retry names which rows of an earlier time are sent again: "failed", "expired", "uncertain".
	Retry []string
	// Partial says that these are not all rows of the load. Else what an earlier time left in the queue and these do not
	// have is canceled.
	Partial bool
	// DryRun says of each row what would become of it, and stores nothing; Fresh, as if no row of the load were known.
	DryRun, Fresh bool
}

// RowAnswer is what became of a row of a load.
type RowAnswer struct {
	N      int    // its place among the rows, from 0
	ID     string // "" when it was refused
	State  State
	Cached bool
	// InputDiffers says that the record whose work it shares has another input.
	InputDiffers bool
	Known        bool   // it had been handed in before
	Sends        int    // how often Clay had taken it before, or may have
	Would        string // of a dry run: "send"; "save", which is be answered without being sent; or "known"
	Err          error  // why it was refused: an [*Error]
}

// LoadRows hands the rows of a load in, all of them in one request, and yields what became of each, in order, once the
// gateway has read them all. A row is a value that becomes a JSON object: what goes to Clay. A row that comes with an error
// breaks the request off with it, so that what is missing is not taken for given up.
//
// The error that ends the sequence is that of the request. Handing the same rows in again, also by another process, is
// safe: they are the same records, and what was sent is not sent again.
func (c *Client) LoadRows(ctx context.Context, id string, rows iter.Seq2[any, error], o RowOptions) iter.Seq2[RowAnswer, error] {
	return func(yield func(RowAnswer, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		body := pour(rows)
		defer body.wait()
		defer cancel() // before the wait: it ends the request, which closes the body
		defer body.Close()
		res, err := c.send(ctx, request{
			method: http.MethodPost, path: loadPath(id) + "/rows", query: o.values(), kind: "application/x-ndjson", stream: body,
		})
		if err != nil {
			yield(RowAnswer{}, body.cause(err))
			return
		}
		defer res.Body.Close()
		told := 0
		for answer, err := range rowAnswers(res.Body) {
			if err == nil {
				told++
			}
			if !yield(answer, err) || err != nil {
				return
			}
		}
		body.Close()
		if sent := body.wait(); told != sent {
			yield(RowAnswer{}, &Unreachable{"the gateway's answer broke off", fmt.Errorf("%d rows of %d were answered", told, sent)})
		}
	}
}

func (o RowOptions) values() url.Values {
	values := url.Values{}
	for name, on := range map[string]bool{"partial": o.Partial, "dry_run": o.DryRun, "fresh": o.Fresh} {
		if on {
			values.Set(name, "1")
		}
	}
	if o.NoResults {
		values.Set("await", "0")
	}
	if o.DedupeBy != nil {
		values.Set("dedupe_by", strings.Join(o.DedupeBy, ","))
		if len(o.DedupeBy) == 0 {
			values.Set("dedupe_by", "none")
		}
	}
	if o.MaxAge != nil {
		values.Set("max_age", span(*o.MaxAge))
	}
	if o.ResultTimeout > 0 {
		values.Set("result_timeout", span(o.ResultTimeout))
	}
	if len(o.Retry) > 0 {
		values.Set("retry", strings.Join(o.Retry, ","))
	}
	return values
}

// rowStream is the rows on their way to the gateway.
type rowStream struct {
	*io.PipeReader
	done  chan struct{}
	lines int
	err   error // of the rows themselves
}

// pour writes the rows as lines for whoever reads.
func pour(rows iter.Seq2[any, error]) *rowStream {
	from, to := io.Pipe()
	s := &rowStream{PipeReader: from, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		w := bufio.NewWriterSize(to, 64<<10)
		for row, err := range rows {
			var line []byte
			if err == nil {
				line, err = encode(row)
			}
			if err != nil {
				s.err = err
				_ = to.CloseWithError(err)
				return
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return // nobody reads any more
			}
			s.lines++
		}
		if w.Flush() == nil {
			_ = to.Close()
		}
	}()
	return s
}

// wait waits for the end of the rows and returns how many were written.
func (s *rowStream) wait() int {
	<-s.done
	return s.lines
}

// cause returns why a request failed: for the rows' own error, when they had one.
func (s *rowStream) cause(err error) error {
	s.Close()
	if s.wait(); s.err != nil {
		return s.err
	}
	return err
}

// rowAnswers reads the answers to rows.
func rowAnswers(from io.Reader) iter.Seq2[RowAnswer, error] {
	return func(yield func(RowAnswer, error) bool) {
		dec := json.NewDecoder(from)
		for n := 0; ; n++ {
			var line struct {
				Line          int
				ID            string
				State         State
				Cached, Known bool
				InputDiffers  bool `json:"input_differs"`
				Sends         int
				Would         string
				Problem       *problem
			}
			err := dec.Decode(&line)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(RowAnswer{}, &Unreachable{"the gateway's answer broke off", err})
				return
			case line.Line != n+1:
				yield(RowAnswer{}, fmt.Errorf("client: the gateway answered row %d in the place of row %d", line.Line, n+1))
				return
			}
			a := RowAnswer{
				N: n, ID: line.ID, State: line.State, Cached: line.Cached, Known: line.Known, InputDiffers: line.InputDiffers,
				Sends: line.Sends, Would: line.Would,
			}
			if line.Problem != nil {
				a.Err = line.Problem.error()
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}
