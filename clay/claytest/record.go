package claytest

import (
	"encoding/json"
	"time"
)

// Request is one HTTP request that reached the server, whatever became of it;
// those to the control API are not recorded.
type Request struct {
	// Number counts requests from 1, in the order in which they arrived.
	Number int `json:"number"`
	// At is when it arrived.
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	// Webhook is the name of the webhook it was posted to, or empty.
	Webhook string `json:"webhook,omitempty"`
	// Status is what was answered, 0 when a fault broke the connection.
	Status int `json:"status"`
	// Row is the number of the row it made, 0 for none.
	Row int `json:"row,omitempty"`
	// Header is what was sent; the values of credentials are "[redacted]".
	Header map[string][]string `json:"header,omitempty"`
	// Body is what was read of the body, at most [Options.MaxBody] bytes.
	Body string `json:"body,omitempty"`
}

// Row is one row of a table: one accepted submission.
type Row struct {
	// Number counts the server's rows from 1, over all its tables.
	Number int `json:"number"`
	// Webhook names the webhook, and with it the table.
	Webhook string    `json:"webhook"`
	At      time.Time `json:"at"`
	// Body is what was posted, byte for byte.
	Body json.RawMessage `json:"body"`
	// Cell is the row's cell in the HTTP API column.
	Cell Cell `json:"cell"`
}

// CellState says how far a row's cell in the HTTP API column has come.
type CellState string

// The states of a [Cell].
const (
	CellIdle    CellState = ""        // not run: there was no column
	CellWaiting CellState = "waiting" // to be sent, or under way
	CellDone    CellState = "done"    // answered 2xx
	CellError   CellState = "error"   // failed, after the retries
	CellSkipped CellState = "skipped" // inputs missing, or run condition not met
	CellMissing CellState = "missing" // a fault kept the callback back
)

// Cell is a row's cell in the HTTP API column.
type Cell struct {
	State CellState `json:"state"`
	// Value is the response body of the callback, cut at 200 KB.
	Value string `json:"value,omitempty"`
	// Error is what the cell shows instead of a value.
	Error string `json:"error,omitempty"`
}

// Callback is one attempt to send a row through the HTTP API column.
type Callback struct {
	// Number counts callbacks from 1, in the order in which they ended.
	Number int `json:"number"`
	// Row is the number of the row, Attempt counts its tries from 1.
	Row     int    `json:"row"`
	Attempt int    `json:"attempt"`
	Webhook string `json:"webhook"`
	// At is when the attempt began, Took how long it went on.
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took"`
	URL  string        `json:"url,omitempty"`
	Body string        `json:"body,omitempty"`
	// Status is the answer's, 0 when there was none and Error says why.
	Status   int    `json:"status"`
	Error    string `json:"error,omitempty"`
	Response string `json:"response,omitempty"`
}

// Stats are the server's counters since its start, its last reset, or the
// beginning of its journal.
type Stats struct {
	Requests  int `json:"requests"`
	Rows      int `json:"rows"`
	Callbacks int `json:"callbacks"`
	// Runs counts the runs of routines that were started, Items their items.
	Runs  int `json:"runs"`
	Items int `json:"items"`
	// Waiting is how many rows have their callback before them or under way.
	Waiting int `json:"waiting"`
	// Status counts the answers by status, 0 for broken connections.
	Status map[int]int `json:"status"`
	// Accepted counts the submissions each webhook has used up.
	Accepted map[string]int `json:"accepted"`
}
