package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/claygate/claygate/internal/ledger"
)

// clayError is the body of Clay's refusals (docs/clay.md).
type clayError struct {
	Type    string  `json:"type"`
	Message string  `json:"message"`
	Details *string `json:"details"`
}

// clayTypes are the names of the statuses that Clay-shaped answers have. Clay documents that of 429; the others follow it.
var clayTypes = map[int]string{
	400: "BadRequest", 401: "Unauthorized", 402: "PaymentRequired", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
	409: "Conflict", 429: "TooManyRequests", 500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable",
	504: "GatewayTimeout",
}

// clayRefusal is a refusal that has its status at Clay already.
type clayRefusal struct {
	status  int
	message string
	after   int // seconds after which the same request may succeed; 0 where that is not a matter of time
}

// Error implements error.
func (r *clayRefusal) Error() string { return r.message }

// asClay returns a refusal with Clay's status.
func asClay(status int, message string, args ...any) *clayRefusal {
	return &clayRefusal{status: status, message: fmt.Sprintf(message, args...)}
}

// clayRefusal returns an error as Clay would say it: whatever is wrong with the body is a 400 there, and whoever comes too
// early is told 429, the one status for which clients of Clay wait. Only what may have been stored all the same is a 503.
func (s *server) clayRefusal(err error) *clayRefusal {
	if r, ok := errors.AsType[*clayRefusal](err); ok {
		return r
	}
	p := s.problemOf(err)
	r := &clayRefusal{status: p.Status, message: p.Detail}
	switch p.Status {
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusConflict:
		r.status = http.StatusBadRequest
	case http.StatusTooManyRequests:
		r.after = p.retryAfter()
	case http.StatusServiceUnavailable:
		e, known := errors.AsType[*ledger.Error](err)
		if !known {
			r.after = 1
			break
		}
		r.after = kinds[e.Kind].retry
		if e.Kind != ledger.Foreign {
			r.status = http.StatusTooManyRequests
		}
	}
	return r
}

// hurry says when to come again, where that helps.
func (r *clayRefusal) hurry(c *call) {
	if r.after > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(r.after))
	}
}

// refuseAsClay answers as Clay would.
func (s *server) refuseAsClay(c *call, err error) error {
	r := s.clayRefusal(err)
	r.hurry(c)
	return c.answer(r.status, clayError{Type: cmp.Or(clayTypes[r.status], "Error"), Message: r.message})
}
