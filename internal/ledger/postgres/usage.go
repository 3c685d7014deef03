package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// account notes what a change of a record means for the usage. It is written once a transaction, like the counters.
func (t *tx) account(target ledger.Target, before, after *ledger.Record) {
	u, givenBack := target.Recount(before, after)
	if u.IsZero() {
		return
	}
	paid := t.now
	if givenBack { // on the day on which it was paid
		paid = paid.Add(-before.SinceSend)
	}
	of := ledger.UsageOf{Day: t.catalog.Calendar().Day(paid), Workspace: ledger.WorkspaceOf(after.Target), Target: after.Target, APIKey: after.APIKey}
	t.addUsage(of, u)
	if givenBack {
		t.relieve()
	}
}

func (t *tx) addUsage(of ledger.UsageOf, u ledger.Usage) { t.usage[of] = t.usage[of].Plus(u) }

const amounts = `records, actions, credits, saved, saved_actions, saved_credits, doubled`

var usageColumns = []column[ledger.UsageRow]{
	col("workspace", "text", func(r ledger.UsageRow) string { return text(r.Workspace) }),
	col("day", "text", func(r ledger.UsageRow) string { return r.Day }),
	col("target", "text", func(r ledger.UsageRow) string { return text(r.Target) }),
	col("api_key", "text", func(r ledger.UsageRow) string { return text(r.APIKey) }),
	col("records", "bigint", func(r ledger.UsageRow) int64 { return r.Spent.Records }),
	col("actions", "bigint", func(r ledger.UsageRow) int64 { return int64(r.Spent.Actions) }),
	col("credits", "bigint", func(r ledger.UsageRow) int64 { return int64(r.Spent.Credits) }),
	col("saved", "bigint", func(r ledger.UsageRow) int64 { return r.Saved.Records }),
	col("saved_actions", "bigint", func(r ledger.UsageRow) int64 { return int64(r.Saved.Actions) }),
	col("saved_credits", "bigint", func(r ledger.UsageRow) int64 { return int64(r.Saved.Credits) }),
	col("doubled", "bigint", func(r ledger.UsageRow) int64 { return r.Doubled }),
}

var addToUsage = insertInto("usage", usageColumns) + ` ON CONFLICT (workspace, day, target, api_key) DO UPDATE SET
	records = usage.records + excluded.records, actions = usage.actions + excluded.actions, credits = usage.credits + excluded.credits,
	saved = usage.saved + excluded.saved, saved_actions = usage.saved_actions + excluded.saved_actions,
	saved_credits = usage.saved_credits + excluded.saved_credits, doubled = usage.doubled + excluded.doubled`

// writeUsage adds what the transaction gathered.
func (t *tx) writeUsage(b *pgx.Batch) {
	var rows []ledger.UsageRow
	for of, u := range t.usage {
		if !u.IsZero() {
			rows = append(rows, ledger.UsageRow{UsageOf: of, Usage: u})
		}
	}
	slices.SortFunc(rows, func(a, b ledger.UsageRow) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Target, b.Target), cmp.Compare(a.APIKey, b.APIKey))
	})
	put(b, addToUsage, usageColumns, rows)
	clear(t.usage)
}

// Usage implements [ledger.Money].
func (s *Store) Usage(ctx context.Context, q ledger.UsageQuery) ([]ledger.UsageRow, error) {
	usage, err := read(ctx, s, `SELECT day, workspace, target, api_key, `+amounts+` FROM usage
		WHERE ($1 = '' OR workspace = $1) AND ($2 = '' OR target = $2) AND ($3 = '' OR api_key = $3)
		AND day >= $4 AND ($5 = '' OR day <= $5) ORDER BY day, workspace, target, api_key`,
		[]any{text(q.Workspace), text(q.Target), text(q.APIKey), text(q.From), text(q.To)}, scanUsage)
	return usage, s.wrap("usage", err)
}

func scanUsage(row pgx.Rows) (r ledger.UsageRow, err error) {
	err = row.Scan(&r.Day, &r.Workspace, &r.Target, &r.APIKey, &r.Spent.Records, &r.Spent.Actions, &r.Spent.Credits,
		&r.Saved.Records, &r.Saved.Actions, &r.Saved.Credits, &r.Doubled)
	return r, err
}
