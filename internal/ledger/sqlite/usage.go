package sqlite

import (
	"context"

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

const usageColumns = `records, actions, credits, saved, saved_actions, saved_credits, doubled`

// writeUsage adds what the transaction gathered.
func (t *tx) writeUsage() error {
	for of, u := range t.usage {
		if u.IsZero() {
			continue
		}
		_, err := t.exec(`INSERT INTO usage (workspace, day, target, api_key, `+usageColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (workspace, day, target, api_key) DO UPDATE SET records = records + excluded.records,
			actions = actions + excluded.actions, credits = credits + excluded.credits, saved = saved + excluded.saved,
			saved_actions = saved_actions + excluded.saved_actions, saved_credits = saved_credits + excluded.saved_credits,
			doubled = doubled + excluded.doubled`, of.Workspace, of.Day, of.Target, of.APIKey,
			u.Spent.Records, int64(u.Spent.Actions), int64(u.Spent.Credits),
			u.Saved.Records, int64(u.Saved.Actions), int64(u.Saved.Credits), u.Doubled)
		if err != nil {
			return err
		}
	}
	return nil
}

// Usage implements [ledger.Money].
func (s *Store) Usage(ctx context.Context, q ledger.UsageQuery) ([]ledger.UsageRow, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT day, workspace, target, api_key, `+usageColumns+` FROM usage
		WHERE (? = '' OR workspace = ?) AND (? = '' OR target = ?) AND (? = '' OR api_key = ?)
		AND day >= ? AND (? = '' OR day <= ?) ORDER BY day, workspace, target, api_key`,
		q.Workspace, q.Workspace, q.Target, q.Target, q.APIKey, q.APIKey, q.From, q.To, q.To)
	if err != nil {
		return nil, s.wrap("usage", err)
	}
	defer rows.Close()
	var usage []ledger.UsageRow
	for rows.Next() {
		var r ledger.UsageRow
		if err := rows.Scan(&r.Day, &r.Workspace, &r.Target, &r.APIKey, &r.Spent.Records, &r.Spent.Actions, &r.Spent.Credits,
			&r.Saved.Records, &r.Saved.Actions, &r.Saved.Credits, &r.Doubled); err != nil {
			return nil, s.wrap("usage", err)
		}
		usage = append(usage, r)
	}
	return usage, s.wrap("usage", rows.Err())
}
