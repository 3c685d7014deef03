package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// readBatch bounds the parameters of a query: SQLite takes 32,766.
const readBatch = 5000

// Records implements [ledger.Reader].
func (s *Store) Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error) {
	byID := make(map[ledger.RecordID]ledger.Record, len(ids))
	for batch := range slices.Chunk(ids, readBatch) {
		if err := s.records(ctx, batch, byID); err != nil {
			return nil, s.wrap("read", err)
		}
	}
	records := make([]ledger.Record, 0, len(ids))
	for _, id := range ids {
		if r, ok := byID[id]; ok {
			records = append(records, r)
		}
	}
	return records, nil
}

// records reads the records of some IDs.
func (s *Store) records(ctx context.Context, ids []ledger.RecordID, into map[ledger.RecordID]ledger.Record) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id[:]
	}
	rows, err := s.read.QueryContext(ctx, `SELECT `+recordColumns+`, `+bodyColumns+` FROM records r`+bodyTables+`
		WHERE r.id IN (?`+strings.Repeat(`, ?`, len(ids)-1)+`)`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for now := s.now(); rows.Next(); {
		r, err := scan(rows, now, true)
		if err != nil {
			return err
		}
		into[r.ID] = r
	}
	return rows.Err()
}

// Attempts implements [ledger.Reader].
func (s *Store) Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT n, outcome, verdict, status, excerpt, retry_after, may_duplicate,
		started_at, answered_at FROM attempts WHERE record = ? ORDER BY n`, id[:])
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var attempts []ledger.Attempt
	for rows.Next() {
		a := ledger.Attempt{Record: id}
		var retryAfter, startedAt int64
		var answeredAt sql.NullInt64
		if err := rows.Scan(&a.N, &a.Outcome, &a.Verdict, &a.Status, &a.Excerpt, &retryAfter, &a.MayDuplicate,
			&startedAt, &answeredAt); err != nil {
			return nil, s.wrap("read", err)
		}
		a.RetryAfter, a.StartedAt = time.Duration(retryAfter)*time.Microsecond, time.UnixMicro(startedAt)
		if answeredAt.Valid {
			a.AnsweredAt = time.UnixMicro(answeredAt.Int64)
		}
		attempts = append(attempts, a)
	}
	return attempts, s.wrap("read", rows.Err())
}

// Waiting implements [ledger.Reader].
func (s *Store) Waiting(ctx context.Context, load ledger.LoadID) ([]ledger.RecordID, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id FROM records WHERE state = 'queued' AND wanted_by <> 0
		AND wanted_by = ? AND load = ?`, int64(load), int64(load))
	if err != nil {
		return nil, s.wrap("read", err)
	}
	ids, err := recordIDs(rows)
	return ids, s.wrap("read", err)
}

// Oldest implements [ledger.Reader].
func (s *Store) Oldest(ctx context.Context, target string) (time.Duration, error) {
	var created int64
	err := s.read.QueryRowContext(ctx, `SELECT created_at FROM records WHERE id = (SELECT min(id) FROM records WHERE state = 'queued' AND target = ?)`, target).Scan(&created)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return max(since(s.now(), created), 0), s.wrap("read", err)
}

// LoadOf implements [ledger.Reader].
func (s *Store) LoadOf(ctx context.Context, id ledger.LoadID) (ledger.Load, error) {
	var load ledger.Load
	err := s.read.QueryRowContext(ctx, `SELECT target, name FROM loads WHERE id = ?`, int64(id)).Scan(&load.Target, &load.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return load, &ledger.Error{Kind: ledger.NotFound, Op: "read", Message: "there is no such load"}
	}
	return load, s.wrap("read", err)
}

// LoadCounts implements [ledger.Reader].
func (s *Store) LoadCounts(ctx context.Context, load ledger.LoadID) (ledger.Counts, error) {
	return s.counts(ctx, scope{load: load})
}

func (s *Store) counts(ctx context.Context, of scope) (ledger.Counts, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT name, n FROM counts WHERE scope = ?`, of.String())
	if err != nil {
		return nil, s.wrap("count", err)
	}
	defer rows.Close()
	counts := ledger.Counts{}
	for rows.Next() {
		var name ledger.Count
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return nil, s.wrap("count", err)
		}
		counts[name] = n
	}
	return counts, s.wrap("count", rows.Err())
}

// Targets implements [ledger.Reader].
func (s *Store) Targets(ctx context.Context) ([]string, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT substr(scope, 8) FROM counts
		WHERE scope > 'target:' AND scope < 'target;' AND n > 0 ORDER BY 1`)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, s.wrap("read", err)
		}
		names = append(names, name)
	}
	return names, s.wrap("read", rows.Err())
}

// TargetStatus implements [ledger.Reader].
func (s *Store) TargetStatus(ctx context.Context, target string) (ledger.TargetStatus, error) {
	var status ledger.TargetStatus
	err := s.read.QueryRowContext(ctx, `SELECT paused, status FROM targets WHERE name = ?`, target).
		Scan(&status.Paused.Reason, &status.Paused.Status)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return status, s.wrap("read", err)
	}
	if status.Breaker, err = s.breaker(ctx, target); err != nil {
		return status, err
	}
	if status.Short, err = s.short(ctx, target); err != nil {
		return status, err
	}
	if status.Counts, err = s.counts(ctx, scope{target: target}); err != nil {
		return status, err
	}
	configured, _ := s.catalog.Load().Target(target)
	status.Used = make(map[ledger.Digest]int, len(configured.Webhooks))
	for _, w := range configured.Webhooks {
		var n int
		err := s.read.QueryRowContext(ctx, `SELECT coalesce(max(submissions), 0) FROM webhooks WHERE id = ?`, w.ID[:]).Scan(&n)
		if err != nil {
			return status, s.wrap("read", err)
		}
		status.Used[w.ID] = n
	}
	return status, nil
}

func (s *Store) breaker(ctx context.Context, target string) (ledger.Breaker, error) {
	b, err := scanBreaker(func(dest ...any) (bool, error) {
		err := s.read.QueryRowContext(ctx, `SELECT `+breakerColumns+` FROM breakers WHERE target = ?`, target).Scan(dest...)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	}, s.now())
	return b, s.wrap("read", err)
}
