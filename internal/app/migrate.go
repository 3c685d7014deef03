package app

import (
	"context"

	"github.com/claygate/claygate/internal/ledger/postgres"
)

// Migration is what bringing the schema of a ledger's database up to date takes.
type Migration = postgres.Plan

// PlanMigration returns what [Migrate] would do to a database.
func PlanMigration(ctx context.Context, dsn string) (Migration, error) {
	return postgres.Migration(ctx, dsn)
}

// Migrate brings the schema of a ledger's database up to date, as a process does that opens it.
func Migrate(ctx context.Context, dsn string) error {
	s, err := postgres.Open(ctx, postgres.Options{DSN: dsn})
	if err != nil {
		return err
	}
	return s.Close()
}
