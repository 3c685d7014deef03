package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// runColumns are the columns of a run in the order in which scanRun reads them.
const runColumns = `id, lane, target, kind, state, clay, cursor, size, polls, pages, misses, reason, followed, brought, bytes,
	started_at, ended_at`

// scanRun reads a run. Durations in it are as of now.
func scanRun(row scanner, now time.Time) (r ledger.Run, err error) {
	var started int64
	var ended sql.NullInt64
	err = row.Scan(&r.ID, &r.Lane, &r.Target, &r.Kind, &r.State, &r.Clay, &r.Cursor, &r.Size, &r.Polls, &r.Pages, &r.Misses,
		&r.Reason, &r.Followed, &r.Brought, &r.Bytes, &started, &ended)
	if err != nil {
		return r, err
	}
	r.StartedAt, r.SinceStart = time.UnixMicro(started), max(since(now, started), 0)
	if ended.Valid {
		r.EndedAt = time.UnixMicro(ended.Int64)
	}
	return r, nil
}

// run reads a run for a change, with what it is told of others.
func (t *tx) run(id ledger.RunID) (r ledger.Run, found bool, err error) {
	err = t.rows(`SELECT `+runColumns+` FROM runs WHERE id = ?`, []any{int64(id)}, func(row statement) (_ bool, err error) {
		found = true
		r, err = scanRun(row, t.now)
		return false, err
	})
	if err != nil || !found {
		return r, false, err
	}
	var usual int64
	if _, err = t.row(`SELECT span FROM usual WHERE target = ? AND kind = ?`, []any{r.Target, string(r.Kind)}, &usual); err != nil {
		return r, false, err
	}
	r.Usual = time.Duration(usual) * time.Microsecond
	_, err = t.row(`SELECT count(*) FROM runs WHERE lane = ? AND due_at IS NOT NULL AND id <> ?
		AND followed = 0 AND state IN ('running', 'fetching')`,
		[]any{string(r.Lane), int64(id)}, &r.Others)
	return r, err == nil, err
}

// insertRun stores a new run and gives it its ID.
func (t *tx) insertRun(r *ledger.Run, due time.Duration) error {
	r.StartedAt = time.UnixMicro(micros(t.now))
	_, err := t.row(`INSERT INTO runs (lane, target, kind, state, clay, cursor, size, polls, pages, misses, reason, followed, due_at, started_at)
		VALUES (?, ?, ?, ?, ?, '', ?, 0, 0, 0, '', ?, ?, ?) RETURNING id`,
		[]any{string(r.Lane), r.Target, string(r.Kind), string(r.State), r.Clay, r.Size, r.Followed, t.runDue(r.Lane, due), micros(t.now)}, &r.ID)
	return err
}

// writeRun writes a run back.
func (t *tx) writeRun(c ledger.RunChange) error {
	r := c.Run
	if r.Clay != "" && r.State != ledger.RunFound { // one that was found by its completion webhook is this one
		_, err := t.exec(`DELETE FROM runs WHERE lane = ? AND clay = ? AND state = 'found' AND id <> ?`, string(r.Lane), r.Clay, int64(r.ID))
		if err != nil {
			return err
		}
	}
	var ended any
	if c.Due < 0 {
		ended = micros(t.now)
	}
	_, err := t.exec(`UPDATE runs SET kind = ?, state = ?, clay = ?, cursor = ?, polls = ?, pages = ?, misses = ?, reason = ?,
		brought = ?, bytes = ?, due_at = ?, ended_at = coalesce(ended_at, ?) WHERE id = ?`, string(r.Kind), string(r.State), r.Clay, r.Cursor, r.Polls, r.Pages, r.Misses, r.Reason,
		r.Brought, r.Bytes, t.runDue(r.Lane, c.Due), ended, int64(r.ID))
	if err == nil && c.Usual > 0 && r.Target != "" {
		_, err = t.exec(`INSERT INTO usual (target, kind, span) VALUES (?, ?, ?)
			ON CONFLICT (target, kind) DO UPDATE SET span = excluded.span`, r.Target, string(r.Kind), roundUp(c.Usual))
	}
	return err
}

// runDue turns a due duration into a time, NULL for Never, and tells those who ask about the lane's runs.
func (t *tx) runDue(lane ledger.LaneID, due time.Duration) any {
	if due < 0 {
		return nil
	}
	t.publish(ledger.Asking(lane))
	return t.later(due)
}

// runIDs runs a query whose rows are run IDs.
func (t *tx) runIDs(query string, args ...any) (ids []ledger.RunID, err error) {
	err = t.rows(query, args, func(row statement) (bool, error) {
		ids = append(ids, ledger.RunID(row.ColumnInt64(0)))
		return true, row.Err()
	})
	return ids, err
}

// Run implements [ledger.Runs].
func (s *Store) Run(ctx context.Context, id ledger.RunID) (ledger.Run, error) {
	row := s.read.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE id = ?`, int64(id))
	r, err := scanRun(row, s.now())
	if err == sql.ErrNoRows {
		return r, ledger.NoRun(id)
	}
	return r, s.wrap("read", err)
}

// Carried implements [ledger.Runs].
func (s *Store) Carried(ctx context.Context, id ledger.RunID, after ledger.RecordID, max int) ([]ledger.Record, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+recordColumns+`, `+bodyColumns+` FROM attempts a
		JOIN records r ON r.id = a.record`+bodyTables+`
		WHERE a.run = ? AND a.record > ? ORDER BY a.record LIMIT ?`, int64(id), after[:], max)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var records []ledger.Record
	for now := s.now(); rows.Next(); {
		r, err := scan(rows, now, true)
		if err != nil {
			return nil, s.wrap("read", err)
		}
		records = append(records, r)
	}
	return records, s.wrap("read", rows.Err())
}
