package client

import (
	"context"
	"time"
)

// Erasing says whose data is to be erased: either Records, or a Target with a person's Fields or with All, or a Workspace with
// All.
type Erasing struct {
	Records []string `json:"records,omitempty"` // at most 500 IDs
	Target  string   `json:"target,omitempty"`
	// Workspace is one of which everything goes.
	Workspace string `json:"workspace,omitempty"`
	// Fields hold what is known of the person: those of the target's dedupe_by, or any unless KeyOnly is set.
	Fields any `json:"fields,omitempty"`
	// KeyOnly leaves records alone that have another dedupe key, though they mention the person. Looking for those reads all
	// that the target holds.
	KeyOnly bool `json:"-"`
	All     bool `json:"all,omitempty"` // everything of the target or the workspace
}

// Erased is what an erasure did.
type Erased struct {
	Records   int      `json:"records"`    // whose data is gone
	Canceled  int      `json:"canceled"`   // of these: had not ended, and are never sent
	AtClay    int      `json:"at_clay"`    // of these: may have left a row at Clay, which keeps it
	Unmatched int      `json:"unmatched"`  // callbacks that matched no record, and items of runs that callers started themselves
	StillHeld []string `json:"still_held"` // who else may hold the data
}

// erasePatience is how long an erasure may take.
const erasePatience = 10 * time.Minute

// Erase removes somebody's data from the gateway, and returns when none is left. It takes a key with the scope admin.
func (c *Client) Erase(ctx context.Context, e Erasing) (Erased, error) {
	body, err := encode(struct {
		Erasing
		Search *bool `json:"search,omitempty"`
	}{e, keyOnly(e)})
	if err != nil {
		return Erased{}, err
	}
	var out Erased
	return out, c.call(ctx, request{method: "POST", path: "/v1/erase", body: body, patience: erasePatience, repeat: true}, &out)
}

func keyOnly(e Erasing) *bool {
	if !e.KeyOnly {
		return nil
	}
	return new(false)
}
