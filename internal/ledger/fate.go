package ledger

// Fate is what a record came to, in the words in which people are told of it.
type Fate string

// The fates of a record.
const (
	FateOK        Fate = "ok"         // enriched, or delivered where no result is awaited
	FateCached    Fate = "cached"     // enriched at no cost, by an earlier record or another row
	FateNotFound  Fate = "not_found"  // Clay found nothing
	FateFailed    Fate = "failed"     // given up, with the reason
	FateTimedOut  Fate = "timed_out"  // Clay took it, no result came
	FateMaybeSent Fate = "maybe_sent" // it may be at Clay, nobody knows
	FatePending   Fate = "pending"    // not finished
)

// InDoubt reports whether the verdict on its last attempt is needed to tell a record's [Fate].
func (r Record) InDoubt() bool { return (r.State == Dead || r.State == Expired) && r.AtClay }

// Fate returns what the record came to. The verdict on its last attempt matters only for one that is [Record.InDoubt]: it
// tells a result that never came from a request that perhaps never arrived.
func (r Record) Fate(last Verdict) Fate {
	switch {
	case r.State == Done && r.Empty:
		return FateNotFound
	case r.State == Done && r.Cached:
		return FateCached
	case r.State == Done:
		return FateOK
	case r.State == Uncertain:
		return FateMaybeSent
	case r.State == Canceled && r.Reason == HeldBack:
		return FatePending
	case !r.State.Terminal():
		return FatePending
	case r.InDoubt() && last == Accepted:
		return FateTimedOut
	case r.InDoubt() && last == Doubtful:
		return FateMaybeSent
	}
	return FateFailed
}

// HeldBack is why a row of a load is canceled that somebody stopped from leaving. The next run of the load sends it.
const HeldBack = "held back: its load was stopped before it was sent"

// Sends returns how many sends of the record Clay took, or may have taken.
func (r Record) Sends() int {
	n := r.MayDuplicate
	if r.AtClay || r.State == Done && !r.Cached && r.Attempts > 0 {
		n++
	}
	return n
}
