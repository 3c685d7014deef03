package ledger

import (
	"errors"
	"time"
)

// Kind sorts the errors of the ledger by what the caller can do about them.
type Kind string

// The kinds of error.
const (
	Invalid     Kind = "invalid"                // the input can never be taken
	NotFound    Kind = "not_found"              // there is no such record, target or load
	Conflict    Kind = "conflict"               // the record's state does not allow it, or another input is under way
	Reused      Kind = "idempotency_key_reused" // the idempotency key came before, with another body
	Busy        Kind = "busy"                   // it is in use by another process, or cannot be reached for now: worth another try
	Foreign     Kind = "foreign"                // the ledger belongs to another Clay, or was written by a newer version
	Overdrawn   Kind = "budget_exhausted"       // the budget that would pay for it is spent, and turns new records away
	Full        Kind = "full"                   // no space is left for the ledger
	Unavailable Kind = "unavailable"            // it is closed, broken or does not do: trying again does not help
	Internal    Kind = "internal"               // a defect, or a damaged ledger
)

// Error is the error type of the ledger and its stores.
type Error struct {
	Kind    Kind
	Op      string // what was being done: "open", "accept", …
	Message string // what happened
	Hint    string // what the reader can do; may be empty
	Err     error  // the cause; may be nil
	// RetryAfter is how long it is until the same may be asked again; 0 when that is not known.
	RetryAfter time.Duration
}

// Error returns one line: what was being done, what happened and its cause.
func (e *Error) Error() string {
	s := e.Op
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of an error of this package, or [Internal] for any other.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
