package collect

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// match finds the ticket in a body and separates it from the result.
func (c *Callbacks) match(target Target, body []byte) (ledger.Entry, *refused) {
	var fields map[string]json.RawMessage
	readable := bytes.ToValidUTF8(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), []byte("\uFFFD"))
	if err := json.Unmarshal(readable, &fields); err != nil || fields == nil {
		return ledger.Entry{}, &refused{http.StatusBadRequest, "the body must be one JSON object", 0}
	}
	field := ticketField(fields, target.TicketField)
	var text string
	if json.Unmarshal(fields[field], &text) != nil || strings.TrimSpace(text) == "" {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField +
			" is missing: add it to the column's body as /" + target.TicketField, 0}
	}
	ticket, err := c.tickets.Verify(text)
	if err != nil {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField + " does not hold what claygate sent with the row", 0}
	}
	delete(fields, field)
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

// ticketField returns the name under which the ticket came: people who write a column's body by hand change its case.
func ticketField(fields map[string]json.RawMessage, want string) string {
	if _, exact := fields[want]; exact {
		return want
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.EqualFold(name, want) {
			return name
		}
	}
	return want
}
