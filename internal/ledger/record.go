package ledger

import (
	"encoding/json"
	"time"
)

// State is where a record stands. The transitions between states are [Decide]'s and nobody else's.
type State string

// The states of a record.
const (
	Queued    State = "queued"    // waits to be sent
	Sending   State = "sending"   // claimed on disk; the request may be on its way
	Sent      State = "sent"      // Clay said 2xx; a result is awaited
	Uncertain State = "uncertain" // the request may have arrived
	Joined    State = "joined"    // shares the work of another record in flight
	Done      State = "done"      // has its result, or was delivered where none is awaited
	Dead      State = "dead"      // failed for good, with a reason
	Expired   State = "expired"   // no result came in time
	Canceled  State = "canceled"  // a person gave it up
)

// States lists every state, in the order in which a record may meet them.
var States = []State{Queued, Sending, Sent, Uncertain, Joined, Done, Dead, Expired, Canceled}

// Terminal reports whether nothing more is expected to happen to a record in this state. A late result still
// completes a terminal record that is not done.
func (s State) Terminal() bool {
	switch s {
	case Done, Dead, Expired, Canceled:
		return true
	}
	return false
}

// Record is one submission and everything that has happened to it.
type Record struct {
	ID       RecordID
	Target   string
	State    State
	Priority int    // higher leaves first; 0 for bulk
	Load     LoadID // the load it came with, 0 for none
	Key      Digest // its dedupe key, keyed by the ledger's secret; zero for none
	Await    bool   // a result is awaited after Clay's 2xx

	Attempts     int  // attempts made; also the number of the current one
	Tries        int  // attempts that spoke about the record and are used up
	Resends      int  // times it was sent again although an earlier attempt may have arrived unanswered
	RunLimit     int  // how many records a run that carries it may have; 0 means the target's own limit
	AtClay       bool // the current attempt may have left a row at Clay
	MayDuplicate int  // attempts made after one that may have left a row: rows at Clay ≤ 1 + MayDuplicate

	APIKey string // the ID of the API key that handed it in, whose budget pays; "" for none
	Spent  Cost   // what its attempts have cost: by the target's price, of those that may have arrived

	Leader   RecordID // the record whose work a joined record shares
	Revision int      // 0 until the first result, then raised by each result that changes something
	Cached   bool     // done without being sent: from the cache, or with the record it joined
	Empty    bool     // the result holds nothing beyond what was sent
	Emulated bool     // came from the emulator, not from Clay
	Erased   bool     // its fields, result and callbacks are gone: they were kept long enough, or somebody asked for it
	Reason   string   // why it is dead, expired, canceled or still waiting; for people

	ResultTimeout time.Duration // its own limit on the wait for a result; 0 means the target's
	SendBy        time.Duration // left until it may no longer be sent; 0 means no limit, negative that it has passed
	SinceSend     time.Duration // since its current attempt was claimed; filled in by the store
	SinceDone     time.Duration // since it was done; filled in by the store

	// Bodies, kept apart from the rest. A store loads them for results and for readers who ask.
	Fields   json.RawMessage // what was submitted: one JSON object
	Metadata json.RawMessage // the submitter's own, never sent to Clay
	Result   json.RawMessage // the enriched fields: one JSON object; nil until there is one. At revision 0 it is not complete yet

	// CallbackURL is where its submitter wants to be told of its end; "" for nowhere. It is a secret.
	CallbackURL string

	// Times stamped by the store, for readers. Decide never looks at them.
	CreatedAt, DoneAt time.Time
}

// InFlight reports whether the record's own work is under way, so that another one with its key may join it.
func (r Record) InFlight() bool {
	switch r.State {
	case Queued, Sending, Sent, Uncertain:
		return true
	}
	return false
}

// shares reports whether the record may share the owner's work, which is under way.
func (r Record) shares(owner Record) bool {
	return r.Await && !r.Key.IsZero() && owner.Await && owner.InFlight()
}

// BegunAgain reports whether a record was replayed, or goes on without the one that it had joined.
func (r Record) BegunAgain(before Record) bool {
	return before.State.Terminal() && !r.State.Terminal() || before.State == Joined && before.Leader != r.Leader
}

// WithoutBodies returns the record as most who ask for it want it.
func (r Record) WithoutBodies() Record {
	r.Fields, r.Metadata, r.Result = nil, nil, nil
	return r
}
