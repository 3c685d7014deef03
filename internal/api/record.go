package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Record is a record as callers see it.
type Record struct {
	ID           string          `json:"id"`
	Target       string          `json:"target"`
	State        ledger.State    `json:"state"`
	Cached       bool            `json:"cached"`
	Emulated     bool            `json:"emulated"`
	Revision     int             `json:"revision"`
	Result       json.RawMessage `json:"result"`
	Error        *RecordError    `json:"error"`
	Metadata     json.RawMessage `json:"metadata"`
	MayDuplicate int             `json:"may_duplicate"`
	CreatedAt    *time.Time      `json:"created_at"`
	DoneAt       *time.Time      `json:"done_at"`
	Attempts     *[]Attempt      `json:"attempts,omitempty"` // on request
}

// RecordError says why a record ended without a result.
type RecordError struct {
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
}

// hints say what to do about a record that ended without a result.
var hints = map[ledger.State]string{
	ledger.Dead:     "mend the cause, then replay it",
	ledger.Expired:  "a result that still comes completes it; replay sends it again, which costs again",
	ledger.Canceled: "replay it to send it after all",
}

// view returns a record as callers see it.
func view(r *ledger.Record) *Record {
	v := &Record{
		ID: r.ID.String(), Target: r.Target, State: r.State, Cached: r.Cached, Emulated: r.Emulated,
		Revision: r.Revision, Result: r.Result, Metadata: r.Metadata, MayDuplicate: r.MayDuplicate,
		CreatedAt: moment(r.CreatedAt), DoneAt: moment(r.DoneAt),
	}
	if hint, failed := hints[r.State]; failed {
		v.Error = &RecordError{Reason: r.Reason, Hint: hint}
	}
	return v
}

// moment returns a time as callers see it: in UTC, and none for zero.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// record answers GET /v1/records/{id}.
func (s *server) record(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	params, err := c.params("wait", "attempts")
	if err != nil {
		return err
	}
	wait, err := c.wait(params)
	if err != nil {
		return err
	}
	attempts, err := flag(params, "attempts")
	if err != nil {
		return err
	}
	r, err := s.reachable(c, id)
	if err != nil {
		return err
	}
	if wait > 0 && !r.State.Terminal() {
		records, err := s.await(c, []ledger.RecordID{id}, wait)
		if err != nil {
			return err
		}
		r = &records[0]
	}
	v := view(r)
	if attempts {
		if v.Attempts, err = s.attempts(c, id); err != nil {
			return err
		}
	}
	return c.answer(http.StatusOK, v)
}

// reachable returns a record, when there is one that the caller's key reaches.
func (s *server) reachable(c *call, id ledger.RecordID) (*ledger.Record, error) {
	records, err := s.Ledger.Records(c.Context(), []ledger.RecordID{id})
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || !c.who.reaches(records[0].Target) {
		return nil, refusal(notFound, "there is no record %s", id)
	}
	return &records[0], nil
}
