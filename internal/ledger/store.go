package ledger

import (
	"context"
	"iter"
	"time"
)

// Store is the durable ledger. It is composed of small interfaces, so that each part of the engine asks for what it
// calls. Every method is safe for concurrent use. What a method returns without an error is on disk.
type Store interface {
	Intake
	Lanes
	Events
	Runs
	Reader
	Lister
	RunLister
	Flows
	Notices
	Keeper
	Eraser
	Audit
	Outbox
	Keys
	Switch
	Money
	Close() error
}

// Intake takes records in.
type Intake interface {
	// Accept stores submissions and returns one acceptance for each, in their order. All of them are on disk when it
	// returns, or none. A submission whose ID, or whose row of a load, is already known is not stored again: its
	// acceptance shows the record as it is now. When Accept fails with the context's error, its fate is unknown; the
	// same submissions may be handed in again.
	Accept(ctx context.Context, in []Submission) ([]Acceptance, error)
	// Preview tells what Accept would say to each submission, in order, and stores nothing.
	Preview(ctx context.Context, in iter.Seq[Submission], tell func(Acceptance)) error
}

// Acceptance is the ledger's answer to a submission.
type Acceptance struct {
	Record   Record // without its bodies
	Repeated bool   // it was known before
	Differs  bool   // it shares the work of a record with another input
	Err      error  // why it alone was refused: kind Reused or Conflict
}

// Lanes hands out work at Clay's pace.
type Lanes interface {
	// Claim takes tokens from the lane, then at most as many queued records of its targets, and begins an attempt for
	// each: one transaction, on disk before it returns. A claim whose commit is unknown is never sent.
	//
	// On a lane of routines it takes one token, for the start of one run, and as many records of one target as the run
	// may carry: Claims.Run is on disk with them.
	Claim(ctx context.Context, want Want) (Claims, error)
	// Take takes up to n tokens for other calls. When it takes fewer, wait is the time until another one is there.
	Take(ctx context.Context, lane LaneID, n int) (granted int, wait time.Duration, err error)
	// Report lets a lane hear what a call says about its pace that is no record's and no run's.
	Report(ctx context.Context, lane LaneID, s Signal) error
}

// Want says what to claim.
type Want struct {
	Lane LaneID
	Load LoadID // only this load's records; 0 for any
	Max  int    // at most so many; a run counts as one
	Full bool   // of routines: only what fills a run
}

// Claims is what a claim got.
type Claims struct {
	Work   []Claimed     // of a bulk run without: its records are read as they are sent
	Run    *Run          // the run that carries them, on a lane of routines
	Linger time.Duration // records wait that would not fill a run: how long they may wait for more; 0 when none does
	Wait   time.Duration // until another claim can get anything, or Never when only new work can change that
}

// Claimed is a record that is to be sent now.
type Claimed struct {
	Record  Record // with its fields; Record.Attempts is the attempt's number
	Webhook Digest // which of the target's webhooks is to take it; zero where it has none
}

// Events lets things happen to records.
type Events interface {
	// Apply applies events in their order: it locks each record, calls Decide and writes back the change, the
	// attempt, the counters, the lane and the records that joined it, in one transaction. One event's refusal is in
	// its Applied and does not hinder the others.
	Apply(ctx context.Context, entries []Entry) ([]Applied, error)
	// Due returns the entries whose time has come, at most max, and how long until the next one, or Never.
	Due(ctx context.Context, max int) (due []Entry, next time.Duration, err error)
}

// Entry is an event and the record that it happens to.
type Entry struct {
	Record   RecordID
	Event    Event
	Callback *Callback // the delivery that brought it, to be kept with it; nil for none
}

// Callback is a delivery from a Clay column, as it came.
type Callback struct {
	Target string // the target it was addressed to
	Body   []byte
}

// Applied is what an entry led to.
type Applied struct {
	Record Record // afterwards, without its bodies
	Moved  bool   // its state changed
	Fresh  bool   // its result changed
	Err    error  // why the event was refused: kind NotFound, Conflict or Invalid
}

// Reader reads without ever waiting for a writer.
type Reader interface {
	// Records returns the records with their bodies, in the order of the IDs. Unknown IDs are left out.
	Records(ctx context.Context, ids []RecordID) ([]Record, error)
	// Attempts returns a record's attempts, oldest first.
	Attempts(ctx context.Context, id RecordID) ([]Attempt, error)
	// Waiting returns the records of a load that are queued, in no order.
	Waiting(ctx context.Context, load LoadID) ([]RecordID, error)
	// Oldest returns for how long the oldest queued record of a target has waited, 0 when none does.
	Oldest(ctx context.Context, target string) (time.Duration, error)
	// LoadOf returns the name and target of a load. Kind NotFound when there is none.
	LoadOf(ctx context.Context, id LoadID) (Load, error)
	// LoadCounts counts the records of a load.
	LoadCounts(ctx context.Context, load LoadID) (Counts, error)
	// TargetStatus tells how a target stands.
	TargetStatus(ctx context.Context, target string) (TargetStatus, error)
	// Targets returns the names of the targets that have records, in order, whether they are configured or not.
	Targets(ctx context.Context) ([]string, error)
}

// TargetStatus is how a target stands.
type TargetStatus struct {
	Paused  Pause   // zero when it is not paused
	Short   *Short  // the budget that is spent, so that its records wait; nil when none is
	Breaker Breaker // as it stands now
	Counts  Counts
	Used    map[Digest]int // submissions counted per webhook
}

// Keeper keeps what is not a record.
type Keeper interface {
	// Secret returns the ledger's secret of that name, 32 random bytes, making it the first time.
	Secret(ctx context.Context, name string) ([]byte, error)
	// Rotate makes another secret of that name, which has one. Secrets returns them all, the newest first: see [ValidSecrets].
	Rotate(ctx context.Context, name string) error
	Secrets(ctx context.Context, name string) ([]AgedSecret, error)
	// Bind ties the ledger to a Clay base URL. A ledger that is tied to another refuses with kind Foreign, unless nothing
	// has ever reached that one, as when its URL was mistyped: then it is tied anew. What an emulator was to get never goes
	// to a URL, nor the other way round: between those the ledger must hold no record at all.
	Bind(ctx context.Context, base string) error
	// Load returns the load of that name on that target. A fresh one forgets the rows of the former.
	Load(ctx context.Context, load Load) (LoadID, error)
	// Configure makes the store work by another catalog, from the next call on. Targets that went and whose records have
	// not all ended are announced as [TargetRemoved]: they stay as they are. Those that came back are announced as
	// [TargetReturned]. When it fails the former catalog stays.
	Configure(ctx context.Context, c *Catalog) error
	// Pause stops the sends of a target; Resume lets them go on.
	Pause(ctx context.Context, target string, p Pause) error
	Resume(ctx context.Context, target string) error
	// Prune removes some of what was kept long enough: one short transaction, so that nobody waits for it. Call it
	// again, after a rest, while it says that there is more. What is under way is never touched.
	Prune(ctx context.Context, r Retention) (Pruned, error)
}

// Load names a load.
type Load struct {
	Target string
	Name   string // the job's name, by default the input's path
	Fresh  bool   // begin anew: no row of the former load is known
}
