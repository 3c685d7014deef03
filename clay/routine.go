package clay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"
)

const (
	// MaxRunItems is how many items one inline run takes (docs/clay.md).
	MaxRunItems = 100
	// MaxIDLength is the longest id of an item, a routine or a completion webhook,
	// in characters (UTF-16 units, the strictest reading).
	MaxIDLength = 64
)

// Routine is a function or a workflow of Clay. Make one with Client.Routine.
type Routine struct {
	c  *Client
	id string
}

// Routine returns the routine of that id, e.g. "function:t_…" or "workflow:…", as
// Clay shows it. It is not looked up: one that does not exist fails when it is run.
func (c *Client) Routine(id string) *Routine { return &Routine{c: c, id: id} }

// ID returns the routine's id.
func (r *Routine) ID() string { return r.id }

// Item is one thing for a routine to work on.
type Item struct {
	// ID is yours and comes back with the result: 1 to 64 characters, not twice in a run.
	ID string
	// Inputs are what the routine asks for, by the names that Clay shows: a map, a
	// struct or a json.RawMessage that encodes as a JSON object.
	Inputs any
}

// RunOptions are what else a run may have.
type RunOptions struct {
	// WebhookID is the id (wh_…) of a completion webhook to tell when the run has
	// ended; see CompletionHandler. Default: none.
	WebhookID string
}

// Run starts the routine on 1 to 100 items and returns as soon as Clay has taken them.
// The run goes on at Clay: get its results with Run.Results.
//
// Each start may cost. Clay has no idempotency key, so a start is tried again only when
// it surely did not arrive (KindNotSent, KindThrottled). After any other failure the
// error's MayDuplicate says whether the run may have started all the same.
func (r *Routine) Run(ctx context.Context, items []Item, opts RunOptions) (*Run, error) {
	start, err := r.inline(items, opts)
	if err != nil {
		return nil, err
	}
	out, a, err := ask[started](ctx, r.c, start)
	return r.c.begun(out, a, false, err)
}

// RunOnce makes exactly one try to start the routine, without pacing or waiting. It
// fails as Run does.
func (r *Routine) RunOnce(ctx context.Context, items []Item, opts RunOptions) (*Run, error) {
	start, err := r.inline(items, opts)
	if err != nil {
		return nil, err
	}
	return r.c.beginOnce(ctx, start, false)
}

func (c *Client) beginOnce(ctx context.Context, start call, bulk bool) (*Run, error) {
	if e := c.needKey(start.op); e != nil {
		return nil, e
	}
	p, e := c.prepareCall(start)
	if e != nil {
		return nil, e
	}
	out, a, e := askOnce[started](ctx, c, start, p)
	if e != nil {
		return nil, e
	}
	return c.begun(out, a, bulk, nil)
}

const opRun = "run routine"

// started is the answer to a start.
type started struct {
	ID string `json:"routine_run_id"`
}

// begun makes a run of the answer to its start.
func (c *Client) begun(out started, a answer, bulk bool, err error) (*Run, error) {
	if err != nil {
		return nil, err
	}
	if out.ID == "" { // it runs, but nobody can ask for it
		e := incomplete(opRun, a, "it holds no routine_run_id")
		e.Kind, e.Hint, e.harmless = KindUnknown, startHint, false
		return nil, e
	}
	if bulk {
		return c.BulkRun(out.ID), nil
	}
	return c.Run(out.ID), nil
}

// wireItem is an item as Clay wants it.
type wireItem struct {
	ID     string `json:"id"`
	Inputs any    `json:"inputs"`
}

// inline checks what Clay would refuse, so that it costs no request.
func (r *Routine) inline(items []Item, opts RunOptions) (call, error) {
	if e := checkStart(r.id, opts); e != nil {
		return call{}, e
	}
	if len(items) == 0 || len(items) > MaxRunItems {
		return call{}, refused(opRun, KindInvalid, "split them, or use Bulk for many",
			fmt.Errorf("%d items; a run takes 1 to %d", len(items), MaxRunItems))
	}
	wire, seen := make([]wireItem, len(items)), map[string]bool{}
	for i, it := range items {
		if seen[it.ID] {
			return call{}, refused(opRun, KindInvalid, "give every item an id of its own", fmt.Errorf("item %d: the id %q occurs twice", i, it.ID))
		}
		seen[it.ID] = true
		w, e := checkItem(opRun, i, it)
		if e != nil {
			return call{}, e
		}
		wire[i] = w
	}
	return call{
		op: opRun, method: http.MethodPost, path: []string{"routines", r.id, "run"},
		body: struct {
			Items     []wireItem `json:"items"`
			WebhookID string     `json:"webhook_id,omitempty"`
		}{wire, opts.WebhookID},
		starts: true, repeatable: restarts, hints: startHints,
	}, nil
}

var startHints = map[Kind]string{
	KindNotFound: "the workspace of this key has no such routine; copy its id from Clay, e.g. function:t_…",
}

func checkStart(routine string, opts RunOptions) *Error {
	switch {
	case idLength(routine) < 1 || idLength(routine) > MaxIDLength || strings.Trim(routine, ".") == "":
		return refused(opRun, KindInvalid, "copy it from Clay; it looks like function:t_… or workflow:…",
			fmt.Errorf("the routine's id has %d characters; it has 1 to %d, not only dots", idLength(routine), MaxIDLength))
	case idLength(opts.WebhookID) > MaxIDLength:
		return refused(opRun, KindInvalid, "it looks like wh_…", fmt.Errorf("the webhook's id has more than %d characters", MaxIDLength))
	}
	return nil
}

// checkItem encodes an item's inputs.
func checkItem(op string, i int, it Item) (wireItem, *Error) {
	if n := idLength(it.ID); n < 1 || n > MaxIDLength {
		return wireItem{}, refused(op, KindInvalid, "use a shorter id of your own and keep the long one beside it",
			fmt.Errorf("item %d: the id %.80q has %d characters; it may have 1 to %d", i, it.ID, n, MaxIDLength))
	}
	body, err := marshal(it.Inputs)
	if err == nil {
		if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
			err = errors.New("the inputs are not a JSON object")
		}
	}
	if err != nil {
		return wireItem{}, refused(op, KindInvalid, "inputs are an object: a map with string keys, a struct, or json.RawMessage holding one",
			fmt.Errorf("item %d (%q): %w", i, it.ID, err))
	}
	return wireItem{ID: it.ID, Inputs: json.RawMessage(body)}, nil
}

func idLength(id string) int { return len(utf16.Encode([]rune(id))) }
