package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/claygate/claygate/internal/ledger"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Plan is what a migration would do.
type Plan struct {
	Have, Want int64
	Steps      []string // the migrations that are still to be run, in order, by their files' names
}

// migrate brings the schema up to date, and refuses one that it does not know. Of replicas that start together one migrates
// and the others wait for it.
func migrate(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	steps, err := provider(db)
	if err != nil {
		return err
	}
	plan, err := planOf(ctx, db, steps)
	if err != nil || len(plan.Steps) == 0 {
		return err
	}
	_, err = steps.Up(ctx)
	return wrap("migrate", err)
}

// Migration returns what Open would do to the schema of a database.
func Migration(ctx context.Context, dsn string) (Plan, error) {
	config, err := configure(dsn)
	if err != nil {
		return Plan{}, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return Plan{}, unreachable(err)
	}
	steps, err := provider(db)
	if err != nil {
		return Plan{}, err
	}
	return planOf(ctx, db, steps)
}

func provider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, wrap("migrate", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, wrap("migrate", err)
	}
	steps, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithSessionLocker(locker))
	return steps, wrap("migrate", err)
}

// planOf compares what a database has with what this version knows.
func planOf(ctx context.Context, db *sql.DB, steps *goose.Provider) (plan Plan, err error) {
	if plan.Have, err = schema(ctx, db); err != nil {
		return plan, wrap("migrate", err)
	}
	for _, source := range steps.ListSources() {
		plan.Want = source.Version
		if source.Version > plan.Have {
			plan.Steps = append(plan.Steps, path.Base(source.Path))
		}
	}
	if plan.Have > plan.Want {
		return plan, &ledger.Error{
			Kind: ledger.Foreign, Op: "open",
			Message: fmt.Sprintf("the database has schema %d and this version knows %d", plan.Have, plan.Want),
			Hint:    "it was written by a newer claygate: use that one, or name another ledger with --ledger",
		}
	}
	return plan, nil
}

// schema returns the version of a database's schema, 0 for none. It only looks: the library would make its table.
func schema(ctx context.Context, db *sql.DB) (have int64, err error) {
	var known bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&known); err != nil || !known {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	return have, err
}
