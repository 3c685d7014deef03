package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Run is a run of a routine at Clay, as callers see it.
type Run struct {
	ID        int64           `json:"id"`          // in this ledger
	Target    *string         `json:"target"`      // null for one that a caller started himself, or that a completion webhook named and nobody here is known to have started
	ClayID    *string         `json:"clay_run_id"` // Clay's name for it; null while it is not known
	Kind      ledger.RunKind  `json:"kind"`
	State     ledger.RunState `json:"state"`
	Records   int             `json:"records"`  // that it carries; of one that is followed, its items
	Followed  bool            `json:"followed"` // a caller started it himself, under /public/v0: its items are no records
	Polls     int             `json:"polls"`    // questions that found it unfinished
	Reason    *string         `json:"reason"`   // why it ended as it did, or was last not heard; null for none
	StartedAt time.Time       `json:"started_at"`
	EndedAt   *time.Time      `json:"ended_at"` // null while it is open
}

// RunPage is a part of a list of runs, the newest first.
type RunPage struct {
	Runs []Run   `json:"runs"`
	Next *string `json:"next"` // the cursor of the next page; null on the last one
}

// runs answers GET /v1/runs.
func (s *server) runs(c *call) error {
	params, err := c.params("target", "state", "cursor", "limit")
	if err != nil {
		return err
	}
	q, targets, err := s.runQuery(c, params)
	if err != nil {
		return err
	}
	limit := q.Max
	q.Max++ // one more tells whether there is another page
	runs, err := s.listedRuns(c, q, targets)
	if err != nil {
		return err
	}
	page := RunPage{Runs: make([]Run, 0, min(len(runs), limit))}
	if len(runs) > limit {
		runs = runs[:limit]
		next := strconv.FormatInt(int64(runs[limit-1].ID), 10)
		page.Next = &next
	}
	for _, r := range runs {
		page.Runs = append(page.Runs, runView(r))
	}
	return c.answer(http.StatusOK, page)
}

// runQuery is what [server.listQuery] is for runs.
func (s *server) runQuery(c *call, params url.Values) (q ledger.RunQuery, targets []string, err error) {
	if q.Max, err = listLimit(params); err != nil {
		return q, nil, err
	}
	for name := range strings.SplitSeq(params.Get("state"), ",") {
		state := ledger.RunState(strings.TrimSpace(name))
		switch {
		case slices.Contains(ledger.RunStates, state):
			q.States = append(q.States, state)
		case params.Get("state") != "":
			return q, nil, refusal(invalid, `"state" %.40q is unknown: there are %v`, name, ledger.RunStates)
		}
	}
	if text := params.Get("cursor"); text != "" {
		before, err := strconv.ParseInt(text, 10, 64)
		if err != nil || before < 1 {
			return q, nil, refusal(invalid, `"cursor" is not one that this gateway gave out`).but(`take "next" of the page before`)
		}
		q.Before = ledger.RunID(before)
	}
	if name := params.Get("target"); name != "" {
		q.Target, err = s.watched(c, name)
		return q, nil, err
	}
	targets, err = s.within(c)
	return q, targets, err
}

// listedRuns is what [server.listed] is for runs.
func (s *server) listedRuns(c *call, q ledger.RunQuery, targets []string) ([]ledger.Run, error) {
	if targets == nil {
		return s.Ledger.ListRuns(c.Context(), q)
	}
	var all []ledger.Run
	for _, q.Target = range targets {
		some, err := s.Ledger.ListRuns(c.Context(), q)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b ledger.Run) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(len(all), q.Max)], nil
}

func runView(r ledger.Run) Run {
	v := Run{
		ID: int64(r.ID), Target: given(r.Target), ClayID: given(r.Clay), Kind: r.Kind, State: r.State, Records: max(r.Size, r.Brought), Followed: r.Followed, Polls: r.Polls,
		Reason: given(r.Reason), StartedAt: r.StartedAt.UTC(),
	}
	if !r.EndedAt.IsZero() {
		ended := r.EndedAt.UTC()
		v.EndedAt = &ended
	}
	return v
}

// given returns nil for an empty text.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
