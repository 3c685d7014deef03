package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Problem is why a request, or one of its records, was refused: a problem of RFC 9457 with a hint.
type Problem struct {
	Type   string `json:"type"`   // where the kind of problem is described
	Title  string `json:"title"`  // the kind, for people
	Status int    `json:"status"` // the HTTP status
	Detail string `json:"detail"` // what happened this time
	Hint   string `json:"hint,omitempty"`
	Index  *int   `json:"index,omitempty"` // which element of an array it is about

	after time.Duration // until the same may be asked again; 0 for what its kind says
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// The kinds of problem that the ledger does not know.
const (
	unauthorized     ledger.Kind = "unauthorized"
	forbidden        ledger.Kind = "forbidden"
	methodNotAllowed ledger.Kind = "method_not_allowed"
	tooLarge         ledger.Kind = "too_large"
	unsupported      ledger.Kind = "unsupported_media_type"
	loop             ledger.Kind = "loop"

	invalid  = ledger.Invalid
	notFound = ledger.NotFound
	conflict = ledger.Conflict
)

// kinds is the one table from kinds of error to what HTTP says of them. Retry is the number of seconds after which
// the same request may succeed.
var kinds = map[ledger.Kind]struct {
	status      int
	title, hint string
	retry       int
}{
	ledger.Invalid:     {400, "The request is not valid", "mend it and send it again", 0},
	unauthorized:       {401, "An API key is needed", "send it as Authorization: Bearer cg_…; claygate keys create makes one", 0},
	forbidden:          {403, "Not allowed", "", 0},
	ledger.NotFound:    {404, "Not found", "check its name, and that your key reaches it", 0},
	methodNotAllowed:   {405, "Not possible here", "see /docs", 0},
	ledger.Conflict:    {409, "Not possible as things stand", "read it again: it may have moved on", 0},
	tooLarge:           {413, "Too large", "send less at once", 0},
	unsupported:        {415, "The body's format is not understood", "send JSON with Content-Type: application/json, not compressed", 0},
	ledger.Reused:      {422, "The idempotency key came before with another body", "use a new key for new content", 0},
	ledger.Overdrawn:   {429, "The budget is spent", "raise the budget, or come again when it turns", 60},
	ledger.Busy:        {503, "The ledger is busy", "try again; with an Idempotency-Key that is safe", 1},
	ledger.Full:        {503, "The ledger has no space left", "free space on the gateway's disk, then try again", 30},
	ledger.Unavailable: {503, "The ledger cannot be reached", "try again; with an Idempotency-Key that is safe", 5},
	ledger.Foreign:     {503, "The ledger belongs to another Clay or version", "see the gateway's log", 60},
	loop:               {508, "A destination leads back into the gateway", "forward elsewhere: a record would be sent, and paid, for ever", 0},
	ledger.Internal:    {500, "A defect, or a damaged ledger", "see the gateway's log", 0},
}

// refusal returns a problem of a kind.
func refusal(kind ledger.Kind, detail string, args ...any) *Problem {
	k := kinds[kind]
	return &Problem{
		Type: "/docs#" + string(kind), Title: k.title, Status: k.status, Detail: fmt.Sprintf(detail, args...), Hint: k.hint,
	}
}

// but returns the problem with another hint.
func (p *Problem) but(hint string) *Problem {
	p.Hint = hint
	return p
}

// problemOf returns what a caller is told of an error. What went wrong inside is for the log alone.
func (s *server) problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return refusal(ledger.Busy, "the ledger did not answer in time, so it is not known whether it took this")
	}
	e, ok := errors.AsType[*ledger.Error](err)
	if !ok || kinds[e.Kind].status == 0 || kinds[e.Kind].status == http.StatusInternalServerError {
		s.Log.Error("a request failed", "error", err)
		return refusal(ledger.Internal, "something went wrong inside")
	}
	if kinds[e.Kind].status >= 500 {
		s.Log.Warn("the ledger refuses", "error", err)
		if e.Kind == ledger.Full {
			s.fullAt.Store(time.Now().UnixNano())
		}
		return refusal(e.Kind, "the ledger does not take this now")
	}
	p := refusal(e.Kind, "%s", e.Message)
	if e.Hint != "" {
		p.Hint = e.Hint
	}
	p.after = e.RetryAfter
	return p
}

// refuse writes a problem, also to a client that seems to have left: with nothing written it would be a 200.
func (s *server) refuse(c *call, err error) {
	p := s.problemOf(err)
	text, _ := json.Marshal(p) // texts and numbers always encode
	text = append(text, '\n')
	h := c.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="claygate"`)
	}
	if after := p.retryAfter(); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
	c.w.WriteHeader(p.Status)
	_, _ = c.w.Write(text)
}

// retryAfter returns the seconds after which the request may succeed, 0 when that is not a matter of time.
func (p *Problem) retryAfter() int {
	if p.after > 0 {
		return int((p.after + time.Second - 1) / time.Second)
	}
	for kind, k := range kinds {
		if p.Type == "/docs#"+string(kind) {
			return k.retry
		}
	}
	return 0
}
