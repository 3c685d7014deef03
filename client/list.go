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
