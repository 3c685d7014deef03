package ledger

import "context"

// RunQuery says which runs to list. Zero fields restrict nothing.
type RunQuery struct {
	Target string
	States []RunState
	Before RunID // only runs claimed before this one: the last ID of a page is the cursor to the next
	Max    int   // at most so many; at least 1
}

// RunLister lists runs.
type RunLister interface {
	// ListRuns returns the newest runs first. Pages are as stable as those of [Lister].
	ListRuns(ctx context.Context, q RunQuery) ([]Run, error)
}
