package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/claygate/claygate/internal/ledger"
)

// oursFirst orders the runs of one name: a start that was given the name late may leave one behind that was found by it.
const oursFirst = ` ORDER BY followed = 1 OR target <> '' DESC, id LIMIT 1`

// Follow implements [ledger.Runs].
func (s *Store) Follow(ctx context.Context, f ledger.Following) error {
	return s.do(ctx, "follow", func(t *tx) error {
		r, due := f.Run()
		var id ledger.RunID
		var ours bool
		known, err := t.row(`SELECT id, followed = 1 OR target <> '' FROM runs WHERE lane = ? AND clay = ? AND clay <> ''`+oursFirst,
			[]any{string(f.Lane), f.Clay}, &id, &ours)
		if err != nil || ours {
			return err
		}
		if known {
			if _, err := t.exec(`DELETE FROM runs WHERE id = ?`, int64(id)); err != nil {
				return err
			}
		}
		return t.insertRun(&r, due)
	})
}

// Named implements [ledger.Runs].
func (s *Store) Named(ctx context.Context, lane ledger.LaneID, clay string) (ledger.Run, error) {
	row := s.read.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE lane = ? AND clay = ? AND clay <> ''`+oursFirst, string(lane), clay)
	r, err := scanRun(row, s.now())
	if err == sql.ErrNoRows {
		return r, &ledger.Error{Kind: ledger.NotFound, Op: "run", Message: fmt.Sprintf("there is no run %.80q", clay)}
	}
	return r, s.wrap("read", err)
}

// Brought implements [ledger.Runs].
func (s *Store) Brought(ctx context.Context, id ledger.RunID, from, max int) ([][]byte, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT body FROM brought WHERE run = ? AND n >= ? ORDER BY n LIMIT ?`, int64(id), from, max)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var bodies [][]byte
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, s.wrap("read", err)
		}
		bodies = append(bodies, body)
	}
	return bodies, s.wrap("read", rows.Err())
}

// bring keeps items of a followed run.
func (t *tx) bring(c ledger.RunChange) error {
	for i, item := range c.Items {
		_, err := t.exec(`INSERT INTO brought (run, n, body) VALUES (?, ?, ?) ON CONFLICT (run, n) DO UPDATE SET body = excluded.body`,
			int64(c.Run.ID), c.At()+i, item.Body)
		if err != nil {
			return err
		}
	}
	if c.Due >= 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM brought WHERE run = ? AND n >= ?`, int64(c.Run.ID), c.Run.Brought)
	return err
}
