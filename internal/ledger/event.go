package ledger

import (
	"encoding/json"
	"time"
)

// Event is something that happens to a record. The concrete types are [Claim], [Answer], [Release], [Result], [Failure],
// [Tick], [Replay], [Cancel], [Resolve], [Postpone], [Follow] and [Erase].
type Event interface{ event() }

// Claim takes a queued record for sending. Only a store's Claim makes it, together with the tokens.
type Claim struct{}

// Answer is how an attempt ended. It moves the record only when it belongs to the record's current attempt and the
// record is sending or uncertain; else it is only written to the attempt.
type Answer struct {
	Attempt    int
	Outcome    Outcome
	Verdict    Verdict
	Status     int
	Excerpt    string
	RetryAfter time.Duration // the delay that Clay asked for; 0 for none
	Reason     string        // for people: what happened and what to do; "" for an accepted attempt
	Jitter     float64       // uniform in [0,1): spreads the retry
	// Open says that the target's breaker is open, so that a failure speaks about the target and uses up no try of the
	// record. The store fills it in.
	Open     bool
	RunLimit int // of a divided run: how many records the next one of this record may carry

	// Result is the enriched record, one JSON object, where an accepted attempt brings it at once, as a lookup does.
	Result json.RawMessage
}

// Release gives a claimed record back unsent: it is the answer of an attempt that was never made.
type Release struct{ Attempt int }

// Result is the enriched row, as a callback or a poll brought it.
type Result struct {
	Attempt int             // the attempt that made the row; 0 when unknown
	Fields  json.RawMessage // one JSON object
}

// Failure is what Clay says of a record that it took and could not work on, or whose run ended without a word about it.
type Failure struct {
	Attempt int // the attempt that Clay took
	Reason  string
	// Unworked says that Clay surely did not begin to work on the record: it goes back to the queue.
	Unworked bool
	RunLimit int // with Unworked: as for [Answer]
}

// Tick says that the record's due time has come: a claim without an answer, a deadline, or a last date to send.
type Tick struct {
	// Orphaned says that the process which claimed the record is known to be gone, so that its answer is not worth
	// waiting for.
	Orphaned bool
}

// Replay begins a record again that ended without a result. It may cost, and make a second row.
type Replay struct {
	// Owner is the record that owns the replayed one's dedupe key; the store fills it in. While it is in flight the
	// replayed record joins it.
	Owner *Record
}

// Cancel gives up a record that has not left yet.
type Cancel struct{ Reason string }

// Postpone holds a queued record back for a time, because a budget that would pay for it is spent. It uses up none of its
// tries, and no time of its wait for a result.
type Postpone struct {
	For    time.Duration
	Reason string
}

// Resolve settles what became of a request whose fate nobody knew: a person looked in the table.
type Resolve struct {
	// Arrived says that the row is there, so that its result is awaited again. Else it is sent again.
	Arrived bool
	// Owner is the record that owns the dedupe key, as for [Replay].
	Owner *Record
}

// Follow ends a joined record together with the record that it joined. Somebody who gives up a record gives up no other's:
// those that joined one that was canceled go on, and the first of them takes its place. The rows of one load were given
// up together, unless that one alone was erased.
type Follow struct {
	Leader Record
	// Owner is the record that owns the dedupe key, as for [Replay].
	Owner *Record
}

func (Claim) event()    {}
func (Answer) event()   {}
func (Release) event()  {}
func (Result) event()   {}
func (Failure) event()  {}
func (Tick) event()     {}
func (Replay) event()   {}
func (Cancel) event()   {}
func (Resolve) event()  {}
func (Postpone) event() {}
func (Follow) event()   {}

// BringsResult reports whether deciding an event takes its record's bodies.
func BringsResult(e Event) bool {
	switch e := e.(type) {
	case Result:
		return true
	case Answer:
		return e.Result != nil
	}
	return false
}
