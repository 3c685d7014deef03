package claytest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// FaultKind says what goes wrong.
type FaultKind string

// The kinds of faults. The first group befalls requests, the second callbacks, the
// others runs of routines and the webhooks that tell of their end.
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
	// CutAnswer deals with the request, answers, and closes the connection after
	// [Fault.Bytes] of the answer's body.
	CutAnswer FaultKind = "cut-answer"

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

	// RunStall lets a run of a routine go on for ever: it is in progress whenever
	// it is asked for.
	RunStall FaultKind = "run-stall"
	// RunFail lets a bulk run end as processing_failed, and all items of another
	// one fail.
	RunFail FaultKind = "run-fail"

	// CompletionDouble sends a completion webhook twice, the second time
	// [Fault.Latency] after the first.
	CompletionDouble FaultKind = "completion-double"
	// CompletionLate sends it [Fault.Latency] later.
	CompletionLate FaultKind = "completion-late"
	// CompletionMissing never sends it.
	CompletionMissing FaultKind = "completion-missing"
)

// Fault is something that goes wrong, and when. Of several faults that hit the
// same request or callback the first one listed has it.
type Fault struct {
	Kind FaultKind `json:"kind"`

	// Rate is the share that is hit, 0 to 1, decided by hash of the seed and
	// the number. Default: all.
	Rate float64 `json:"rate,omitempty"`
	// From and To limit it to those numbers, counted from 1 and inclusive:
	// [Request.Number] for requests, [Row.Number] for callbacks,
	// [RoutineRun.Number] for the rest. Default: all.
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
	// Count ends the fault after so many hits. Default: never.
	Count int `json:"count,omitempty"`
	// Webhook limits it to the webhook of that name, for runs and completions to
	// that completion webhook. Default: all, and the other endpoints as well.
	Webhook string `json:"webhook,omitempty"`
	// Path limits it to requests whose path contains it. Default: all.
	Path string `json:"path,omitempty"`
	// When, if set, is asked as well, one request or row at a time. It must not
	// call the server.
	When func(Event) bool `json:"-"`

	// Latency is how long; see the kinds. Default 1 s.
	Latency time.Duration `json:"-"` // as text; see wire.go
	// Bytes of the body that are read before a reset, or sent before a cut. Default: none.
	Bytes int `json:"bytes,omitempty"`
	// Status are answered in turn. Default 500.
	Status []int `json:"status,omitempty"`
	// RetryAfter are the Retry-After headers, sent as they stand with every
	// status. Default: Clay's own "1" with 429; empty but not nil: none.
	RetryAfter []string `json:"retry_after,omitzero"`
	// Body is answered. Default: Clay's own with 429, else a JSON error, in the
	// form of the place that is asked.
	Body string `json:"body,omitempty"`
}

// Event is what a fault may hit.
type Event struct {
	// Number of the request, the row of a callback, or the run.
	Number  int
	Webhook string
	// Request is nil for all but requests. Do not read its body.
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

// These report which group the fault belongs to.
func (f *Fault) hitsCallback() bool   { return strings.HasPrefix(string(f.Kind), "callback-") }
func (f *Fault) hitsRun() bool        { return strings.HasPrefix(string(f.Kind), "run-") }
func (f *Fault) hitsCompletion() bool { return strings.HasPrefix(string(f.Kind), "completion-") }
func (f *Fault) hitsRequest() bool {
	return !f.hitsCallback() && !f.hitsRun() && !f.hitsCompletion()
}

// answer is what the hit-th hit, on that path, is answered.
func (f *Fault) answer(hit int, path string) answer {
	status := http.StatusInternalServerError
	if len(f.Status) > 0 {
		status = f.Status[hit%len(f.Status)]
	}
	a := refusal(status, "Fault", "Injected: "+http.StatusText(status))
	if status == http.StatusTooManyRequests {
		a = tooMany()
	}
	if strings.HasPrefix(path, PublicAPIPath) {
		a = answer{status: a.status, header: a.header, body: apiError(status, "Injected: "+http.StatusText(status)).body}
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
	case Slow, SlowAnswer, DropBefore, DropAfter, Reset, Answer, AnswerAfter, CutAnswer,
		CallbackDouble, CallbackLate, CallbackReorder, CallbackMissing,
		RunStall, RunFail, CompletionDouble, CompletionLate, CompletionMissing:
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
