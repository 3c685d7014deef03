package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// State is where a record stands.
type State string

// The states of a record.
const (
	Queued    State = "queued"    // waits to be sent
	Sending   State = "sending"   // on its way to Clay
	Sent      State = "sent"      // Clay has it; its result is awaited
	Uncertain State = "uncertain" // Clay may have it
	Joined    State = "joined"    // shares the work of another record
	Done      State = "done"      // has its result
	Dead      State = "dead"      // failed for good
	Expired   State = "expired"   // no result came in time
	Canceled  State = "canceled"  // somebody gave it up
)

// Ended reports whether nothing more is expected to happen. A result that comes late still completes a record that
// ended without one.
func (s State) Ended() bool { return s == Done || s == Dead || s == Expired || s == Canceled }

// Record is one submission and what has become of it.
type Record struct {
	ID       string          `json:"id"`
	Target   string          `json:"target"`
	State    State           `json:"state"`
	Cached   bool            `json:"cached"`   // done without being sent, at no cost
	Emulated bool            `json:"emulated"` // from the emulator, not from Clay
	Revision int             `json:"revision"` // 0 until there is a result, then raised by each one that changes something
	Result   json.RawMessage `json:"result"`   // the enriched fields, one JSON object; "null" until there are any
	Error    *Failure        `json:"error"`    // why it ended without a result; nil otherwise
	Metadata json.RawMessage `json:"metadata"` // as it was handed in
	// MayDuplicate counts the sends made after one that may have left a row: Clay holds at most one row more than this.
	MayDuplicate int       `json:"may_duplicate"`
	Cost         Cost      `json:"cost"` // so far
	CreatedAt    time.Time `json:"created_at"`
	DoneAt       time.Time `json:"done_at,omitzero"`   // zero until it is done
	Attempts     []Attempt `json:"attempts,omitempty"` // where they were asked for
	// Fields are what was handed in, "null" once they were erased: in an export only.
	Fields json.RawMessage `json:"fields,omitempty"`
	// InputDiffers says, when it is handed in, that the record whose work it shares has another input.
	InputDiffers bool `json:"input_differs,omitempty"`
	// Outcome and Sends are there where many are read: what it came to ("ok", "cached", "not_found", "failed", "timed_out",
	// "maybe_sent" or "pending"), and how often Clay took it, or may have.
	Outcome string `json:"outcome,omitempty"`
	Sends   int    `json:"sends,omitempty"`
}

// Failure is why a record ended without a result.
type Failure struct {
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
}

// Attempt is one try at Clay.
type Attempt struct {
	N            int       `json:"n"`
	Outcome      string    `json:"outcome"` // how far the request got; "" while its answer is awaited
	Verdict      string    `json:"verdict"` // what that means for the record
	Status       int       `json:"status"`  // Clay's HTTP status, 0 without an answer
	Excerpt      string    `json:"excerpt"` // of Clay's answer, or what went wrong
	MayDuplicate bool      `json:"may_duplicate"`
	StartedAt    time.Time `json:"started_at"`
	AnsweredAt   time.Time `json:"answered_at,omitzero"`
}

// Decode reads the result into a value, as json.Unmarshal does.
func (r Record) Decode(value any) error { return json.Unmarshal(r.Result, value) }

// Failed is the error of a record that ended without a result.
type Failed struct{ Record Record }

// Error returns one line.
func (f *Failed) Error() string {
	reason := string(f.Record.State)
	if f.Record.Error != nil && f.Record.Error.Reason != "" {
		reason += ": " + f.Record.Error.Reason
	}
	return "claygate: record " + f.Record.ID + " is " + reason
}

// Look says how to read a record.
type Look struct {
	Wait     time.Duration // how long to wait for its end, at most [MaxWait]; 0 to read it as it is
	Attempts bool          // with the tries at Clay
}

// MaxWait is the longest that one request waits. [Client.Enrich] asks again until its context ends.
const MaxWait = 100 * time.Second

// Record reads a record.
func (c *Client) Record(ctx context.Context, id string, l Look) (Record, error) {
	query := url.Values{}
	if l.Wait > 0 {
		query.Set("wait", span(l.Wait))
	}
	if l.Attempts {
		query.Set("attempts", "1")
	}
	var r Record
	err := c.call(ctx, request{method: "GET", path: recordPath(id), query: query, patience: l.Wait, repeat: true}, &r)
	return r, err
}

// Replay sends a record again that ended without a result. It may cost, and make a second row.
func (c *Client) Replay(ctx context.Context, id string) (Record, error) {
	return c.act(ctx, recordPath(id)+"/replay", nil)
}

// Resolve says what became of a record whose request may have arrived: whether its row is in the Clay table. If so its
// result is awaited again, else it is sent again.
func (c *Client) Resolve(ctx context.Context, id string, arrived bool) (Record, error) {
	return c.act(ctx, recordPath(id)+"/resolve", map[string]bool{"arrived": arrived})
}

// Cancel gives a record up that has not been sent. The reason is for people; "" for none.
func (c *Client) Cancel(ctx context.Context, id, reason string) (Record, error) {
	return c.act(ctx, recordPath(id)+"/cancel", reasonBody(reason))
}

func (c *Client) act(ctx context.Context, path string, body any) (Record, error) {
	var r Record
	return r, c.post(ctx, path, body, &r)
}

// post sends a request that changes something.
func (c *Client) post(ctx context.Context, path string, body, out any) error {
	r := request{method: "POST", path: path}
	if body != nil {
		text, err := encode(body)
		if err != nil {
			return err
		}
		r.body = text
	}
	return c.call(ctx, r, out)
}

func reasonBody(reason string) any {
	if reason == "" {
		return nil
	}
	return map[string]string{"reason": reason}
}

func recordPath(id string) string { return "/v1/records/" + url.PathEscape(id) }

// targetPath returns a target's path; a workspace's slash stays one.
func targetPath(target string) string {
	parts := strings.Split(target, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "/v1/targets/" + strings.Join(parts, "/")
}

// span writes a length of time as the gateway reads it.
func span(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }
