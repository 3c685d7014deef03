package app

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/postgres"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// openLedger opens the ledger that the configuration names: a file that is this process's alone, or a database that others
// work with as well.
func (a *App) openLedger(ctx context.Context, c *ledger.Catalog) (ledger.Store, error) {
	if a.config.Database != "" {
		store, err := postgres.Open(ctx, postgres.Options{DSN: a.config.Database, Catalog: c, Hub: a.Hub, Log: a.config.Log})
		if err == nil {
			a.roll.store = store
		}
		return opened(store, err)
	}
	return opened(sqlite.Open(ctx, sqlite.Options{Path: a.config.Ledger, Catalog: c, Hub: a.Hub, Broken: a.breaks}))
}

// opened returns a store, or no store at all with an error: a nil pointer would be one.
func opened[S ledger.Store](store S, err error) (ledger.Store, error) {
	if err != nil {
		return nil, err
	}
	return store, nil
}
