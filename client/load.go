package client

import (
	"context"
	"net/http"
	"net/url"
)

// NewLoad names a load.
type NewLoad struct {
	// Name is what the load is known by, such as the path of a file. The same name on the same target is the same load.
	Name string `json:"name"`
	// Fresh begins a new load of that name, which knows no row of the former: all of them are sent again.
	Fresh bool `json:"fresh,omitempty"`
	// Webhook, when set, is the digest of the webhook's URL that the rows are meant for: the gateway refuses the load when
	// its target has others.
	Webhook string `json:"webhook,omitempty"`
}

// Load is all the rows of a file, or of anything that can be handed in again as a whole, and how they stand.
type Load struct {
	ID        string        `json:"id"`
	Target    string        `json:"target"`
	Name      string        `json:"name"`
	Emulated  bool          `json:"emulated"`       // its rows go to the emulator, not to Clay
	Await     bool          `json:"awaits_results"` // the target sends results back
	DedupeBy  []string      `json:"dedupe_by"`      // the target's
	Counts    map[State]int `json:"counts"`         // its records by state
	Cached    int           `json:"cached"`         // of these, done without being sent
	Attempted int           `json:"attempted"`      // of these, tried at Clay at least once
	Delivered int           `json:"delivered"`      // records of the target, of this load or not, that have got through to Clay
	Paused    *Pause        `json:"paused"`         // why its target sends nothing; nil while it does
	Stopped   *string       `json:"stopped"`        // why all sending is stopped; nil while it is not
	Held      *Held         `json:"held"`           // the budget that its rows wait for; nil while they do not
}

// Open returns how many of its records still wait for something.
func (l Load) Open() int {
	n := 0
	for state, records := range l.Counts {
		if !state.Ended() {
			n += records
		}
	}
	return n
}

// OpenLoad returns the load of a name, making it when there is none.
func (c *Client) OpenLoad(ctx context.Context, target string, l NewLoad) (Load, error) {
	body, err := encode(l)
	if err != nil {
		return Load{}, err
	}
	var load Load
	// A fresh load that is made twice is none the worse: only the last one is handed rows.
	return load, c.call(ctx, request{method: http.MethodPost, path: targetPath(target) + "/loads", body: body, repeat: true}, &load)
}

// Load reads how a load stands.
func (c *Client) Load(ctx context.Context, id string) (Load, error) {
	var load Load
	return load, c.call(ctx, request{method: http.MethodGet, path: loadPath(id), repeat: true}, &load)
}

// HoldLoad keeps what of a load has not left until its rows are handed in again. What is at Clay goes on.
func (c *Client) HoldLoad(ctx context.Context, id string) (Load, error) {
	var load Load
	return load, c.call(ctx, request{method: http.MethodPost, path: loadPath(id) + "/hold", repeat: true}, &load)
}

// MaxRead is how many records [Client.ReadRecords] reads at once.
const MaxRead = 500

// ReadRecords reads at most [MaxRead] records by their IDs, in that order, each with what it came to: Outcome and Sends.
// Those that are not there are left out.
func (c *Client) ReadRecords(ctx context.Context, ids []string) ([]Record, error) {
	body, err := encode(map[string][]string{"ids": append([]string{}, ids...)})
	if err != nil {
		return nil, err
	}
	var answer struct{ Records []Record }
	err = c.call(ctx, request{method: http.MethodPost, path: "/v1/records/read", body: body, repeat: true}, &answer)
	return answer.Records, err
}

func loadPath(id string) string { return "/v1/loads/" + url.PathEscape(id) }
