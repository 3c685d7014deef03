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
	if wrong := misplaced(fields[field], target.TicketField); wrong != "" {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, wrong, 0}
	}
	_ = json.Unmarshal(fields[field], &text) // misplaced saw that it is one
	ticket, err := c.tickets.Verify(text)
	if err != nil {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField +
			" does not hold what claygate sent with the row: choose the webhook's column " + target.TicketField + "; rows that another gateway sent are not taken here", 0}
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

// misplaced says what people put where the ticket belongs, "" for what may be one. Each is a known mistake in Clay's editor
// (docs/clay.md).
func misplaced(value json.RawMessage, field string) string {
	var text string
	notText := json.Unmarshal(value, &text) != nil
	switch text = strings.TrimSpace(text); {
	case value == nil:
		return "the field " + field + " is missing: add it to the column's body, with the chip of the column " + field
	case notText:
		return "the field " + field + " does not hold what claygate sent with the row: choose the column " + field + " itself"
	case text == "":
		return "the field " + field + " is empty: its chip must be the webhook's column " + field + ", which rows have that claygate sent"
	case strings.HasPrefix(text, "/") || strings.HasPrefix(text, "{{"):
		return "the field " + field + " holds a reference that was typed as text: delete it, type / and choose the column " + field + " from the list"
	case text == "[object Object]":
		return "the field " + field + " arrived as [object Object]: choose the column " + field + " itself, not a part of another column or of a formula"
	}
	return ""
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
