package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// runColumns are the columns of a run in the order in which scanRun reads them.
const runColumns = `id, lane, target, kind, state, clay, cursor, size, polls, pages, misses, reason, followed, brought, bytes,
	started_at, ended_at`

// scanRun reads a run. Durations in it are as of now.
func scanRun(row pgx.Row, now time.Time) (r ledger.Run, err error) {
	var started int64
	var ended pgtype.Int8
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

// run locks and reads a run for a change, with what it is told of others.
func (t *tx) run(id ledger.RunID) (r ledger.Run, found bool, err error) {
	err = t.look(`SELECT `+runColumns+` FROM runs WHERE id = $1 FOR NO KEY UPDATE`, []any{int64(id)}, func(row pgx.Rows) error {
		found = true
		r, err = scanRun(row, t.now)
		return err
	})
	if err != nil || !found {
		return r, false, err
	}
	var usual int64
	if _, err = t.row(`SELECT span FROM usual WHERE target = $1 AND kind = $2`, []any{text(r.Target), string(r.Kind)}, &usual); err != nil {
		return r, false, err
	}
	r.Usual = duration(usual)
	_, err = t.row(`SELECT count(*) FROM runs WHERE lane = $1 AND due_at IS NOT NULL AND id <> $2 AND NOT followed
		AND state IN ('running', 'fetching')`,
		[]any{string(r.Lane), int64(id)}, &r.Others)
	return r, err == nil, err
}

// insertRun stores a new run and gives it its ID.
func (t *tx) insertRun(r *ledger.Run, due time.Duration) error {
	r.StartedAt = time.UnixMicro(micros(t.now))
	_, err := t.row(`INSERT INTO runs (lane, target, kind, state, clay, cursor, size, polls, pages, misses, reason, followed, brought, bytes,
		due_at, started_at) VALUES ($1, $2, $3, $4, $5, '', $6, 0, 0, 0, '', $7, 0, 0, $8, $9) RETURNING id`,
		[]any{string(r.Lane), text(r.Target), string(r.Kind), string(r.State), text(r.Clay), r.Size, r.Followed, t.runDue(r.Lane, due), micros(t.now)}, &r.ID)
	return err
}

// writeRun writes a run back.
func (t *tx) writeRun(c ledger.RunChange) error {
	r := c.Run
	if r.Clay != "" && r.State != ledger.RunFound { // one that was found by its completion webhook is this one
		_, err := t.exec(`DELETE FROM runs WHERE lane = $1 AND clay = $2 AND state = 'found' AND id <> $3`, string(r.Lane), text(r.Clay), int64(r.ID))
		if err != nil {
			return err
		}
	}
	var ended pgtype.Int8
	if c.Due < 0 {
		ended = some(micros(t.now))
	}
	_, err := t.exec(`UPDATE runs SET kind = $1, state = $2, clay = $3, cursor = $4, polls = $5, pages = $6, misses = $7, reason = $8,
		brought = $9, bytes = $10, due_at = $11, ended_at = coalesce(ended_at, $12) WHERE id = $13`, string(r.Kind), string(r.State), text(r.Clay),
		text(r.Cursor), r.Polls, r.Pages, r.Misses, text(r.Reason), r.Brought, r.Bytes, t.runDue(r.Lane, c.Due), ended, int64(r.ID))
	if err == nil && c.Usual > 0 && r.Target != "" {
		_, err = t.exec(`INSERT INTO usual (target, kind, span) VALUES ($1, $2, $3)
			ON CONFLICT (target, kind) DO UPDATE SET span = excluded.span`, text(r.Target), string(r.Kind), roundUp(c.Usual))
	}
	return err
}

// runDue turns a due duration into a time, NULL for Never, and tells those who ask about the lane's runs.
func (t *tx) runDue(lane ledger.LaneID, due time.Duration) pgtype.Int8 {
	if due < 0 {
		return pgtype.Int8{}
	}
	t.publish(ledger.Asking(lane))
	return some(t.later(due))
}

// Run implements [ledger.Runs].
func (s *Store) Run(ctx context.Context, id ledger.RunID) (ledger.Run, error) {
	now := s.now()
	runs, err := read(ctx, s, `SELECT `+runColumns+` FROM runs WHERE id = $1`, []any{int64(id)}, func(row pgx.Rows) (ledger.Run, error) { return scanRun(row, now) })
	if err == nil && len(runs) == 0 {
		return ledger.Run{}, ledger.NoRun(id)
	}
	if err != nil {
		return ledger.Run{}, s.wrap("read", err)
	}
	return runs[0], nil
}

// Carried implements [ledger.Runs].
func (s *Store) Carried(ctx context.Context, id ledger.RunID, after ledger.RecordID, max int) ([]ledger.Record, error) {
	records, err := read(ctx, s, `SELECT `+recordColumns+`, `+bodyColumns+` FROM attempts a
		JOIN records r ON r.id = a.record`+bodyTables+`
		WHERE a.run = $1 AND a.record > $2 ORDER BY a.record LIMIT $3`, []any{int64(id), idOf(after), max}, s.scanRecord(true))
	return records, s.wrap("read", err)
}

func readLength(into map[ledger.RecordID]int) func(pgx.Rows) error {
	return func(row pgx.Rows) error {
		var id ledger.RecordID
		var n int
		err := row.Scan((*[16]byte)(&id), &n)
		into[id] = n
		return err
	}
}
