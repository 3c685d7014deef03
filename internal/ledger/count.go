package ledger

// Count names something that is counted over the records of a scope: a state, or one of the properties below.
type Count string

// The properties that are counted beside the states.
const (
	CountCached    Count = "is_cached"        // done without being sent
	CountEmpty     Count = "is_empty"         // done with an empty result
	CountSent      Count = "was_sent"         // attempted at least once
	CountDuplicate Count = "may_be_duplicate" // sent again after an attempt that may have left a row
)

// Counts holds how many records of a scope there are, by state and property.
type Counts map[Count]int

// In returns how many records are in one of the states.
func (c Counts) In(states ...State) int {
	n := 0
	for _, s := range states {
		n += c[Count(s)]
	}
	return n
}

// Total returns how many records there are.
func (c Counts) Total() int { return c.In(States...) }

// Open returns how many records still wait for something.
func (c Counts) Open() int { return c.In(Queued, Sending, Sent, Uncertain, Joined) }

// Recount adds to c what changes in the counts when before becomes after. A nil record counts nowhere. Stores keep
// their counters with it, in the transaction of the change.
func (c Counts) Recount(before, after *Record) {
	c.add(before, -1)
	c.add(after, 1)
}

func (c Counts) add(r *Record, n int) {
	if r == nil {
		return
	}
	c[Count(r.State)] += n
	c.addIf(r.Cached, CountCached, n)
	c.addIf(r.State == Done && r.Empty, CountEmpty, n)
	c.addIf(r.Attempts > 0, CountSent, n)
	c.addIf(r.MayDuplicate > 0, CountDuplicate, n)
}

func (c Counts) addIf(holds bool, name Count, n int) {
	if holds {
		c[name] += n
	}
}
