package sqlite

import (
	"context"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// ListRuns implements [ledger.RunLister]. Runs are few, a hundredth of the records, so they are read by ID alone.
func (s *Store) ListRuns(ctx context.Context, q ledger.RunQuery) ([]ledger.Run, error) {
	query, args := `SELECT `+runColumns+` FROM runs WHERE TRUE`, []any{}
	if q.Target != "" {
		query += ` AND target = ?`
		args = append(args, q.Target)
	}
	if len(q.States) > 0 {
		query += ` AND state IN (?` + strings.Repeat(`, ?`, len(q.States)-1) + `)`
		for _, state := range q.States {
			args = append(args, string(state))
		}
	}
	if q.Before > 0 {
		query += ` AND id < ?`
		args = append(args, int64(q.Before))
	}
	rows, err := s.read.QueryContext(ctx, query+` ORDER BY id DESC LIMIT ?`, append(args, max(q.Max, 1))...)
	if err != nil {
		return nil, s.wrap("list", err)
	}
	defer rows.Close()
	var runs []ledger.Run
	for now := s.now(); rows.Next(); {
		r, err := scanRun(rows, now)
		if err != nil {
			return nil, s.wrap("list", err)
		}
		runs = append(runs, r)
	}
	return runs, s.wrap("list", rows.Err())
}
