package clay

import (
	"context"
	"errors"
	"iter"
)

// Table is a Clay table seen from Go: values of In go out as rows, and what its
// HTTP API column sends back comes in as values of Out. Make one with NewTable.
type Table[In, Out any] struct {
	c *Client
}

// NewTable returns the table behind the client's webhook. In must encode as a JSON
// object, e.g. be a struct; Out should have the fields of the column's body. A program
// that only receives may give nil for the client.
func NewTable[In, Out any](c *Client) *Table[In, Out] { return &Table[In, Out]{c: c} }

// Send is Client.Send.
func (t *Table[In, Out]) Send(ctx context.Context, row In) (Receipt, error) {
	return t.c.Send(ctx, row)
}

// SendBatch is Client.SendBatch.
func (t *Table[In, Out]) SendBatch(ctx context.Context, rows iter.Seq[In], opts BatchOptions) (BatchResult, error) {
	return t.c.SendBatch(ctx, Records(rows), opts)
}

// Decode reads a callback's body as Callback.Decode does.
func (t *Table[In, Out]) Decode(body []byte) (Out, error) {
	var out Out
	err := decodeCallback(body, &out)
	return out, err
}

// CallbackHandler returns a handler whose callbacks go to store as values of Out.
// cfg.Store must not be set. A body that does not fit Out is answered with 400,
// which Clay shows in the cell.
func (t *Table[In, Out]) CallbackHandler(cfg CallbackConfig, store func(context.Context, Out) error) (*CallbackHandler, error) {
	if cfg.Store != nil || store == nil {
		return nil, badCallback("give the function as the second argument, and leave CallbackConfig.Store unset", errors.New("exactly one store is needed"))
	}
	cfg.Store = func(ctx context.Context, cb Callback) error {
		out, err := t.Decode(cb.Body)
		if err != nil {
			return err
		}
		return store(ctx, out)
	}
	return NewCallbackHandler(cfg)
}
