package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// Query says which records to list. Zero fields restrict nothing.
type Query struct {
	Target string
	States []State
	Key    string // only records of this dedupe key, as people read it; needs Target
	Page   int    // records in each request; default 100, at most 500
}

// Records yields records, the newest first, reading pages as they are needed. A record that is added meanwhile is not
// among them. An error ends the sequence.
func (c *Client) Records(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		query := q.values()
		for {
			var page struct {
				Records []Record
				Next    *string
			}
			if err := c.call(ctx, request{method: "GET", path: "/v1/records", query: query, repeat: true}, &page); err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range page.Records {
				if !yield(r, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Set("cursor", *page.Next)
		}
	}
}

// RunQuery says which runs to list. Zero fields restrict nothing.
type RunQuery struct {
	Target string
	States []string // such as "uncertain" and "lost": see [Run.State]
	Page   int      // runs in each request; default 100, at most 500
}

// Runs yields the runs of routines, the newest first, reading pages as they are needed. An error ends the sequence.
func (c *Client) Runs(ctx context.Context, q RunQuery) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		query := Query{Target: q.Target, Page: q.Page}.values()
		if len(q.States) > 0 {
			query.Set("state", strings.Join(q.States, ","))
		}
		for {
			var page struct {
				Runs []Run
				Next *string
			}
			if err := c.call(ctx, request{method: "GET", path: "/v1/runs", query: query, repeat: true}, &page); err != nil {
				yield(Run{}, err)
				return
			}
			for _, r := range page.Runs {
				if !yield(r, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			query.Set("cursor", *page.Next)
		}
	}
}

func (q Query) values() url.Values {
	if q.Page <= 0 {
		q.Page = 100
	}
	values := url.Values{"limit": {strconv.Itoa(min(q.Page, 500))}}
	states := make([]string, len(q.States))
	for i, s := range q.States {
		states[i] = string(s)
	}
	for name, value := range map[string]string{"target": q.Target, "state": strings.Join(states, ","), "key": q.Key} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}
