package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// ListRuns implements [ledger.RunLister]. Runs are few, a hundredth of the records, so they are read by ID alone.
func (s *Store) ListRuns(ctx context.Context, q ledger.RunQuery) ([]ledger.Run, error) {
	query, args := `SELECT `+runColumns+` FROM runs WHERE TRUE`, []any{}
	add := func(condition string, arg any) {
		args = append(args, arg)
		query += fmt.Sprintf(condition, len(args))
	}
	if q.Target != "" {
		add(` AND target = $%d`, text(q.Target))
	}
	if len(q.States) > 0 {
		states := make([]string, len(q.States))
		for i, state := range q.States {
			states[i] = string(state)
		}
		add(` AND state = ANY($%d)`, states)
	}
	if q.Before > 0 {
		add(` AND id < $%d`, int64(q.Before))
	}
	add(` ORDER BY id DESC LIMIT $%d`, max(q.Max, 1))
	now := s.now()
	runs, err := read(ctx, s, query, args, func(row pgx.Rows) (ledger.Run, error) { return scanRun(row, now) })
	return runs, s.wrap("list", err)
}
