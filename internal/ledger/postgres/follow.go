package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// oursFirst orders the runs of one name: a start that was given the name late may leave one behind that was found by it.
const oursFirst = ` ORDER BY followed OR target <> '' DESC, id LIMIT 1`

// Follow implements [ledger.Runs]. The lane is locked, so that of callers who name one run together one is the first.
func (s *Store) Follow(ctx context.Context, f ledger.Following) error {
	return s.do(ctx, "follow", func(t *tx) error {
		if _, err := t.lane(f.Lane); err != nil {
			return err
		}
		r, due := f.Run()
		var id ledger.RunID
		var ours bool
		known, err := t.row(`SELECT id, followed OR target <> '' FROM runs WHERE lane = $1 AND clay = $2 AND clay <> ''`+oursFirst,
			[]any{string(f.Lane), text(f.Clay)}, &id, &ours)
		if err != nil || ours {
			return err
		}
		if known {
			if _, err := t.exec(`DELETE FROM runs WHERE id = $1`, int64(id)); err != nil {
				return err
			}
		}
		return t.insertRun(&r, due)
	})
}

// Named implements [ledger.Runs].
func (s *Store) Named(ctx context.Context, lane ledger.LaneID, clay string) (ledger.Run, error) {
	now := s.now()
	runs, err := read(ctx, s, `SELECT `+runColumns+` FROM runs WHERE lane = $1 AND clay = $2 AND clay <> ''`+oursFirst, []any{string(lane), text(clay)},
		func(row pgx.Rows) (ledger.Run, error) { return scanRun(row, now) })
	if err != nil {
		return ledger.Run{}, s.wrap("read", err)
	}
	if len(runs) == 0 {
		return ledger.Run{}, &ledger.Error{Kind: ledger.NotFound, Op: "run", Message: fmt.Sprintf("there is no run %.80q", clay)}
	}
	return runs[0], nil
}

// Brought implements [ledger.Runs].
func (s *Store) Brought(ctx context.Context, id ledger.RunID, from, max int) ([][]byte, error) {
	bodies, err := read(ctx, s, `SELECT body FROM brought WHERE run = $1 AND n >= $2 ORDER BY n LIMIT $3`, []any{int64(id), from, max},
		func(row pgx.Rows) (body []byte, err error) {
			err = row.Scan(&body)
			return body, err
		})
	return bodies, s.wrap("read", err)
}

// item is an item of a followed run, at its place.
type item struct {
	n    int64
	body []byte
}

var itemColumns = []column[item]{
	col("n", "bigint", func(i item) int64 { return i.n }),
	col("body", "bytea", func(i item) []byte { return append([]byte{}, i.body...) }), // an empty one is not NULL
}

var keepItems = `INSERT INTO brought (run, n, body) SELECT $3::bigint, v.* FROM ` + unnested(itemColumns) +
	` AS v ON CONFLICT (run, n) DO UPDATE SET body = excluded.body`

// bring keeps items of a followed run.
func (t *tx) bring(c ledger.RunChange) error {
	items := make([]item, len(c.Items))
	for i, it := range c.Items {
		items[i] = item{int64(c.At() + i), it.Body}
	}
	if len(items) > 0 {
		if _, err := t.exec(keepItems, append(arrays(itemColumns, items), int64(c.Run.ID))...); err != nil {
			return err
		}
	}
	if c.Due >= 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM brought WHERE run = $1 AND n >= $2`, int64(c.Run.ID), c.Run.Brought)
	return err
}
