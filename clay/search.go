package clay

import "time"

// Quota is what a workspace may find by searching in a period.
type Quota struct {
	// Limit is how many records may be fetched, Used how many were, Remaining how
	// many are left.
	Limit, Used, Remaining int
	// ResetsAt is when the period ends; zero when Clay's text is not understood.
	ResetsAt time.Time
}
