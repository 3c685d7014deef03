package clay

import (
	"context"
	"errors"
)

// Send sends a record to the webhook, at Clay's pace, and tries again where that
// helps and cannot make a second row without need:
//
//   - not sent, throttled: tried again, at no risk
//   - partial, unavailable: tried again; Receipt.MayDuplicate or the error's
//     MayDuplicate then says that a second row is possible
//   - unknown: not tried again, unless Config.ResendUncertain is set
//   - everything else is final at once: another try would end the same
//
// The record may be anything that SendOnce takes. The error is always an *Error
// with the list of tries. When ctx ends, Send returns within milliseconds.
func (c *Client) Send(ctx context.Context, record any) (Receipt, error) {
	body, err := c.prepare(record)
	if err != nil {
		return Receipt{}, err
	}
	r, e := c.send(ctx, ctx, body)
	if e != nil {
		return Receipt{}, e
	}
	return r, nil
}

const opSend = "send"

// prepare refuses what need not be tried, and encodes the record.
func (c *Client) prepare(record any) ([]byte, error) {
	if err := c.sends(); err != nil {
		return nil, err
	}
	return encodeRecord(opSend, record)
}

// sends says why this client cannot send at all.
func (c *Client) sends() error {
	if c != nil && c.webhook != nil {
		return nil
	}
	return refused(opSend, KindConfig, "set Config.WebhookURL, or CLAY_WEBHOOK_URL for Default, to the address that Clay shows for the table's webhook source",
		errors.New("this client has no WebhookURL"))
}

// send sends an encoded record. waits may end before ctx: then the record is not
// tried (again), but a try in flight is left to end by itself.
func (c *Client) send(ctx, waits context.Context, body []byte) (Receipt, *Error) {
	o := operation{op: opSend, waits: waits, repeatable: c.resends, pacer: c.cfg.Pacer}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-waits.Done():
		return Receipt{}, interrupted(o, nil, nil)
	}
	var receipt Receipt
	o.once = func(ctx context.Context) (_ int, e *Error) {
		receipt, e = c.sendOnce(ctx, body)
		return receipt.Status, e
	}
	tries, e := c.run(ctx, o)
	receipt.Tries, receipt.MayDuplicate = len(tries), mayDuplicate(tries)
	return receipt, e
}

// resends is the webhook column of the outcome table.
func (c *Client) resends(k Kind) bool {
	switch k {
	case KindNotSent, KindThrottled, KindPartial, KindUnavailable:
		return true
	case KindUnknown:
		return c.cfg.ResendUncertain
	default:
		return false
	}
}
