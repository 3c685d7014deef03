package cli

import (
	"context"
	"encoding/json"

	"github.com/claygate/claygate/internal/ledger"
)

// engine takes the rows of a load to Clay: this process with a ledger of its own, or a gateway that runs already.
type engine interface {
	// open makes ready, and says where the rows go.
	open(ctx context.Context) error
	// take hands in all rows, in their order, and tells of each in the same order what became of it. What earlier runs left
	// unsent and these rows are not is not sent.
	take(ctx context.Context, rows rowSource, tell func(taken)) error
	// preview tells of each row what take would do.
	preview(ctx context.Context, rows rowSource, tell func(n int, prospect, refusal string)) error
	// begin lets the rows leave, if they do not already.
	begin()
	// now tells how the load stands.
	now(ctx context.Context) (moment, error)
	// moved holds a token when there may be news.
	moved() <-chan struct{}
	// hopeless returns the error to end with when there is no sense in waiting for the rows to leave.
	hopeless(ledger.Counts) error
	// hold keeps here what has not left yet.
	hold(ctx context.Context) error
	// settle ends the work of this process for the load. Hurry says that nobody wants to wait.
	settle(ctx context.Context, hurry bool)
	// records reads records, in the order of their IDs. Unknown ones are left out.
	records(ctx context.Context, ids []ledger.RecordID) ([]outcome, error)
	close() error
}

// rowSource reads the input from its beginning and yields the rows that can be handed in, with their places.
type rowSource func(yield func(n int, fields json.RawMessage) error) error

// taken is what became of a row when it was handed in.
type taken struct {
	n       int // its place in the input
	record  ledger.RecordID
	sends   int    // how often Clay took it in earlier runs, or may have
	refusal string // why it was not taken; "" when it was
}

// moment is how a load stands.
type moment struct {
	counts  ledger.Counts
	paused  ledger.Pause // of the target; zero while it sends
	stopped string       // why all sending is stopped; "" while it is not
	held    string       // why rows wait for a budget; "" while they do not
}

// outcome is what a record came to.
type outcome struct {
	record  ledger.RecordID
	state   ledger.State
	fate    ledger.Fate
	reason  string
	result  []byte
	cached  bool
	doubled bool // Clay may hold it twice
	sends   int  // how often Clay took it, or may have
}
