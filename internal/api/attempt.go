package api

import (
	"encoding/json"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Attempt is one try at Clay, as callers see it.
type Attempt struct {
	N            int            `json:"n"`
	Outcome      ledger.Outcome `json:"outcome"` // "" while the answer is awaited
	Verdict      ledger.Verdict `json:"verdict"`
	Status       int            `json:"status"`
	Excerpt      string         `json:"excerpt"`
	MayDuplicate bool           `json:"may_duplicate"`
	StartedAt    *time.Time     `json:"started_at"`
	AnsweredAt   *time.Time     `json:"answered_at"`
}

// attempts returns a record's tries at Clay, the oldest first, as JSON.
func (s *server) attempts(c *call, id ledger.RecordID) (json.RawMessage, error) {
	attempts, err := s.Ledger.Attempts(c.Context(), id)
	if err != nil {
		return nil, err
	}
	views := make([]Attempt, len(attempts))
	for i, a := range attempts {
		views[i] = Attempt{
			N: a.N, Outcome: a.Outcome, Verdict: a.Verdict, Status: a.Status, Excerpt: a.Excerpt,
			MayDuplicate: a.MayDuplicate, StartedAt: moment(a.StartedAt), AnsweredAt: moment(a.AnsweredAt),
		}
	}
	return json.Marshal(views)
}
