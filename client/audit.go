package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Deed is something that somebody did to the gateway. It was kept before it was done, so it may have failed.
type Deed struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`  // the id of an API key; "local" for whoever has the ledger's files, or its machine while there are no keys
	What string    `json:"what"` // such as "key.created" or "erased"
	On   string    `json:"on"`   // the id or name of what it was done to; "" for the gateway, or for many
	N    int       `json:"n"`    // how many it was done to
}

// Audit lists who did what to the gateway, the newest first. It takes a key of all targets with the scope admin. It ends with
// the first error.
func (c *Client) Audit(ctx context.Context) iter.Seq2[Deed, error] {
	return func(yield func(Deed, error) bool) {
		query := url.Values{"limit": {"500"}}
		for {
			var page struct {
				Deeds []Deed
				Next  *string
			}
			if err := c.call(ctx, request{method: "GET", path: "/v1/audit", query: query, repeat: true}, &page); err != nil {
				yield(Deed{}, err)
				return
			}
			for _, d := range page.Deeds {
				if !yield(d, nil) {
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
