package claytest

import (
	"net/http"
	"strconv"
)

// answer is what an endpoint says, before faults have their way with it.
type answer struct {
	status int
	header http.Header // beyond Content-Type; may be nil
	body   string
	cut    bool // close the connection after keep bytes of the body
	keep   int
}

// Bodies and texts as documented (docs/clay.md, "Webhook sources"). The 429
// body and the 403 text are Clay's own words; the success body and the other
// texts are undocumented and chosen here: treat them as opaque.
const (
	bodyAccepted    = `{"success":true}`
	bodyTooMany     = `{"type":"TooManyRequests","message":"Too many requests. Wait a bit and retry.","details":null}`
	textRecordLimit = "Record limit reached for webhook"
)

func accepted() answer { return answer{status: http.StatusOK, body: bodyAccepted} }

func tooMany() answer {
	return answer{
		status: http.StatusTooManyRequests,
		header: http.Header{"Retry-After": {"1"}},
		body:   bodyTooMany,
	}
}

// refusal is an error in the shape of Clay's documented 429 body.
func refusal(status int, kind, message string) answer {
	return answer{status: status, body: encode(struct {
		Type    string  `json:"type"`
		Message string  `json:"message"`
		Details *string `json:"details"`
	}{Type: kind, Message: message})}
}

func badRequest(message string) answer {
	return refusal(http.StatusBadRequest, "BadRequest", message)
}

func notFound() answer {
	return refusal(http.StatusNotFound, "NotFound", "Not found")
}

func methodNotAllowed() answer {
	a := refusal(http.StatusMethodNotAllowed, "MethodNotAllowed", "Use POST")
	a.header = http.Header{"Allow": {http.MethodPost}}
	return a
}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, values := range a.header {
		h[name] = values
	}
	if a.cut {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body[:min(a.keep, len(a.body))]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body)) // the client may be gone; nothing is owed to it
}
