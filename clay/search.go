package clay

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"sync"
	"time"
)

// MaxSearchPage is the largest page of a search; small plans get 50 at a time
// (docs/clay.md).
const MaxSearchPage = 500

// SearchRequest says what to search for: by Filters or by Query, one of them.
type SearchRequest struct {
	// Filters are structured filters, by the names that SearchFields lists.
	Filters map[string]any
	// Query is a query in Clay's own language, which SearchReference explains.
	Query string
	// PageSize is how many records are asked for at a time, 1 to MaxSearchPage. What
	// is on a page counts against the quota, read or not. Default 50.
	PageSize int
	// Limit ends the search after so many records. Default: none.
	Limit int
}

// Quota is what a workspace may find by searching in a period.
type Quota struct {
	// Limit is how many records may be fetched, Used how many were, Remaining how
	// many are left.
	Limit, Used, Remaining int
	// ResetsAt is when the period ends; zero when Clay's text is not understood.
	ResetsAt time.Time
}

// Search is a search at Clay. The place in it is kept there and moves with every page
// that is asked for, so a page whose answer is lost cannot be had again: then every
// further call returns that error, and never asks. It is safe for concurrent use.
type Search[T any] struct {
	// ID is Clay's name for it.
	ID string

	c        *Client
	mode     string
	pageSize int

	mu    sync.Mutex
	left  int // of SearchRequest.Limit; negative: no limit
	rest  []T // fetched and not yet yielded by All
	done  bool
	lost  error
	quota *Quota
}

// SearchPeople begins a search for people. Making one costs nothing; its pages count
// against the quota, and when that is used up the error is of KindPaymentRequired,
// with Error.Quota as last heard.
func (c *Client) SearchPeople(ctx context.Context, r SearchRequest) (*Search[FoundPerson], error) {
	return search[FoundPerson](ctx, c, "people", r)
}

// SearchCompanies begins a search for companies. See SearchPeople.
func (c *Client) SearchCompanies(ctx context.Context, r SearchRequest) (*Search[FoundCompany], error) {
	return search[FoundCompany](ctx, c, "companies", r)
}

const opSearch = "search"

func search[T any](ctx context.Context, c *Client, source string, r SearchRequest) (*Search[T], error) {
	s := &Search[T]{c: c, mode: "filters-mode", pageSize: r.PageSize, left: -1}
	var body any = struct {
		Source  string         `json:"source_type"`
		Filters map[string]any `json:"filters"`
	}{source, r.Filters}
	if r.Query != "" {
		s.mode = "query-mode"
		body = map[string]string{"query": r.Query}
	}
	switch {
	case (r.Query == "") == (len(r.Filters) == 0):
		return nil, refused(opSearch, KindInvalid, "set SearchRequest.Filters or SearchRequest.Query", errors.New("either filters or a query is needed, not both"))
	case r.PageSize < 0 || r.PageSize > MaxSearchPage || r.Limit < 0:
		return nil, refused(opSearch, KindInvalid, "use 0 for the default; a page has at most 500 records", errors.New("PageSize or Limit is out of range"))
	case r.PageSize == 0:
		s.pageSize = 50
	}
	if r.Limit > 0 {
		s.left = r.Limit
	}
	out, a, err := ask[struct {
		ID     string `json:"search_id"`
		Source string `json:"source_type"`
	}](ctx, c, call{op: opSearch, method: http.MethodPost, path: []string{"search", s.mode}, body: body, repeatable: rereads})
	if err != nil {
		return nil, err
	}
	if out.ID == "" {
		return nil, incomplete(opSearch, a, "it holds no search_id")
	}
	if out.Source != "" && out.Source != source {
		return nil, refused(opSearch, KindInvalid, "use the other one of SearchPeople and SearchCompanies",
			errors.New("the query looks for "+excerpt([]byte(out.Source))+", not for "+source))
	}
	s.ID = out.ID
	return s, nil
}

// searchPage is a page as Clay sends it.
type searchPage[T any] struct {
	Data    []T        `json:"data"`
	HasMore *bool      `json:"has_more"`
	Quota   *wireQuota `json:"period_quota"`
}

type wireQuota struct {
	Limit     float64 `json:"limit"`
	Used      float64 `json:"used"`
	Remaining float64 `json:"remaining"`
	ResetsAt  string  `json:"resets_at"`
}

// Next fetches a page. ok is false when there is none any more. A failure after which
// Clay may have moved on (KindPartial, KindUnknown, KindUnavailable, KindBadAnswer) is
// final for this search; after others, such as KindPaymentRequired, Next may be called
// again later.
func (s *Search[T]) Next(ctx context.Context) (page []T, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) > 0 {
		page, s.rest = s.rest, nil
		return page, true, nil
	}
	return s.next(ctx)
}

// next fetches a page; the caller holds mu, so no two ask at a time.
func (s *Search[T]) next(ctx context.Context) ([]T, bool, error) {
	if s.lost != nil || s.done || s.left == 0 {
		return nil, false, s.lost
	}
	limit := s.pageSize
	if s.left > 0 {
		limit = min(limit, s.left)
	}
	out, a, err := ask[searchPage[T]](ctx, s.c, call{
		op: opSearch, method: http.MethodPost, path: []string{"search", s.mode, s.ID, "run"}, body: map[string]int{"limit": limit},
		repeatable: restarts, // never asked for twice: Clay would skip a page
		hints:      pageHints,
	})
	if err == nil && out.HasMore == nil {
		e := incomplete(opSearch, a, "it does not say whether there is more")
		e.Hint = lostPage
		err = e
	}
	if err != nil {
		if _, final := pageHints[asError(err).Kind]; final {
			s.lost = err
		}
		return nil, false, err
	}
	s.heard(out.Quota)
	s.done = !*out.HasMore
	if s.left > 0 {
		s.left = max(0, s.left-len(out.Data))
	}
	return out.Data, true, nil
}

const lostPage = "Clay may have moved on, and the page cannot be had again; begin a new search"

// pageHints are for the failures after which Clay may have moved on.
var pageHints = map[Kind]string{
	KindPartial: lostPage, KindUnknown: lostPage, KindUnavailable: lostPage, KindBadAnswer: lostPage,
}

// heard remembers what a page said about the quota.
func (s *Search[T]) heard(q *wireQuota) {
	if q == nil {
		return
	}
	quota := &Quota{Limit: int(q.Limit), Used: int(q.Used), Remaining: int(q.Remaining)}
	quota.ResetsAt, _ = time.Parse(time.RFC3339, q.ResetsAt)
	s.quota = quota
	s.c.quota.Store(quota)
}

// All yields what is found, page by page. It goes on where the last use of it, or
// Next, has ended: no record comes twice. It ends with the first error.
func (s *Search[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, ok, err := s.one(ctx)
			if err != nil {
				yield(v, err)
				return
			}
			if !ok || !yield(v, nil) {
				return
			}
		}
	}
}

// one takes one record.
func (s *Search[T]) one(ctx context.Context) (v T, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.rest) == 0 {
		page, ok, err := s.next(ctx)
		if err != nil || !ok {
			return v, false, err
		}
		s.rest = page
	}
	v, s.rest = s.rest[0], s.rest[1:]
	return v, true, nil
}

// Quota is what the last page said about the workspace's quota; nil before the first
// page, and when Clay did not say.
func (s *Search[T]) Quota() *Quota {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quota
}

// SearchFields are what people or companies can be filtered by.
type SearchFields struct {
	// Fields are the filters.
	Fields []SearchField `json:"fields"`
	// Guidance is Clay's advice on how to filter, as it sends it.
	Guidance json.RawMessage `json:"guidance"`
}

// SearchField is one of them.
type SearchField struct {
	Name string `json:"name"` // its name in SearchRequest.Filters
	Type string `json:"type"` // in Clay's words
	// Description may be empty.
	Description string `json:"description"`
	// AllowedValues is empty when any value is allowed.
	AllowedValues []string `json:"allowed_values"`
}

// SearchFields asks Clay for the filters that it knows for "people" or "companies".
func (c *Client) SearchFields(ctx context.Context, source string) (SearchFields, error) {
	out, _, err := ask[SearchFields](ctx, c, call{
		op: "search fields", method: http.MethodGet, path: []string{"search", "filters-mode", "fields"},
		query: map[string][]string{"source_type": {source}}, repeatable: rereads,
	})
	return out, err
}

// SearchReference asks Clay for the description of its query language, in Markdown.
func (c *Client) SearchReference(ctx context.Context) (string, error) {
	out, _, err := ask[struct{ Reference string }](ctx, c, call{
		op: "search reference", method: http.MethodGet, path: []string{"search", "query-mode", "reference"}, repeatable: rereads,
	})
	return out.Reference, err
}
