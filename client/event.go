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

// Event is something that happened at the gateway.
type Event struct {
	ID string
	// Kind is "record.done", "record.updated", "record.failed", "record.expired", "record.canceled", "target.paused",
	// "target.resumed", "delivery.failed", "target.removed", "target.returned", "breaker.opened", "breaker.closed", "destination.disabled",
	// "destination.enabled", "stopped" or "started".
	Kind   string
	Record *Record   // as it now is; nil for events about targets
	Target string    // "" for those about all
	Reason string    // of a pause, a breaker that opened, or a stop
	At     time.Time // of events about targets
}

// Follow says which events to follow.
type Follow struct {
	Target string // only this target's events, and those about all; "" for all
	After  string // the ID of the last event seen, of the last 7 days; "" to begin now
}

// silence is how long a stream may bring nothing: the gateway sends something every 15 s.
const silence = 45 * time.Second

// Events yields what happens, as it happens, until the context ends. When the connection is lost it comes back and goes
// on after the last event, so that none is missed. An error is one that time does not mend, and ends the sequence.
func (c *Client) Events(ctx context.Context, f Follow) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for try := 0; ; try++ {
			stopped := false
			err := c.follow(ctx, f, func(e Event) bool {
				f.After, try = e.ID, 0
				stopped = e.Kind != "" && !yield(e, nil)
				return !stopped
			})
			if stopped || ctx.Err() != nil {
				return
			}
			if err != nil && !Passing(err) {
				yield(Event{}, err)
				return
			}
			if rest(ctx, delay(err, try)) != nil {
				return
			}
		}
	}
}

// follow reads one connection's events until it ends, or tell says that it is enough.
func (c *Client) follow(ctx context.Context, f Follow, tell func(Event) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	r := request{method: "GET", path: "/v1/events", query: url.Values{}, header: http.Header{}}
	if f.Target != "" {
		r.query.Set("target", f.Target)
	}
	if f.After != "" {
		r.header.Set("Last-Event-ID", f.After)
	}
	res, err := c.send(ctx, r)
	if err != nil {
		return ended(ctx, err)
	}
	defer res.Body.Close()
	return ended(ctx, readEvents(res.Body, func() { watch.Reset(silence) }, tell))
}

// errSilent says that a stream brought nothing for longer than the gateway is ever silent.
var errSilent = &Unreachable{"the event stream", errors.New("it fell silent")}

// ended tells a stream that was given up from one whose reader left.
func ended(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// maxEvent bounds one line of a stream: a record, with its metadata and result.
const maxEvent = 8 << 20

// readEvents reads server-sent events. One without a kind tells a place in the stream, and nothing that happened.
func readEvents(from io.Reader, alive func(), tell func(Event) bool) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxEvent)
	var id, kind, data string
	for lines.Scan() {
		alive()
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value // the gateway writes one line
		case "":
			if lines.Text() != "" || id == "" {
				continue // a comment
			}
			e, err := parseEvent(id, kind, data)
			if err != nil {
				return err
			}
			if !tell(e) {
				return nil
			}
			id, kind, data = "", "", ""
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return &Unreachable{"the event stream broke off", err}
	}
	return lines.Err()
}

func parseEvent(id, kind, data string) (Event, error) {
	e := Event{ID: id, Kind: kind}
	if kind == "" {
		return e, nil
	}
	var err error
	if strings.HasPrefix(kind, "record.") || kind == "delivery.failed" {
		e.Record = &Record{}
		err = json.Unmarshal([]byte(data), e.Record)
		e.Target = e.Record.Target
	} else {
		var about struct {
			Target, Reason string
			At             time.Time
		}
		err = json.Unmarshal([]byte(data), &about)
		e.Target, e.Reason, e.At = about.Target, about.Reason, about.At
	}
	if err != nil {
		return e, fmt.Errorf("client: event %s is not the JSON expected: %w", id, err)
	}
	return e, nil
}
