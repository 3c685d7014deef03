package ledger

import (
	"encoding/json"
	"time"
)

// Submission is a record as it is handed in.
type Submission struct {
	ID       RecordID // minted by the submitter
	Target   string
	Fields   json.RawMessage // one JSON object, valid and within Clay's limit
	Metadata json.RawMessage // one JSON object or nil
	Key      Digest          // zero: shares no work
	Await    bool            // a result is awaited
	Priority int

	// Load and Work name a row of a load: the same row handed in again is the same record, whatever became of it.
	Load LoadID
	Work Digest

	// Once, when set, makes this the only submission under its idempotency key.
	Once *Once

	APIKey string // the ID of the API key that hands it in; "" for none

	CallbackURL string // where its end is to be told; "" for nowhere

	MaxAge        *time.Duration // how old a result may be to answer; nil for the target's
	ResultTimeout time.Duration  // 0 for the target's
	SendBy        time.Duration  // from now until it may no longer be sent; 0 for no limit, negative that it has passed
}

// Once is an idempotency key. Handed in again with the same body, a submission is the record that it was the first
// time; with another body it is refused.
type Once struct {
	Key  Digest // of whoever submits, the target and the key that they gave
	Body Digest // of the request's body
}

// OnceRetention is how long an idempotency key is remembered.
const OnceRetention = 7 * 24 * time.Hour

// Admission says what a submission becomes.
type Admission struct {
	Record Record        // as it is to be stored
	Due    time.Duration // until its first Tick, or Never
	Owns   bool          // it is now the record that others with its key join or are answered from
	Raise  bool          // the record that it joins is to get its priority, which is higher
	// Differs says that the record whose work it shares has another input.
	Differs bool
	// Err, kind Conflict, says why it is refused.
	Err error
}

// Admit decides what a submission becomes, given the record that owns its dedupe key (nil when there is none or the
// submission has no key). In flight: it joins. Done recently enough: it is done, from the cache. Else it is new work.
// Like [Decide] it reads no clock: the age of the owner's result is in its SinceDone.
func Admit(t Target, owner *Record, s Submission) Admission {
	r := Record{
		ID: s.ID, Target: s.Target, State: Queued, Priority: s.Priority, Load: s.Load, Key: s.Key, Await: s.Await,
		ResultTimeout: s.ResultTimeout, SendBy: s.SendBy, Fields: s.Fields, Metadata: s.Metadata, CallbackURL: s.CallbackURL,
		APIKey: s.APIKey,
	}
	if owner != nil && s.Await && !s.Key.IsZero() {
		differs := !sameJSON(owner.Fields, s.Fields)
		switch {
		case r.shares(*owner) && differs && t.OnConflict == Reject:
			return Admission{Err: &Error{
				Kind: Conflict, Op: "accept", Message: "a record with the same dedupe key and another input is under way: " + owner.ID.String(),
				Hint: "wait for it, or hand in the same input",
			}}
		case r.shares(*owner) && !(differs && t.OnConflict == Separate):
			r.State, r.Leader = Joined, owner.ID
			return Admission{Record: r, Due: Never, Raise: s.Priority > owner.Priority, Differs: differs}
		case owner.State == Done && owner.Revision > 0 && !owner.Erased && max(owner.SinceDone, 0) < t.maxAge(owner.Empty, s.MaxAge):
			r.State, r.Cached, r.Revision = Done, true, 1
			r.Result, r.Empty, r.Emulated = owner.Result, owner.Empty, owner.Emulated
			return Admission{Record: r, Due: Never, Differs: differs}
		}
	}
	due := Never
	if s.SendBy != 0 {
		due = max(s.SendBy, 0)
	}
	return Admission{Record: r, Due: due, Owns: !s.Key.IsZero() && s.Await}
}
