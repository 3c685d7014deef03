package clay

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The statuses of an item that Clay documents.
const (
	ItemComplete = "complete"
	ItemFailed   = "failed"
)

// ItemResult is what became of one item.
type ItemResult struct {
	// ID is the item's, as you gave it.
	ID string `json:"id"`
	// Status is ItemComplete or ItemFailed. A complete item may hold a failure of
	// another kind in its Result, e.g. that nothing was found.
	Status string `json:"status"`
	// Result is a JSON object, or nil.
	Result json.RawMessage `json:"result,omitempty"`
	// Message is what Clay says about a failed item.
	Message string `json:"-"`
	// Raw is the item as Clay sent it.
	Raw json.RawMessage `json:"-"`
}

// Failed reports whether the item has any status but complete.
func (r ItemResult) Failed() bool { return r.Status != ItemComplete }

// Decode reads the result into v as Unmarshal does.
func (r ItemResult) Decode(v any) error { return Unmarshal(r.Result, v) }

// UnmarshalJSON reads a result as Clay sends it.
func (r *ItemResult) UnmarshalJSON(data []byte) error {
	type plain ItemResult
	var in struct {
		plain
		Error *runFailure
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if in.ID == "" || in.Status == "" {
		return errors.New("a result without id or status")
	}
	*r = ItemResult(in.plain)
	r.Raw = bytes.Clone(data)
	if string(r.Result) == "null" {
		r.Result = nil
	}
	if in.Error != nil {
		r.Message = in.Error.Message
	}
	return nil
}
