// Package collect brings results in: it authenticates what Clay sends back, finds the record that it belongs to and
// has the ledger complete it, before Clay hears that all is well.
package collect

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// CallbackPath is where callbacks arrive, followed by the target's name.
const CallbackPath = "/callbacks/"

const (
	maxCallback = 1 << 20          // larger than any cell that Clay can send (docs/clay.md)
	holdAnswer  = 25 * time.Second // Clay waits longer; a busy ledger may recover in that time
	askAgain    = time.Second      // how often a ledger that has no space, or is busy, is asked meanwhile
)

// Store is what collect needs of the ledger: of [ledger.Events] and [ledger.Reader].
type Store interface {
	Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error)
	Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error)
}

// Options says what a Callbacks handler works with.
type Options struct {
	Store   Store
	Tickets ledger.Tickets
	Targets []Target
	Log     *slog.Logger // default: none
	// Refused, when set, is told of every callback that was refused, with what its cell in Clay shows. It must not block.
	Refused func(Refusal)
	// Unmatched, when set, is told of every authentic callback that matches no record. It must not block.
	Unmatched func()
}

// Refusal is a callback that was refused.
type Refusal struct {
	Target  string // the one that its URL names, which need not exist
	Status  int
	Message string // holds nothing of what the callback brought
}

// Callbacks takes the POSTs of Clay's HTTP API columns. A callback is on disk, and its record completed, before it is
// answered 200. A ledger that has no space, or is busy, is given time, because Clay retries at once and once only; when it
// does not take the callback in that time the answer is 429, which Clay retries.
type Callbacks struct {
	store   Store
	tickets ledger.Tickets
	targets atomic.Pointer[map[string]Target] // replaced whole, see [Callbacks.Configure]
	log     *slog.Logger
	refused func(Refusal)
	strange func()
}

// New returns the handler for POST [CallbackPath]{target}.
func New(o Options) *Callbacks {
	c := &Callbacks{store: o.Store, tickets: o.Tickets, log: o.Log, refused: o.Refused, strange: o.Unmatched}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.Configure(o.Targets)
	return c
}

// Configure makes these the targets, from the next callback on. Those that were targets before go on being taken for as
// long as the process runs: what was sent is paid for, and calls back.
func (c *Callbacks) Configure(targets []Target) {
	byName := map[string]Target{}
	if before := c.targets.Load(); before != nil {
		maps.Copy(byName, *before)
	}
	for _, t := range targets {
		if t.TicketField == "" {
			t.TicketField = ledger.TicketField
		}
		byName[t.Name] = t
	}
	c.targets.Store(&byName)
}

// ServeHTTP implements http.Handler.
func (c *Callbacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, refusal := c.read(w, r)
	if refusal != nil {
		c.log.Warn("callback refused", "status", refusal.status, "reason", refusal.message)
		refusal.write(w)
		if c.refused != nil {
			c.refused(Refusal{strings.TrimPrefix(r.URL.Path, CallbackPath), refusal.status, refusal.message})
		}
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), holdAnswer)
	defer cancel()
	crash.Point(crash.CallbackRead)
	applied, err := c.keep(ctx, entry)
	crash.Point(crash.CallbackKept)
	if err != nil {
		c.log.Error("the ledger did not take a callback", "error", err)
		busy.write(w)
		return
	}
	if applied.Err != nil {
		c.log.Warn("callback matches no record", "record", entry.Record, "error", applied.Err)
		if c.strange != nil {
			c.strange()
		}
	} else if r := applied.Record; r.Erased {
		c.log.Info("nothing is kept of a callback, because its record was erased", "record", r.ID)
	} else if r.Revision == 0 && !applied.Fresh {
		c.log.Info("callback kept, and its record stays open", "record", r.ID, "state", r.State, "reason", r.Reason)
	}
	accept(w)
}

// keep has the ledger take a callback. It asks until the context ends where that may help.
func (c *Callbacks) keep(ctx context.Context, entry ledger.Entry) (ledger.Applied, error) {
	for {
		applied, err := c.store.Apply(ctx, []ledger.Entry{entry})
		if err == nil {
			return applied[0], nil
		}
		if kind := ledger.KindOf(err); kind != ledger.Full && kind != ledger.Busy {
			return ledger.Applied{}, err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return ledger.Applied{}, err
		}
	}
}

// read authenticates a callback and returns what it brings.
func (c *Callbacks) read(w http.ResponseWriter, r *http.Request) (ledger.Entry, *refused) {
	name := strings.TrimPrefix(r.URL.Path, CallbackPath)
	target, ok := c.target(name)
	if !ok {
		return c.readUnknown(w, r, name)
	}
	if r.Method != http.MethodPost {
		return ledger.Entry{}, &refused{http.StatusMethodNotAllowed, "set the column's method to POST", 0}
	}
	if refusal := target.admits(r); refusal != nil {
		return ledger.Entry{}, refusal
	}
	body, refusal := readBody(w, r)
	if refusal != nil {
		return ledger.Entry{}, refusal
	}
	entry, refusal := c.match(target, body)
	if refusal == nil {
		refusal = c.owned(r.Context(), r, target, entry.Record)
	}
	return entry, refusal
}

// readUnknown takes a callback for a target that is not configured, as after a restart without it: when its ticket
// proves that the row was sent from here, it was paid for.
func (c *Callbacks) readUnknown(w http.ResponseWriter, r *http.Request, name string) (ledger.Entry, *refused) {
	nobody := &refused{http.StatusNotFound, "there is no such target: check the column's URL", 0}
	if r.Method != http.MethodPost {
		return ledger.Entry{}, nobody
	}
	body, refusal := readBody(w, r)
	if refusal != nil {
		return ledger.Entry{}, nobody
	}
	target := Target{Name: name, TicketField: ledger.TicketField}
	entry, refusal := c.match(target, body)
	if refusal != nil {
		return ledger.Entry{}, nobody
	}
	return entry, c.owned(r.Context(), r, target, entry.Record)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refused) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, &refused{http.StatusRequestEntityTooLarge, "the body is over 1 MiB: send fewer columns", 0}
		}
		return nil, &refused{http.StatusBadRequest, "the body ended too early", 0}
	}
	return body, nil
}
