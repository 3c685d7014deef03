package collect

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// match finds the ticket in a body and separates it from the result.
func (c *Callbacks) match(target Target, body []byte) (ledger.Entry, *refused) {
	readable := bytes.ToValidUTF8(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), []byte("\uFFFD"))
	fields, ok := members(readable)
	if !ok {
		return ledger.Entry{}, &refused{http.StatusBadRequest, "the body must be one JSON object", 0}
	}
	field := ticketField(fields, target.TicketField)
	value, result := fields.without(field)
	text, wrong := misplaced(value, target.TicketField)
	if wrong != "" {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, wrong, 0}
	}
	ticket, err := c.tickets.Verify(text)
	if err != nil {
		return ledger.Entry{}, &refused{http.StatusUnauthorized, "the field " + target.TicketField +
			" does not hold what claygate sent with the row: choose the webhook's column " + target.TicketField + "; rows that another gateway sent are not taken here", 0}
	}
	return ledger.Entry{
		Record:   ticket.Record,
		Event:    ledger.Result{Attempt: ticket.Attempt, Fields: result},
		Callback: &ledger.Callback{Target: target.Name, Body: body},
	}, nil
}

// misplaced returns the text where the ticket belongs, or says what people put there instead. Each is a known mistake in
// Clay's editor (docs/clay.md).
func misplaced(value json.RawMessage, field string) (text, wrong string) {
	notText := json.Unmarshal(value, &text) != nil
	switch text = strings.TrimSpace(text); {
	case value == nil:
		wrong = "the field " + field + " is missing: add it to the column's body, with the chip of the column " + field
	case notText:
		wrong = "the field " + field + " does not hold what claygate sent with the row: choose the column " + field + " itself"
	case text == "":
		wrong = "the field " + field + " is empty: its chip must be the webhook's column " + field + ", which rows have that claygate sent"
	case strings.HasPrefix(text, "/") || strings.HasPrefix(text, "{{"):
		wrong = "the field " + field + " holds a reference that was typed as text: delete it, type / and choose the column " + field + " from the list"
	case text == "[object Object]":
		wrong = "the field " + field + " arrived as [object Object]: choose the column " + field + " itself, not a part of another column or of a formula"
	}
	return text, wrong
}

// ticketField returns the name under which the ticket came: people who write a column's body by hand change its case.
func ticketField(fields parts, want string) string {
	name := want
	for _, m := range fields {
		if m.name == want {
			return want
		}
		if strings.EqualFold(m.name, want) && (name == want || m.name < name) {
			name = m.name
		}
	}
	return name
}
