package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// Sender makes one try to send a record to a webhook, as [clay.Client.SendOnce] does.
type Sender interface {
	SendOnce(ctx context.Context, record any) (clay.Receipt, error)
}

// Table drives a table: one POST to a webhook for each record.
type Table struct {
	// Webhooks are the table's webhooks by the digest of their URL.
	Webhooks map[ledger.Digest]Sender
	// Tickets sign the ticket that a row carries whose result is awaited.
	Tickets ledger.Tickets
	// TicketField is the payload's extra field; [ledger.TicketField] by default.
	TicketField string
}

// Send implements [Driver].
func (t *Table) Send(ctx context.Context, c ledger.Claimed) ledger.Answer {
	webhook, ok := t.Webhooks[c.Webhook]
	if !ok {
		return ledger.Answer{
			Outcome: ledger.Released, Verdict: ledger.Refused, Reason: "the webhook it was to go to is not configured",
		}
	}
	payload := c.Record.Fields
	if c.Record.Await {
		payload = t.stamp(c)
	}
	receipt, err := webhook.SendOnce(ctx, payload)
	if err == nil {
		return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: receipt.Status}
	}
	return failed(err, tableVerdict)
}

// stamp adds the ticket as the last member of the payload. The fields were checked at intake: they are one object
// that does not have it yet.
func (t *Table) stamp(c ledger.Claimed) json.RawMessage {
	field := t.TicketField
	if field == "" {
		field = ledger.TicketField
	}
	ticket := t.Tickets.Sign(ledger.Ticket{Record: c.Record.ID, Attempt: c.Record.Attempts})
	name, _ := json.Marshal(field) // a string always encodes
	body := bytes.TrimSpace(c.Record.Fields)
	open := bytes.TrimSpace(body[:len(body)-1])
	out := make([]byte, 0, len(body)+len(name)+len(ticket)+8)
	out = append(out, open...)
	if len(open) > 1 {
		out = append(out, ',')
	}
	out = append(out, name...)
	out = append(out, `:"`+ticket+`"}`...)
	return out
}

// failed turns the SDK's error into the ledger's answer.
func failed(err error, verdict func(clay.Kind) ledger.Verdict) ledger.Answer {
	var e *clay.Error
	if !errors.As(err, &e) {
		return ledger.Answer{Outcome: ledger.Unknown, Verdict: ledger.Doubtful, Excerpt: err.Error(), Reason: err.Error()}
	}
	excerpt := e.Body
	if excerpt == "" && e.Err != nil {
		excerpt = e.Err.Error()
	}
	return ledger.Answer{
		Outcome: outcomes[e.Outcome], Verdict: verdict(e.Kind), Status: e.Status, Excerpt: excerpt,
		RetryAfter: e.RetryAfter, Reason: reason(e),
	}
}

var outcomes = map[clay.Outcome]ledger.Outcome{
	clay.NotSent:  ledger.NotSent,
	clay.Partial:  ledger.Partial,
	clay.Unknown:  ledger.Unknown,
	clay.Answered: ledger.Answered,
}

// tableVerdict is the webhook row's column of the outcome table (docs/decisions/0005-outcomes.md).
func tableVerdict(k clay.Kind) ledger.Verdict {
	switch k {
	case clay.KindNotSent:
		return ledger.Unsent
	case clay.KindThrottled:
		return ledger.Throttled
	case clay.KindPartial, clay.KindUnavailable:
		return ledger.Failed
	case clay.KindInvalid:
		return ledger.Rejected
	case clay.KindExhausted:
		return ledger.Exhausted
	case clay.KindUnauthorized, clay.KindPaymentRequired, clay.KindForbidden, clay.KindNotFound, clay.KindDeprecated,
		clay.KindRedirect, clay.KindConfig:
		return ledger.Refused
	default: // KindUnknown, and whatever is not known here
		return ledger.Doubtful
	}
}
