package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

const (
	defaultLimit = 50
	maxLimit     = 500
)

// Page is a part of a list of records, the newest first.
type Page struct {
	Records []json.RawMessage `json:"records"`
	Next    *string           `json:"next"` // the cursor of the next page; null on the last one
}

// list answers GET /v1/records.
func (s *server) list(c *call) error {
	params, err := c.params("target", "state", "key", "cursor", "limit")
	if err != nil {
		return err
	}
	q, targets, err := s.listQuery(c, params)
	if err != nil {
		return err
	}
	limit := q.Max
	q.Max++ // one more tells whether there is another page
	records, err := s.listed(c, q, targets)
	if err != nil {
		return err
	}
	page := Page{Records: make([]json.RawMessage, 0, min(len(records), limit))}
	if len(records) > limit {
		records = records[:limit]
		next := cursor(records[limit-1].ID)
		page.Next = &next
	}
	for i := range records {
		page.Records = append(page.Records, View(&records[i]))
	}
	return c.answer(http.StatusOK, page)
}

// listQuery reads the parameters of a list, and which targets it goes over: none in particular, or those that the
// caller's key is bound to.
func (s *server) listQuery(c *call, params url.Values) (q ledger.Query, targets []string, err error) {
	q = ledger.Query{Bodies: true}
	if q.States, err = states(params.Get("state")); err != nil {
		return q, nil, err
	}
	if text := params.Get("cursor"); text != "" {
		if q.Before, err = parseCursor(text); err != nil {
			return q, nil, err
		}
	}
	if q.Max, err = listLimit(params); err != nil {
		return q, nil, err
	}
	if name := params.Get("target"); name != "" {
		if q.Target, err = s.watched(c, name); err != nil {
			return q, nil, err
		}
	} else if targets, err = s.within(c); err != nil {
		return q, nil, err
	}
	if key := params.Get("key"); key != "" {
		if q.Target == "" {
			return q, nil, refusal(invalid, `"key" is the key of one target's records: name the "target" as well`)
		}
		if _, configured := s.reached(c.who, q.Target); !configured {
			return q, nil, refusal(invalid, "%.100q is not configured, so nobody knows what its keys are made of", q.Target).but(`leave "key" out`)
		}
		if q.Key, err = s.Intake.Key(q.Target, key); err != nil {
			return q, nil, err
		}
	}
	return q, targets, nil
}

// listLimit returns how many a page of a list is to have.
func listLimit(params url.Values) (int, error) {
	text := params.Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, refusal(invalid, `"limit" must be a whole number from 1 to %d`, maxLimit)
	}
	return limit, nil
}

// listed returns the records of a query, over some targets only where they are not nil.
func (s *server) listed(c *call, q ledger.Query, targets []string) ([]ledger.Record, error) {
	if targets == nil {
		return s.Ledger.List(c.Context(), q)
	}
	q.Bodies = false // of each target there may be a whole page, of which most is not shown
	var all []ledger.Record
	for _, q.Target = range targets {
		some, err := s.Ledger.List(c.Context(), q)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b ledger.Record) int { return slices.Compare(b.ID[:], a.ID[:]) })
	return s.withBodies(c, all[:min(len(all), q.Max)])
}

// withBodies returns the records with their bodies, as far as these were not erased meanwhile.
func (s *server) withBodies(c *call, records []ledger.Record) ([]ledger.Record, error) {
	ids, place := make([]ledger.RecordID, len(records)), map[ledger.RecordID]int{}
	for i, r := range records {
		ids[i], place[r.ID] = r.ID, i
	}
	whole, err := s.Ledger.Records(c.Context(), ids)
	for _, r := range whole {
		records[place[r.ID]] = r
	}
	return records, err
}

// states reads a list of states, "dead,expired".
func states(text string) ([]ledger.State, error) {
	if text == "" {
		return nil, nil
	}
	var all []ledger.State
	for name := range strings.SplitSeq(text, ",") {
		state := ledger.State(strings.TrimSpace(name))
		if !slices.Contains(ledger.States, state) {
			return nil, refusal(invalid, `"state" %.40q is unknown: there are %v`, name, ledger.States)
		}
		all = append(all, state)
	}
	return all, nil
}

// cursorVersion begins every cursor, so that another kind can follow it one day.
const cursorVersion = 1

// cursor returns the cursor to what follows a record.
func cursor(last ledger.RecordID) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{cursorVersion}, last[:]...))
}

func parseCursor(text string) (last ledger.RecordID, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 1+len(last) || raw[0] != cursorVersion {
		return last, refusal(invalid, `"cursor" is not one that this gateway gave out`).but(`take "next" of the page before`)
	}
	copy(last[:], raw[1:])
	return last, nil
}
