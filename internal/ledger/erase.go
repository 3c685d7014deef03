package ledger

import "context"

// Eraser removes what the ledger holds of people, on request.
type Eraser interface {
	// Erase removes some of it: one short transaction, as [Keeper.Prune]'s. Call it again while it says that there is more,
	// with its Next as After. What it removed is in none of the ledger's files once it says that there is no more.
	//
	// The records stay, without any body, so that what comes for them later is taken and nothing of it kept. Those that
	// have not ended are canceled first.
	Erase(ctx context.Context, e Erasure) (Erased, error)
	// Loose returns bodies that belong to no record, after the one named, in the order of their names, at most max: callbacks
	// that matched none, and the items of followed runs. Whoever erases looks through them.
	Loose(ctx context.Context, after LooseID, max int) ([]Loose, error)
}

// Erasure says what to erase. What it names and the ledger does not have, or has erased before, is no error.
type Erasure struct {
	Records []RecordID
	Keys    []Digest // all records of these dedupe keys
	Loose   []LooseID
	Target  string // all records of this target, and the callbacks that were addressed to it and matched none; "" for none
	Lane    LaneID // the items of the runs that were followed on this lane; "" for none
	// After is where to go on among the target's records: the Next of the last step.
	After RecordID
}

// Erased is what a step of erasing did.
type Erased struct {
	Records  int      // whose bodies are gone
	Canceled int      // of these: those that had not ended
	AtClay   int      // of these: those that may have left a row at Clay, which keeps it
	Loose    int      // bodies that belonged to no record
	Next     RecordID // see [Erasure].After
	More     bool     // there may be more
}

// Add counts a record that was erased.
func (e *Erased) Add(before Record, c Change) {
	e.Records++
	if c.Moved {
		e.Canceled++
	}
	if c.Record.AtClay || before.MayDuplicate > 0 || before.State == Done && before.Attempts > 0 {
		e.AtClay++
	}
}

// LooseID names a body that belongs to no record: a callback, or where Run is set an item of that run.
type LooseID struct {
	Run RunID
	N   int64
}

// Loose is a body that belongs to no record.
type Loose struct {
	ID     LooseID
	Target string // of a callback: the one it was addressed to
	Lane   LaneID // of an item: its run's
	Body   []byte
}

// ErasedReason is why an erased record ended, or what is left to say about why it had.
const ErasedReason = "its data was erased on request"

// Erase takes from a record all that it says of people. One that has not ended is given up.
type Erase struct{}

func (Erase) event() {}

// erase gives a record up and empties it. An attempt under way is left to its answer, which is a fact: it is written down,
// without a word of what Clay said.
func erase(r Record) Change {
	if r.Erased {
		return Change{Record: r}
	}
	if r.State == Sending { // its request may be on its way
		r.AtClay = true
	}
	r.Erased, r.Fields, r.Metadata, r.Result, r.CallbackURL, r.SendBy = true, nil, nil, nil, "", 0
	if !r.State.Terminal() {
		return end(r, Canceled, ErasedReason)
	}
	if r.State != Done {
		r.Reason = ErasedReason
	}
	return Change{Record: r, Kept: true}
}
