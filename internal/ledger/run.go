package ledger

import (
	"fmt"
	"time"
)

// RunID names a run in the ledger. Clay's own name for it is [Run.Clay].
type RunID int64

// RunKind says how the records of a run get to Clay and their results back.
type RunKind string

// The kinds of run.
const (
	Inline RunKind = "inline" // up to 100 records in the request; results in pages
	Bulk   RunKind = "bulk"   // a file of records; a file of results
)

// RunState is where a run stands. The transitions are [DecideRun]'s.
type RunState string

// The states of a run.
const (
	RunStarting  RunState = "starting"  // claimed on disk; the start may be on its way
	RunRunning   RunState = "running"   // Clay took it
	RunFetching  RunState = "fetching"  // it has ended and some of its results are here
	RunDone      RunState = "done"      // all of its results are here
	RunRejected  RunState = "rejected"  // it surely did not start
	RunUncertain RunState = "uncertain" // it may have started; its name at Clay is not known
	RunLost      RunState = "lost"      // it ended, or was given up, without all of its results
	RunFound     RunState = "found"     // a completion webhook named it, and no start here is known to have made it
)

// RunStates lists every state.
var RunStates = []RunState{RunStarting, RunRunning, RunFetching, RunDone, RunRejected, RunUncertain, RunLost, RunFound}

// open reports whether the run is still to be asked for.
func (s RunState) open() bool { return s == RunRunning || s == RunFetching || s == RunFound }

// Limits of runs.
const (
	// MaxRun is how many records an inline run takes, which is Clay's limit (docs/clay.md).
	MaxRun = 100
	// RunClaimTimeout is [ClaimTimeout] for records of a run: a bulk run's file is written and uploaded before its
	// start.
	RunClaimTimeout = 10 * time.Minute
	// RunLifetime is how long a run is asked for. Clay forgets results about a day after a run's end.
	RunLifetime = 24 * time.Hour
	// FollowLifetime is RunLifetime for a run that is followed: a caller's file may be longer than ours.
	FollowLifetime = 7 * 24 * time.Hour
	// MaxFollowed bounds what is kept of a followed run's items, in bytes.
	MaxFollowed = 256 << 20
	// PollLease is how long one who asks for a run has it to himself.
	PollLease = 2 * time.Minute
	// LookLater is how long a run that a completion webhook named waits for its start's answer, which may just be on
	// its way.
	LookLater = 2 * time.Second
)

// Defaults of [RunPolicy].
const (
	DefaultLinger   = 200 * time.Millisecond
	DefaultBulkFrom = 1000
	DefaultBulkSize = 5000
)

// RunPolicy says how the records of a target are gathered into runs. The zero value means the defaults.
type RunPolicy struct {
	// Linger is how long a record may wait for others to share its run. Default 200 ms; negative not at all. Longer
	// makes fewer calls, shorter answers sooner.
	Linger time.Duration
	// BulkFrom is how many records must wait for one bulk run to take them. Default 1,000; negative never.
	BulkFrom int
	// BulkSize bounds a bulk run. Default 5,000: a claim is one transaction, and others wait for it.
	BulkSize int
}

func (p RunPolicy) normal() RunPolicy {
	p.Linger = max(orDefault(p.Linger, DefaultLinger), 0)
	if p.BulkFrom == 0 {
		p.BulkFrom = DefaultBulkFrom
	}
	if p.BulkSize <= 0 {
		p.BulkSize = DefaultBulkSize
	}
	return p
}

// Bulk reports whether a bulk run takes the records that are ready, none of which may only go in a smaller run.
func (p RunPolicy) Bulk(runLimit, ready int) bool {
	return runLimit == 0 && p.BulkFrom > 0 && ready >= p.BulkFrom
}

// Inline returns how many records an inline run takes whose records may only go in runs of that size; 0 for any.
func (p RunPolicy) Inline(runLimit int) int {
	if runLimit > 0 {
		return min(runLimit, MaxRun)
	}
	return MaxRun
}

// Run is one run of a routine at Clay, with the records that it carries: those whose attempts name it.
type Run struct {
	ID     RunID
	Lane   LaneID // of its start; also the one that paces the questions after it
	Target string // "" for one that was found or is followed
	Kind   RunKind
	State  RunState
	Clay   string // Clay's name for it, once it is known
	Cursor string // where the next page begins; "" for the first
	Size   int    // records that it carries
	Polls  int    // questions that found it unfinished
	Pages  int    // pages of results that are here
	Misses int    // questions in a row that came to nothing
	Reason string // why it ended as it did, or was last not heard; for people

	// Followed says that a caller started it himself, through the gateway: see [Runs.Follow]. Brought is how many of its
	// items are kept, and Bytes how long they are. Of one that is lost there may be one: what Clay said of its end.
	Followed bool
	Brought  int
	Bytes    int64

	SinceStart time.Duration // since its start was claimed; filled in by the store
	Others     int           // other runs of the lane that are under way, but for followed ones; filled in by the store
	Usual      time.Duration // what runs of its target and kind usually take, 0 when unknown; filled in by the store

	StartedAt, EndedAt time.Time // stamped by the store; EndedAt is zero while it is open
}

// RunItem is what a run brought for one of its records.
type RunItem struct {
	Record RecordID // zero when Clay named none
	Result []byte   // the enriched fields, one JSON object; nil when it failed
	Reason string   // why it failed
	Body   []byte   // as Clay gave it; kept where it is no result of a record
}

// event returns what the item means for its record, whose attempt carried it.
func (i RunItem) event(attempt int) Event {
	if i.Result != nil {
		return Result{Attempt: attempt, Fields: i.Result}
	}
	return Failure{Attempt: attempt, Reason: i.Reason}
}

// Missing is the reason for which a record is dead that its run had no result for.
const Missing = "no result in run: Clay ended the run without a word about this record; replaying it may cost again"

// CarriesRuns reports whether a lane's targets are routines, whose records leave in runs.
func CarriesRuns(targets []Target) bool { return len(targets) > 0 && targets[0].Runs != nil }

// NoRun is the error for a run that is not there.
func NoRun(id RunID) error {
	return &Error{Kind: NotFound, Op: "run", Message: fmt.Sprintf("there is no run %d", id)}
}
