package ledger

import "time"

// Retention says how long what has finished is kept, counted from when it finished. Zero values mean the defaults.
type Retention struct {
	// Bodies bounds how long the fields, the result, the callbacks and what Clay answered are kept. Default 30 days.
	// After it a record is erased: it answers nothing from the cache, cannot be replayed, and swallows late results.
	Bodies time.Duration
	// Metadata bounds how long the record is kept: its state, times, attempts and the submitter's metadata. Default 90
	// days, at least Bodies. After it nothing is known of it: it leaves the counts, its load sends its row again, and
	// nobody who shared its key finds it.
	Metadata time.Duration
	// Audit bounds how long it is kept who did what. Default 1 year.
	Audit time.Duration
}

// The default retention.
const (
	DefaultBodies   = 30 * 24 * time.Hour
	DefaultMetadata = 90 * 24 * time.Hour
	DefaultAudit    = 365 * 24 * time.Hour
)

// Normal returns the retention with its defaults.
func (r Retention) Normal() Retention {
	r.Bodies = orDefault(r.Bodies, DefaultBodies)
	r.Metadata = max(orDefault(r.Metadata, DefaultMetadata), r.Bodies)
	r.Audit = orDefault(r.Audit, DefaultAudit)
	return r
}

// Pruned is what a step of pruning removed.
type Pruned struct {
	Bodies  int  // records that were erased
	Records int  // records that were removed
	Others  int  // callbacks that matched nothing, notices, deeds and idempotency keys
	More    bool // there may be more
}
