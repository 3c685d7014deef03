package collect

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// CompletionPath is where completion webhooks arrive, followed by the workspace's name.
const CompletionPath = "/completions/"

// Completions says how the completion webhooks of a workspace are taken.
type Completions struct {
	Lane    ledger.LaneID // whose runs they tell of
	Secrets []string      // the signing secrets that are valid
	Store   interface {
		Completed(ctx context.Context, lane ledger.LaneID, clay string) (known bool, err error)
	}
	Log *slog.Logger // default: none
}

// NewCompletions returns a handler that believes what one of the secrets signed. A run that is under way is asked about at
// once; one that nobody here is known to have started is looked at while a start's fate is unknown. Both are on disk
// before Clay hears 200, and telling it again changes nothing.
func NewCompletions(c Completions) (http.Handler, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return clay.NewCompletionHandler(clay.CompletionConfig{
		Secrets: c.Secrets, Logger: c.Log,
		Handle: func(ctx context.Context, done clay.Completion) error {
			known, err := c.Store.Completed(ctx, c.Lane, done.RunID)
			if err == nil && !known {
				c.Log.Info("a completion webhook told of a run that was not started here", "lane", c.Lane, "clay", done.RunID)
			}
			return err
		},
	})
}
