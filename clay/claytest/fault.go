package claytest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind string

// The kinds of faults. The first group befalls requests, the second callbacks.
const (
	// Slow waits for [Fault.Latency] before it deals with the request, which
	// it then does even if the client has gone.
	Slow FaultKind = "slow"
	// SlowAnswer stores the row, waits for [Fault.Latency] and then answers.
	SlowAnswer FaultKind = "slow-answer"
	// DropBefore reads the request and closes the connection: no row.
	DropBefore FaultKind = "drop-before"
	// DropAfter stores the row and closes the connection without an answer.
	DropAfter FaultKind = "drop-after"
	// Reset reads [Fault.Bytes] of the body and resets the connection: no row.
	Reset FaultKind = "reset"
	// Answer answers with one of [Fault.Status]: no row, no token taken.
	Answer FaultKind = "answer"
	// AnswerAfter stores the row and answers with one of [Fault.Status], as a
	// front end does that lost sight of its server.
	AnswerAfter FaultKind = "answer-after"

	// CallbackDouble sends the callback twice, the second time [Fault.Latency]
	// after the first began.
	CallbackDouble FaultKind = "callback-double"
	// CallbackLate sends the callback [Fault.Latency] later.
	CallbackLate FaultKind = "callback-late"
	// CallbackReorder keeps the callback until the next one has gone out, or
	// for [Fault.Latency] when none does.
	CallbackReorder FaultKind = "callback-reorder"
	// CallbackMissing never sends the callback.
	CallbackMissing FaultKind = "callback-missing"
)

// Fault is something that goes wrong, and when. Of several faults that hit the
// same request or callback the first one listed has it.
type Fault struct {
	Kind FaultKind `json:"kind"`

	// Rate is the share that is hit, 0 to 1, decided by hash of the seed and
	// the number. Default: all.
	Rate float64 `json:"rate,omitempty"`
	// From and To limit it to those numbers, counted from 1 and inclusive:
	// [Request.Number] for requests, [Row.Number] for callbacks. Default: all.
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
	// Count ends the fault after so many hits. Default: never.
	Count int `json:"count,omitempty"`
	// Webhook limits it to the webhook of that name. Default: all, and the
	// other endpoints as well.
	Webhook string `json:"webhook,omitempty"`
	// When, if set, is asked as well, one request or row at a time. It must not
	// call the server.
	When func(Event) bool `json:"-"`

	// Latency is how long; see the kinds. Default 1 s.
	Latency time.Duration `json:"-"` // as text; see wire.go
	// Bytes of the body that are read before a reset. Default: none.
	Bytes int `json:"bytes,omitempty"`
	// Status are answered in turn. Default 500.
	Status []int `json:"status,omitempty"`
	// RetryAfter are the Retry-After headers, sent as they stand with every
	// status. Default: Clay's own "1" with 429; empty but not nil: none.
	RetryAfter []string `json:"retry_after,omitzero"`
	// Body is answered. Default: Clay's own with 429, else a JSON error.
	Body string `json:"body,omitempty"`
}

// Event is what a fault may hit.
type Event struct {
	// Number of the request or, for callbacks, of the row.
	Number  int
	Webhook string
	// Request is nil for callbacks. Do not read its body.
	Request *http.Request
	// Body of the submission; nil for [Reset], which comes before it is read.
	Body []byte
}

// delay is Latency or its default.
func (f *Fault) delay() time.Duration {
	if f.Latency <= 0 {
		return time.Second
	}
	return f.Latency
}

// hitsCallback reports which of the two groups the fault belongs to.
func (f *Fault) hitsCallback() bool { return strings.HasPrefix(string(f.Kind), "callback-") }

// answer is what the hit-th hit is answered.
func (f *Fault) answer(hit int) answer {
	status := http.StatusInternalServerError
	if len(f.Status) > 0 {
		status = f.Status[hit%len(f.Status)]
	}
	a := refusal(status, "Fault", "Injected: "+http.StatusText(status))
	if status == http.StatusTooManyRequests {
		a = tooMany()
	}
	if f.RetryAfter != nil {
		a.header = http.Header{"Retry-After": f.RetryAfter}
	}
	if f.Body != "" {
		a.body = f.Body
	}
	return a
}

// check reports what is wrong with a fault.
func (f *Fault) check() error {
	switch f.Kind {
	case Slow, SlowAnswer, DropBefore, DropAfter, Reset, Answer, AnswerAfter,
		CallbackDouble, CallbackLate, CallbackReorder, CallbackMissing:
	default:
		return fmt.Errorf("claytest: there is no fault of the kind %q", f.Kind)
	}
	if f.Rate < 0 || f.Rate > 1 {
		return fmt.Errorf("claytest: fault %s: the rate is %v, not between 0 and 1", f.Kind, f.Rate)
	}
	if f.Bytes < 0 {
		return fmt.Errorf("claytest: fault %s: %d bytes cannot be read", f.Kind, f.Bytes)
	}
	for _, status := range f.Status {
		if status < 200 || status > 599 {
			return fmt.Errorf("claytest: fault %s: %d is no final HTTP status", f.Kind, status)
		}
	}
	return nil
}
