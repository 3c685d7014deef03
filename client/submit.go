package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// Submission is one record of many.
type Submission struct {
	Fields  any // what goes to Clay: a value that becomes a JSON object
	Options Options
}

// Accepted is what the gateway says of one record of many.
type Accepted struct {
	N      int    // its place among the submissions, from 0
	ID     string // "" when it was refused
	State  State
	Cached bool
	// InputDiffers says that the record whose work it shares has another input.
	InputDiffers bool
	Err          error // why it was refused: an [*Error], or what kept it from being sent as JSON
}

// Submissions are sent in requests of at most so many lines and, unless one alone is larger, so many bytes: as many as
// are worth a request, and few enough to hold.
const (
	requestLines = 2_000
	requestBytes = 4 << 20
)

// SubmitAll hands records in, many with each request, and yields what became of each, in order. One that is refused does
// not hinder the others. The error, which ends the sequence, is that of a request: what it was told of was not yielded,
// and the gateway may have taken it. Records without a dedupe key may then be handed in twice by who repeats them; an
// Options.IdempotencyKey or Wait has no meaning here.
func (c *Client) SubmitAll(ctx context.Context, target string, records iter.Seq[Submission]) iter.Seq2[Accepted, error] {
	return func(yield func(Accepted, error) bool) {
		b := &bulk{}
		for s := range records {
			b.add(s)
			if len(b.answers) < requestLines && b.text.Len() < requestBytes {
				continue
			}
			if !c.flush(ctx, target, b, yield) {
				return
			}
		}
		c.flush(ctx, target, b, yield)
	}
}

// bulk is one request of many records.
type bulk struct {
	n       int // the place of its first record
	text    bytes.Buffer
	answers []Accepted
	lines   []int // for each line the place of its answer
}

func (b *bulk) add(s Submission) {
	a := Accepted{N: b.n + len(b.answers)}
	line, err := encode(envelope(s.Fields, s.Options))
	if err != nil {
		a.Err = err
	} else {
		b.lines = append(b.lines, len(b.answers))
		b.text.Write(line)
		b.text.WriteByte('\n')
	}
	b.answers = append(b.answers, a)
}

// flush sends the request and yields its answers.
func (c *Client) flush(ctx context.Context, target string, b *bulk, yield func(Accepted, error) bool) bool {
	if len(b.lines) > 0 {
		if err := c.sendLines(ctx, target, b); err != nil {
			yield(Accepted{N: b.n}, err)
			return false
		}
	}
	for _, a := range b.answers {
		if !yield(a, nil) {
			return false
		}
	}
	*b = bulk{n: b.n + len(b.answers)}
	return true
}

func (c *Client) sendLines(ctx context.Context, target string, b *bulk) error {
	text, err := c.once(ctx, request{
		method: "POST", path: targetPath(target) + "/records", body: b.text.Bytes(), kind: "application/x-ndjson", patience: usual,
	})
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	told := 0
	for ; ; told++ {
		var answer struct {
			Line    int
			ID      string
			State   State
			Cached  bool
			Differs bool `json:"input_differs"`
			Problem *problem
		}
		if err := dec.Decode(&answer); err == io.EOF {
			break
		} else if err != nil || answer.Line < 1 || answer.Line > len(b.lines) {
			return fmt.Errorf("client: the gateway's answer to line %d makes no sense (%w)", told+1, err)
		}
		a := &b.answers[b.lines[answer.Line-1]]
		a.ID, a.State, a.Cached, a.InputDiffers = answer.ID, answer.State, answer.Cached, answer.Differs
		if answer.Problem != nil {
			a.Err = answer.Problem.error()
		}
	}
	if told < len(b.lines) {
		return fmt.Errorf("client: the gateway answered %d lines of %d", told, len(b.lines))
	}
	return nil
}
