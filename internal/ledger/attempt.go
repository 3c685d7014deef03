package ledger

import "time"

// Outcome says how far an attempt's request got.
type Outcome string

// The outcomes of an attempt. An answer, even an early one, beats an error while writing.
const (
	NotSent  Outcome = "not_sent" // no byte of the request was written
	Partial  Outcome = "partial"  // the connection broke while writing
	Unknown  Outcome = "unknown"  // the whole request was written and no answer came
	Answered Outcome = "answered"
	Released Outcome = "released" // claimed, then given back unsent
)

// Verdict says what an attempt means for its record: one word for each row of the outcome table. A driver finds it
// from the surface that it speaks to (a row, a run, a lookup), because the same status means different things there.
type Verdict string

// The verdicts on an attempt.
const (
	Accepted  Verdict = "accepted"  // Clay took it
	Unsent    Verdict = "unsent"    // it never arrived: the lane backs off, the record loses no try
	Throttled Verdict = "throttled" // Clay dropped it for its pace: the lane waits, the record loses no try
	Failed    Verdict = "failed"    // it failed in a way that may pass and may have left a row: try again later
	Doubtful  Verdict = "doubtful"  // its fate is unknown: the record is uncertain
	Rejected  Verdict = "rejected"  // the record itself is at fault: dead
	Refused   Verdict = "refused"   // the target is at fault (key, plan, URL): it pauses, the record loses no try
	Divided   Verdict = "divided"   // one of its run's records is at fault, or they are too many: again, in smaller runs
	Exhausted Verdict = "exhausted" // the webhook has had its last record: the next one takes over
)

// Attempt is one try at Clay, as it is kept.
type Attempt struct {
	Record       RecordID
	N            int // 1 for the first
	Outcome      Outcome
	Verdict      Verdict
	Status       int           // HTTP status, 0 without an answer
	Excerpt      string        // of the answer's body, or what went wrong
	RetryAfter   time.Duration // the delay that Clay asked for
	MayDuplicate bool          // a send after it could make a second row
	StartedAt    time.Time
	AnsweredAt   time.Time // zero while no answer is known
}
