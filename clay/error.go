package clay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Error is the one error type of this package: every error that a Client returns
// is an *Error. Get at it with errors.As, or ask for its kind with errors.Is:
//
//	var e *clay.Error
//	if errors.As(err, &e) && e.MayDuplicate() { … }
//	if errors.Is(err, clay.KindExhausted) { … }
//
// Its text never contains the webhook's URL or a token.
type Error struct {
	// Kind says what the failure means.
	Kind Kind
	// Op is the operation that failed, e.g. "send".
	Op string
	// Status is the HTTP status code, 0 when there was no answer.
	Status int
	// Body is the beginning of the answer's body, at most 1 KiB, on one line and
	// without control characters.
	Body string
	// RetryAfter is how long Clay asked to wait, 0 when it did not. At most 24 h.
	RetryAfter time.Duration
	// Outcome says how far the (last) try got.
	Outcome Outcome
	// RequestID is Clay's own name for the request, for its support; may be empty.
	RequestID string
	// RateLimit is what the answer said about the limit of the Public API, if anything.
	RateLimit *RateLimit
	// Quota is, for a search that was refused or stopped with KindPaymentRequired,
	// what this client last heard of the workspace's quota; nil when it never did.
	Quota *Quota
	// Hint says what a person can do about it; may be empty.
	Hint string
	// Err is the cause, nil when the status says it all.
	Err error
	// Attempts are all the tries, the last one included. Nil for an error of
	// SendOnce, or when nothing was tried.
	Attempts []Attempt

	harmless bool // a lookup: trying again makes no row
}

// WebhookError is the name that users of the reference document's clients know.
// Its statusCode is Status here.
type WebhookError = Error

// Error returns one line: what was tried, what happened and what to do about it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("clay: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(strings.ReplaceAll(e.Kind.String(), "_", " "))
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Body != "" {
		b.WriteString(" " + e.Body)
	}
	if len(e.Attempts) > 1 {
		fmt.Fprintf(&b, " after %d tries", len(e.Attempts))
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " (retry after %s)", e.RetryAfter)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, KindThrottled) and its like work.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// MayDuplicate reports whether sending the record again could make a second row
// at Clay, because this try or an earlier one may have made the first.
func (e *Error) MayDuplicate() bool {
	return !e.harmless && (e.Kind.MayDuplicate() || mayDuplicate(e.Attempts))
}

func mayDuplicate(tries []Attempt) bool {
	return slices.ContainsFunc(tries, func(a Attempt) bool { return a.MayDuplicate })
}

// with returns a copy that carries the list of tries.
func (e *Error) with(tries []Attempt) *Error {
	copied := *e
	copied.Attempts = tries
	if copied.MayDuplicate() && !e.Kind.MayDuplicate() {
		copied.Hint = "an earlier try may have made the row; " + e.Hint
	}
	return &copied
}

// refused is the error of something that was stopped before it was sent.
func refused(op string, kind Kind, hint string, cause error) *Error {
	return &Error{Kind: kind, Op: op, Outcome: NotSent, Hint: hint, Err: cause}
}

// asError returns the *Error in err, nil if there is none.
func asError(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}
