package app

import (
	"context"
	"encoding/hex"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// RunOptions says what one run of a load wants.
type RunOptions = intake.RunOptions

// Run hands the rows of a load in.
type Run = intake.Run

// Run begins a run of a load.
func (a *App) Run(ctx context.Context, o RunOptions) (*Run, error) {
	return a.Intake.Run(ctx, a.Ledger, o)
}

// FateOf returns what a record came to.
func (a *App) FateOf(ctx context.Context, r ledger.Record) (ledger.Fate, error) {
	return intake.FateOf(ctx, a.Ledger, r)
}

// WebhookID returns the name under which a webhook is known to those who must not know its URL.
func WebhookID(url string) string {
	id := Webhook{URL: url}.id()
	return hex.EncodeToString(id[:])
}
