package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// Records are records that somebody asked for by their IDs.
type Records struct {
	Records []json.RawMessage `json:"records"`
}

// readRecords answers POST /v1/records/read: the records of some IDs, in their order, each with what it came to. IDs of
// records that are not there, or that the key does not reach, are left out.
func (s *server) readRecords(c *call) error {
	members, err := c.members("ids")
	if err != nil {
		return err
	}
	var texts []string
	if len(members) == 0 || json.Unmarshal(members[0].Value, &texts) != nil || len(texts) > maxLimit {
		return refusal(invalid, `"ids" must be an array of at most %d IDs of records`, maxLimit)
	}
	ids := make([]ledger.RecordID, len(texts))
	for i, text := range texts {
		if ids[i], err = ledger.ParseRecordID(text); err != nil {
			return refusal(invalid, "%s", err)
		}
	}
	records, err := s.Ledger.Records(c.Context(), ids)
	if err != nil {
		return err
	}
	answer := Records{Records: make([]json.RawMessage, 0, len(records))}
	for i := range records {
		r := &records[i]
		if !c.who.reaches(r.Target) {
			continue
		}
		fate, err := intake.FateOf(c.Context(), s.Ledger, *r)
		if err != nil {
			return err
		}
		answer.Records = append(answer.Records, withFate(r, fate))
	}
	return c.answer(http.StatusOK, answer)
}

// withFate is a record with what it came to.
func withFate(r *ledger.Record, fate ledger.Fate) json.RawMessage {
	text := View(r)
	text = append(text[:len(text)-1], `,"outcome":"`...)
	text = append(text, fate...)
	text = append(text, `","sends":`...)
	text = strconv.AppendInt(text, int64(r.Sends()), 10)
	return append(text, '}')
}
