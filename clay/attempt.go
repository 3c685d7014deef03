package clay

import (
	"context"
	"log/slog"
	"time"
)

// Attempt is what is remembered of one try.
type Attempt struct {
	// Op is what was tried: "send", "enrich person", "run routine" and so on.
	Op string
	// Number counts the tries of one operation, from 1.
	Number int
	// Start is when the try began.
	Start time.Time
	// Took is how long it lasted.
	Took time.Duration
	// Outcome says how far the try got.
	Outcome Outcome
	// Status is the HTTP status, 0 without an answer.
	Status int
	// Kind is 0 for a try that succeeded.
	Kind Kind
	// RetryAfter is how long Clay asked to wait, 0 when it did not.
	RetryAfter time.Duration
	// MayDuplicate says that a further try may have made, or may make, a second row.
	MayDuplicate bool
}

// Observer is told what a Client does, e.g. to count it. Its functions are called
// in the goroutine of the operation and should return quickly; each may be nil.
type Observer struct {
	// Attempt is called after every try that Send, SendBatch and the lookups make.
	Attempt func(ctx context.Context, a Attempt)
	// Wait is called before a wait of d between two tries.
	Wait func(ctx context.Context, after Attempt, d time.Duration)
}

func (c *Client) observe(ctx context.Context, a Attempt) {
	if f := c.cfg.Observer.Attempt; f != nil {
		f(ctx, a)
	}
	if a.Kind != 0 {
		level := slog.LevelInfo
		if a.MayDuplicate {
			level = slog.LevelWarn
		}
		c.cfg.Logger.LogAttrs(ctx, level, "clay: try failed", a.attrs()...)
	}
}

func (c *Client) observeWait(ctx context.Context, a Attempt, d time.Duration) {
	if f := c.cfg.Observer.Wait; f != nil {
		f(ctx, a, d)
	}
}

func (a Attempt) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("op", a.Op), slog.Int("try", a.Number), slog.String("kind", a.Kind.String()),
		slog.Int("status", a.Status), slog.String("outcome", a.Outcome.String()), slog.Duration("took", a.Took),
		slog.Duration("retry_after", a.RetryAfter), slog.Bool("may_duplicate", a.MayDuplicate),
	}
}
