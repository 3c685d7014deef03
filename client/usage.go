package client

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// Cost is what something costs.
type Cost struct {
	Records     int64   `json:"records"`
	Actions     float64 `json:"actions"`
	DataCredits float64 `json:"data_credits"`
	// Basis says, of a record, what it is based on: "none" where nothing of it was sent, "records" where no cost is said of
	// its target, or "estimate" by what is.
	Basis string `json:"basis,omitempty"`
}

// Held says why records wait for a budget, and until when.
type Held struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// UsageQuery says which usage to read. The zero value asks for this month, by workspace.
type UsageQuery struct {
	By        []string // what to tell it apart by: "day", "workspace", "target", "key"
	Month     string   // such as "2026-12"
	From, To  string   // or days, both included, such as "2026-12-01"
	Workspace string   // only of this one; likewise the others
	Target    string
	Key       string
}

// Usage is what was spent and saved.
type Usage struct {
	From    string     `json:"from"`
	To      string     `json:"to"`
	Rows    []UsageRow `json:"rows"`
	Total   UsageSum   `json:"total"`
	Budgets []Budget   `json:"budgets"` // as they stand now
}

// UsageRow is one part of the usage, told apart by what was asked for.
type UsageRow struct {
	Day       string `json:"day"`
	Workspace string `json:"workspace"`
	Target    string `json:"target"` // "" for calls that were passed through and are no target's
	Key       string `json:"key"`    // an API key's ID; "" for none
	UsageSum
}

// UsageSum is a sum of usage.
type UsageSum struct {
	Spent       Cost  `json:"spent"`
	Saved       Cost  `json:"saved"`        // by the cache, and by records that shared the work of others
	MaybeDouble int64 `json:"maybe_double"` // sends that may have cost twice
}

// Budget is how a budget stands.
type Budget struct {
	Of    string   `json:"of"` // "workspace", "target" or "key"
	Name  string   `json:"name"`
	Day   Spending `json:"day"`
	Month Spending `json:"month"`
	Held  *Held    `json:"held"` // why nothing more is paid from it; nil while something is
}

// Spending is what was spent of a limit. A limit that is 0 is none.
type Spending struct {
	Spent Cost `json:"spent"`
	Limit Cost `json:"limit"`
}

// Usage reads what was spent and saved, and how the budgets stand.
func (c *Client) Usage(ctx context.Context, q UsageQuery) (Usage, error) {
	params := url.Values{}
	for name, value := range map[string]string{
		"by": strings.Join(q.By, ","), "month": q.Month, "from": q.From, "to": q.To, "workspace": q.Workspace, "target": q.Target, "key": q.Key,
	} {
		if value != "" {
			params.Set(name, value)
		}
	}
	var u Usage
	return u, c.call(ctx, request{method: "GET", path: "/v1/usage", query: params, repeat: true}, &u)
}
