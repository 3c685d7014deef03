package intake

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// RunStore is what a [Run] needs of the ledger.
type RunStore interface {
	ledger.Intake
	Apply(ctx context.Context, entries []ledger.Entry) ([]ledger.Applied, error)
	Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error)
	Waiting(ctx context.Context, load ledger.LoadID) ([]ledger.RecordID, error)
}

// RunOptions says what one run of a load wants.
type RunOptions struct {
	Target string
	Load   ledger.LoadID
	APIKey string // the ID of the API key that hands the rows in; "" for none
	// Await says that a result of each row is awaited.
	Await bool
	// DedupeBy names the fields that make two rows the same work. Nil for the target's; empty for none.
	DedupeBy []string
	// MaxAge is how old a result may be to answer; nil for the target's.
	MaxAge *time.Duration
	// ResultTimeout is how long a result is awaited after the last send; 0 for the target's.
	ResultTimeout time.Duration
	// Retry names what rows of an earlier run came to that are to be sent again.
	Retry []ledger.Fate
	// Preview says that nothing is to be stored: only [Run.Preview] is called.
	Preview bool
}

// Run hands the rows of a load in, all of them and in their order. It is for one goroutine.
type Run struct {
	RunOptions
	store RunStore
	rows  *Load
	left  map[ledger.RecordID]struct{} // what an earlier run left in the queue and this one has not handed in yet
	fresh map[ledger.Digest]struct{}   // of a preview: keys of rows that would be sent
}

// Run begins a run. The error is kind NotFound for an unknown target, else the ledger's.
func (in *Intake) Run(ctx context.Context, store RunStore, o RunOptions) (*Run, error) {
	if _, err := in.target(o.Target); err != nil {
		return nil, err
	}
	r := &Run{
		RunOptions: o, store: store, rows: in.Load(o.Target, o.Load),
		left: map[ledger.RecordID]struct{}{}, fresh: map[ledger.Digest]struct{}{},
	}
	r.rows.by = o.DedupeBy
	if o.Preview {
		return r, nil
	}
	waiting, err := store.Waiting(ctx, o.Load)
	for _, id := range waiting {
		r.left[id] = struct{}{}
	}
	return r, err
}

// Submission checks the next row and returns its submission. Errors are those of [Intake.Submission], and the row is
// passed over.
func (r *Run) Submission(fields json.RawMessage) (ledger.Submission, error) {
	s, err := r.rows.Submission(fields)
	s.Await, s.MaxAge, s.ResultTimeout, s.APIKey = r.Await, r.MaxAge, r.ResultTimeout, r.APIKey
	return s, err
}

// Taken is what became of a row.
type Taken struct {
	ledger.Acceptance
	Sends int // how often Clay took it before this run, or may have; see [ledger.Record.Sends]
}

// Accept stores rows, and queues those of an earlier run again that ended as Retry names or that the input lost and has
// again. Each comes back as it then stands; they are on disk.
func (r *Run) Accept(ctx context.Context, rows []ledger.Submission) ([]Taken, error) {
	accepted, err := r.store.Accept(ctx, rows)
	if err != nil {
		return nil, err
	}
	taken := make([]Taken, len(accepted))
	var replays []ledger.Entry
	var at []int
	for i, a := range accepted {
		taken[i] = Taken{Acceptance: a, Sends: a.Record.Sends()}
		delete(r.left, a.Record.ID)
		again, err := r.again(ctx, a)
		if err != nil {
			return nil, err
		}
		if again {
			replays, at = append(replays, ledger.Entry{Record: a.Record.ID, Event: ledger.Replay{}}), append(at, i)
		}
	}
	applied, err := r.store.Apply(ctx, replays)
	for i, a := range applied {
		taken[at[i]].Record = a.Record
	}
	return taken, err
}

// again reports whether a row of an earlier run is to be sent again.
func (r *Run) again(ctx context.Context, a ledger.Acceptance) (bool, error) {
	if a.Err != nil || !a.Repeated || !a.Record.State.Terminal() || a.Record.State == ledger.Done {
		return false, nil
	}
	if a.Record.State == ledger.Canceled {
		return true, nil
	}
	if len(r.Retry) == 0 {
		return false, nil
	}
	fate, err := FateOf(ctx, r.store, a.Record)
	return slices.Contains(r.Retry, fate), err
}

// End says that the input has been handed in to its end. What an earlier run left in the queue and the input does not have
// is canceled: Gone is how many those are.
func (r *Run) End(ctx context.Context) (gone int, err error) {
	var entries []ledger.Entry
	for id := range r.left {
		entries = append(entries, ledger.Entry{Record: id, Event: ledger.Cancel{Reason: reasonGone}})
	}
	return cancel(ctx, r.store, entries)
}

// reasonGone is why a row was canceled that an earlier run had queued. A run that has it again replays it.
const reasonGone = "a later run did not have it"

// Hold cancels what of a load has not left, until a run hands it in again. Held is how many rows those are.
func Hold(ctx context.Context, store RunStore, load ledger.LoadID) (held int, err error) {
	waiting, err := store.Waiting(ctx, load)
	if err != nil {
		return 0, err
	}
	entries := make([]ledger.Entry, len(waiting))
	for i, id := range waiting {
		entries[i] = ledger.Entry{Record: id, Event: ledger.Cancel{Reason: ledger.HeldBack}}
	}
	return cancel(ctx, store, entries)
}

// cancel applies cancellations in batches, so that nobody waits long for them. What has left meanwhile stays.
func cancel(ctx context.Context, store RunStore, entries []ledger.Entry) (n int, err error) {
	const batch = 500
	for some := range slices.Chunk(entries, batch) {
		applied, err := store.Apply(ctx, some)
		if err != nil {
			return n, err
		}
		for _, a := range applied {
			if a.Moved {
				n++
			}
		}
	}
	return n, nil
}

// FateOf returns what a record came to.
func FateOf(ctx context.Context, reader interface {
	Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error)
}, r ledger.Record) (ledger.Fate, error) {
	if !r.InDoubt() {
		return r.Fate(""), nil
	}
	attempts, err := reader.Attempts(ctx, r.ID)
	if err != nil || len(attempts) == 0 {
		return ledger.FateFailed, err
	}
	return r.Fate(attempts[len(attempts)-1].Verdict), nil
}
