package ledger

import (
	"context"
	"time"
)

// Runs keeps the runs of routines. Their starts are claimed with [Lanes].
type Runs interface {
	// Poll returns a run of the lane that it is time to ask Clay about, with a token for the question, and keeps it from
	// others for [PollLease]. Without one, wait is the time until there may be one, or Never. Runs whose time is up are
	// settled on the way.
	Poll(ctx context.Context, lane LaneID) (run *Run, wait time.Duration, err error)
	// ApplyRun lets an event happen to a run: it locks it, calls [DecideRun], and writes back the run, what happens to
	// its records and what the lane hears, in one transaction. Items that name none of its records are kept as callbacks
	// that match nothing. Kind NotFound when there is no such run.
	ApplyRun(ctx context.Context, id RunID, e RunEvent) (Run, error)
	// Completed notes that Clay told of a run's end. A run that is not known is kept as found, once, while any start
	// on the lane has no known outcome; known is false when it is neither.
	Completed(ctx context.Context, lane LaneID, clay string) (known bool, err error)
	// Adopt gives a found run to the start of unknown fate that carried these records; ok is false when there is none.
	// The found run is then forgotten, or, with none, done.
	Adopt(ctx context.Context, found RunID, items []RecordID) (by RunID, ok bool, err error)
	// Follow has a run asked for whose items are nobody's records, and keeps what it brings as Clay gave it. A run that is
	// known already stays as it is, unless it was only found: then that is forgotten. Completed makes it due.
	Follow(ctx context.Context, f Following) error
	// Named returns the run of the lane that has this name at Clay. Kind NotFound when there is none.
	Named(ctx context.Context, lane LaneID, clay string) (Run, error)
	// Brought returns what is kept of the items of a followed run, in the order in which Clay gave them: those from a
	// position on, at most max.
	Brought(ctx context.Context, id RunID, from, max int) ([][]byte, error)
	// Run returns a run. Kind NotFound when there is none.
	Run(ctx context.Context, id RunID) (Run, error)
	// Carried returns the records that a run carries, with their fields, in the order of their IDs: those after an ID,
	// at most max.
	Carried(ctx context.Context, id RunID, after RecordID, max int) ([]Record, error)
}
