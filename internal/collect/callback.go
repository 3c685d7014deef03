// Package collect brings results in: it authenticates what Clay sends back, finds the record that it belongs to and
// has the ledger complete it, before Clay hears that all is well.
package collect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// CallbackPath is where callbacks arrive, followed by the target's name.
const CallbackPath = "/callbacks/"

const (
	maxCallback = 1 << 20          // larger than any cell that Clay can send (docs/clay.md)
	holdAnswer  = 25 * time.Second // Clay waits longer; a busy ledger may recover in that time
)

// Target says how callbacks of one target are taken.
type Target struct {
	Name string
	// TicketField is the field that carries the ticket; [ledger.TicketField] by default.
	TicketField string
	// Secret, when set, must come in the header [SecretHeader] of every callback.
	Secret string
}

// SecretHeader is the static header that a Clay column can send, because Clay signs no callback (docs/clay.md).
const SecretHeader = "X-Claygate-Secret"

// Options says what a Callbacks handler works with.
type Options struct {
	Store   ledger.Events
	Tickets ledger.Tickets
	Targets []Target
	Log     *slog.Logger // default: none
}

// Callbacks takes the POSTs of Clay's HTTP API columns. A callback is on disk, and its record completed, before it is
// answered 200. When the ledger does not take it in time the answer is 429, which Clay retries.
type Callbacks struct {
	store   ledger.Events
	tickets ledger.Tickets
	targets map[string]Target
	log     *slog.Logger
}

// New returns the handler for POST [CallbackPath]{target}.
func New(o Options) *Callbacks {
	c := &Callbacks{store: o.Store, tickets: o.Tickets, targets: map[string]Target{}, log: o.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, t := range o.Targets {
		if t.TicketField == "" {
			t.TicketField = ledger.TicketField
		}
		c.targets[t.Name] = t
	}
	return c
}

// ServeHTTP implements http.Handler.
func (c *Callbacks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry, refusal := c.read(w, r)
	if refusal != nil {
		c.log.Warn("callback refused", "status", refusal.status, "reason", refusal.message)
		refusal.write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), holdAnswer)
	defer cancel()
	applied, err := c.store.Apply(ctx, []ledger.Entry{entry})
	if err != nil {
		c.log.Error("the ledger did not take a callback", "error", err)
		(&refused{http.StatusTooManyRequests, "the ledger is busy: run this cell again", 1}).write(w)
		return
	}
	if err := applied[0].Err; err != nil {
		c.log.Warn("callback matches no record", "record", entry.Record, "error", err)
	}
	answer(w, http.StatusOK, map[string]any{"ok": true})
}

// read authenticates a callback and returns what it brings.
func (c *Callbacks) read(w http.ResponseWriter, r *http.Request) (ledger.Entry, *refused) {
	target, ok := c.targets[strings.TrimPrefix(r.URL.Path, CallbackPath)]
	if !ok {
		return ledger.Entry{}, &refused{http.StatusNotFound, "there is no such target: check the column's URL", 0}
	}
	if r.Method != http.MethodPost {
		return ledger.Entry{}, &refused{http.StatusMethodNotAllowed, "set the column's method to POST", 0}
	}
	if target.Secret != "" && !same(r.Header.Get(SecretHeader), target.Secret) {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the header " + SecretHeader + " is missing or wrong: set it in the column", 0}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			_ = tooLarge
			return ledger.Entry{}, &refused{http.StatusRequestEntityTooLarge, "the body is over 1 MiB: send fewer columns", 0}
		}
		return ledger.Entry{}, &refused{http.StatusBadRequest, "the body ended too early", 0}
	}
	return c.match(target, body)
}

// match finds the ticket in a body and separates it from the result.
func (c *Callbacks) match(target Target, body []byte) (ledger.Entry, *refused) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &fields); err != nil || fields == nil {
		return ledger.Entry{}, &refused{http.StatusBadRequest, "the body must be one JSON object", 0}
	}
	var text string
	if json.Unmarshal(fields[target.TicketField], &text) != nil || strings.TrimSpace(text) == "" {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField +
			" is missing: add it to the column's body as /" + target.TicketField, 0}
	}
	ticket, err := c.tickets.Verify(text)
	if err != nil {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField + " does not hold what claygate sent with the row", 0}
	}
	delete(fields, target.TicketField)
	result, err := json.Marshal(fields)
	if err != nil {
		return ledger.Entry{}, &refused{http.StatusBadRequest, "the body cannot be kept", 0}
	}
	return ledger.Entry{
		Record:   ticket.Record,
		Event:    ledger.Result{Attempt: ticket.Attempt, Fields: result},
		Callback: &ledger.Callback{Target: target.Name, Body: body},
	}, nil
}

// same compares secrets in a time that depends on neither.
func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
