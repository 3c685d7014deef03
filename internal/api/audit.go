package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Deed is something that somebody did to the gateway, as callers see it.
type Deed struct {
	At   time.Time       `json:"at"`
	Who  string          `json:"who"` // the id of an API key, or "local"
	What ledger.DeedKind `json:"what"`
	On   *string         `json:"on"` // what it was done to; null for the gateway
	N    int             `json:"n"`  // how many it was done to
}

// Deeds is a part of the list of deeds, the newest first.
type Deeds struct {
	Deeds []Deed  `json:"deeds"`
	Next  *string `json:"next"` // the cursor of the next page; null on the last one
}

// audit answers GET /v1/audit.
func (s *server) audit(c *call) error {
	params, err := c.params("cursor", "limit")
	if err != nil {
		return err
	}
	limit, err := listLimit(params)
	if err != nil {
		return err
	}
	var before int64
	if text := params.Get("cursor"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return refusal(invalid, `"cursor" is not one that this gateway gave out`).but(`take "next" of the page before`)
		}
	}
	deeds, err := s.Ledger.Deeds(c.Context(), before, limit+1)
	if err != nil {
		return err
	}
	page := Deeds{Deeds: []Deed{}}
	if len(deeds) > limit {
		deeds = deeds[:limit]
		next := strconv.FormatInt(deeds[limit-1].Seq, 10)
		page.Next = &next
	}
	for _, d := range deeds {
		page.Deeds = append(page.Deeds, Deed{At: d.At.UTC(), Who: d.Who, What: d.What, On: given(d.On), N: max(d.N, 1)})
	}
	return c.answer(http.StatusOK, page)
}

// note keeps what the caller is about to do. What cannot be noted is not done.
func (s *server) note(c *call, what ledger.DeedKind, on string) error {
	return s.noteAll(c, ledger.Deed{What: what, On: on})
}

func (s *server) noteAll(c *call, d ledger.Deed) error {
	if d.Who = c.who.id(); d.Who == "" {
		d.Who = ledger.Local
	}
	ctx, done := c.change()
	defer done()
	return s.Ledger.Note(ctx, d)
}

// deedOf says what an event is that a person lets happen to a record.
func deedOf(e ledger.Event) ledger.DeedKind {
	switch e.(type) {
	case ledger.Replay:
		return ledger.Replayed
	case ledger.Resolve:
		return ledger.Resolved
	}
	return ledger.CanceledRecord
}
