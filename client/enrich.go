package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Options says how a record is handed in. The zero value is the target's defaults.
type Options struct {
	// Metadata is given back with the record and never sent to Clay: a value that becomes a JSON object of at most 4 KB.
	Metadata any
	// MaxAge is how old a result may be to answer. Nil for the target's; a pointer to 0 sends in any case.
	MaxAge *time.Duration
	// ResultTimeout is how long a result is awaited after the last send. 0 for the target's.
	ResultTimeout time.Duration
	// SendBy is how long from now the record may still be sent. 0 for no limit.
	SendBy time.Duration
	// Priority from 1 to 9: the highest leaves first. 0 for the default: 5 for a call that waits, else 0.
	Priority int
	// IdempotencyKey makes two calls the same record, also calls of different processes. "" for one that is this call's
	// alone, so that the call's own repetitions are the same record.
	IdempotencyKey string
	// Wait is how long each request waits for the end of the record, at most [MaxWait]. Default 50 s, because many front
	// ends cut a request off after 60. Not for [Client.Submit].
	Wait time.Duration
}

const defaultWait = 50 * time.Second

// Enrich hands one record in and waits until it has ended, or the context does. Fields is what goes to Clay: a value
// that becomes a JSON object.
//
// It asks again whenever the gateway cannot be reached or is busy, which is safe: the gateway knows the call by its
// idempotency key and neither sends nor pays twice. The record goes on when the context ends, and the error says so; the
// record returned has its ID if the gateway had accepted it. A record that ended without a result is a [*Failed].
func (c *Client) Enrich(ctx context.Context, target string, fields any, o Options) (Record, error) {
	if o.Wait <= 0 {
		o.Wait = defaultWait
	}
	o.Wait = min(o.Wait, MaxWait)
	r, err := c.submit(ctx, target, fields, o)
	for err == nil && !r.State.Ended() {
		var now Record
		if now, err = c.Record(ctx, r.ID, Look{Wait: o.Wait}); err == nil {
			r = now
		}
	}
	if err == nil && r.State != Done {
		err = &Failed{Record: r}
	}
	return r, err
}

// Submit hands one record in and returns it as it then is; it waits for nothing but the disk. Like [Client.Enrich] it is
// safe to repeat.
func (c *Client) Submit(ctx context.Context, target string, fields any, o Options) (Record, error) {
	o.Wait = 0
	return c.submit(ctx, target, fields, o)
}

func (c *Client) submit(ctx context.Context, target string, fields any, o Options) (Record, error) {
	body, err := encode(envelope(fields, o))
	if err != nil {
		return Record{}, err
	}
	if o.IdempotencyKey == "" {
		o.IdempotencyKey = rand.Text()
	}
	query := url.Values{}
	if o.Wait > 0 {
		query.Set("wait", span(o.Wait))
	}
	var r Record
	err = c.call(ctx, request{
		method: "POST", path: targetPath(target) + "/records", query: query, body: body, patience: o.Wait, repeat: true,
		header: http.Header{"Idempotency-Key": {o.IdempotencyKey}},
	}, &r)
	return r, err
}

// item is a record as the gateway takes it.
type item struct {
	Fields        any             `json:"fields"`
	Metadata      any             `json:"metadata,omitempty"`
	MaxAge        json.RawMessage `json:"max_age,omitempty"`
	ResultTimeout string          `json:"result_timeout,omitempty"`
	SendBy        string          `json:"send_by,omitempty"`
	Priority      int             `json:"priority,omitempty"`
}

func envelope(fields any, o Options) item {
	i := item{Fields: fields, Metadata: o.Metadata, Priority: o.Priority}
	if o.MaxAge != nil {
		i.MaxAge, _ = json.Marshal(span(*o.MaxAge)) // texts always encode
	}
	if o.ResultTimeout > 0 {
		i.ResultTimeout = span(o.ResultTimeout)
	}
	if o.SendBy > 0 {
		i.SendBy = span(o.SendBy)
	}
	return i
}
