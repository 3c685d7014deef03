package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/claygate/claygate/internal/ledger"
)

// hints say what to do about a record that ended without a result.
var hints = map[ledger.State]string{
	ledger.Dead:     "mend the cause, then replay it",
	ledger.Expired:  "a result that still comes completes it; replay sends it again, which costs again",
	ledger.Canceled: "replay it to send it after all",
}

// View returns a record as callers see it, as JSON. It is written by hand, because every record that comes in is
// answered with one.
func View(r *ledger.Record) json.RawMessage {
	return appendRecord(make([]byte, 0, 512+len(r.Result)+len(r.Metadata)), r)
}

func appendRecord(b []byte, r *ledger.Record) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, r.ID.String()...)
	b = append(b, `","target":`...)
	b = appendText(b, r.Target)
	b = append(b, `,"state":"`...)
	b = append(b, r.State...)
	b = append(b, `","cached":`...)
	b = strconv.AppendBool(b, r.Cached)
	b = append(b, `,"emulated":`...)
	b = strconv.AppendBool(b, r.Emulated)
	b = append(b, `,"revision":`...)
	b = strconv.AppendInt(b, int64(r.Revision), 10)
	b = append(b, `,"result":`...)
	b = appendObject(b, r.Result)
	b = append(b, `,"error":`...)
	if hint, failed := hints[r.State]; failed {
		if r.Erased {
			hint = "nothing of it is kept: hand it in again to send it"
		}
		b = append(b, `{"reason":`...)
		b = appendText(b, r.Reason)
		b = append(b, `,"hint":`...)
		b = appendText(b, hint)
		b = append(b, '}')
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"metadata":`...)
	b = appendObject(b, r.Metadata)
	b = append(b, `,"may_duplicate":`...)
	b = strconv.AppendInt(b, int64(r.MayDuplicate), 10)
	b = append(b, `,"cost":`...)
	b = appendCost(b, r.Spent)
	b = append(b, `,"created_at":`...)
	b = appendMoment(b, r.CreatedAt)
	b = append(b, `,"done_at":`...)
	b = appendMoment(b, r.DoneAt)
	return append(b, '}')
}

// shared says of a record, when it comes in, that the one whose work it shares has another input.
func shared(record json.RawMessage, differs bool) json.RawMessage {
	if !differs {
		return record
	}
	return append(record[:len(record)-1], `,"input_differs":true}`...)
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
	text := View(r)
	if attempts {
		tries, err := s.attempts(c, id)
		if err != nil {
			return err
		}
		text = append(append(text[:len(text)-1], `,"attempts":`...), tries...)
		text = append(text, '}')
	}
	return c.write(http.StatusOK, text)
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
