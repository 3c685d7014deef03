package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// readBatch bounds the records that one query brings.
const readBatch = 5000

// Records implements [ledger.Reader].
func (s *Store) Records(ctx context.Context, ids []ledger.RecordID) ([]ledger.Record, error) {
	byID := make(map[ledger.RecordID]ledger.Record, len(ids))
	for batch := range slices.Chunk(ids, readBatch) {
		got, err := read(ctx, s, `SELECT `+recordColumns+`, `+bodyColumns+` FROM records r`+bodyTables+` WHERE r.id = ANY($1)`,
			[]any{uuids(batch)}, s.scanRecord(true))
		if err != nil {
			return nil, s.wrap("read", err)
		}
		for _, r := range got {
			byID[r.ID] = r
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

// scanRecord returns what reads a record, as of now.
func (s *Store) scanRecord(withBodies bool) func(pgx.Rows) (ledger.Record, error) {
	now := s.now()
	return func(row pgx.Rows) (ledger.Record, error) {
		r, err := scan(row, now, withBodies)
		if err != nil {
			return ledger.Record{}, err
		}
		return r.Record, nil
	}
}

// Attempts implements [ledger.Reader].
func (s *Store) Attempts(ctx context.Context, id ledger.RecordID) ([]ledger.Attempt, error) {
	attempts, err := read(ctx, s, `SELECT n, outcome, verdict, status, excerpt, retry_after, may_duplicate, started_at, answered_at
		FROM attempts WHERE record = $1 ORDER BY n`, []any{idOf(id)}, func(row pgx.Rows) (ledger.Attempt, error) {
		a := ledger.Attempt{Record: id}
		var retryAfter, started int64
		var answered pgtype.Int8
		err := row.Scan(&a.N, &a.Outcome, &a.Verdict, &a.Status, &a.Excerpt, &retryAfter, &a.MayDuplicate, &started, &answered)
		a.RetryAfter, a.StartedAt = duration(retryAfter), unixMicro(started)
		if answered.Valid {
			a.AnsweredAt = unixMicro(answered.Int64)
		}
		return a, err
	})
	return attempts, s.wrap("read", err)
}

// Waiting implements [ledger.Reader].
func (s *Store) Waiting(ctx context.Context, load ledger.LoadID) ([]ledger.RecordID, error) {
	ids, err := read(ctx, s, `SELECT id FROM records WHERE state = 'queued' AND wanted_by <> 0 AND wanted_by = $1 AND load = $1`,
		[]any{int64(load)}, scanID)
	return ids, s.wrap("read", err)
}

// Oldest implements [ledger.Reader].
func (s *Store) Oldest(ctx context.Context, target string) (time.Duration, error) {
	var waited int64
	found, err := readOne(ctx, s, `SELECT created_at FROM records WHERE state = 'queued' AND target = $1 ORDER BY id LIMIT 1`, []any{text(target)}, &waited)
	if err != nil || !found {
		return 0, s.wrap("read", err)
	}
	return max(since(s.now(), waited), 0), nil
}

// LoadOf implements [ledger.Reader].
func (s *Store) LoadOf(ctx context.Context, id ledger.LoadID) (load ledger.Load, err error) {
	found, err := readOne(ctx, s, `SELECT target, name FROM loads WHERE id = $1`, []any{int64(id)}, &load.Target, &load.Name)
	if err == nil && !found {
		return load, &ledger.Error{Kind: ledger.NotFound, Op: "read", Message: "there is no such load"}
	}
	return load, s.wrap("read", err)
}

// LoadCounts implements [ledger.Reader].
func (s *Store) LoadCounts(ctx context.Context, load ledger.LoadID) (ledger.Counts, error) {
	return s.counts(ctx, scope{load: load})
}

func (s *Store) counts(ctx context.Context, of scope) (ledger.Counts, error) {
	type counted struct {
		name ledger.Count
		n    int
	}
	all, err := read(ctx, s, `SELECT name, sum(n)::bigint FROM counts WHERE scope = $1 GROUP BY name`, []any{text(of.String())},
		func(row pgx.Rows) (c counted, err error) {
			err = row.Scan(&c.name, &c.n)
			return c, err
		})
	counts := ledger.Counts{}
	for _, c := range all {
		counts[c.name] = c.n
	}
	return counts, s.wrap("count", err)
}

// Targets implements [ledger.Reader].
func (s *Store) Targets(ctx context.Context) ([]string, error) {
	scopes, err := read(ctx, s, `SELECT DISTINCT scope FROM (SELECT scope FROM counts WHERE scope LIKE 'target:%'
		GROUP BY scope, name HAVING sum(n) > 0) c`, nil, scanText)
	return targetsOf(scopes), s.wrap("read", err)
}

// targetsOf returns the targets of scopes, in order.
func targetsOf(scopes []string) (targets []string) {
	for _, scope := range scopes {
		targets = append(targets, strings.TrimPrefix(scope, targetScope))
	}
	slices.Sort(targets)
	return targets
}

// TargetStatus implements [ledger.Reader].
func (s *Store) TargetStatus(ctx context.Context, target string) (status ledger.TargetStatus, err error) {
	_, err = readOne(ctx, s, `SELECT paused, status FROM targets WHERE name = $1`, []any{text(target)}, &status.Paused.Reason, &status.Paused.Status)
	if err != nil {
		return status, s.wrap("read", err)
	}
	now := s.now()
	breakers, err := read(ctx, s, `SELECT `+breakerColumns+` FROM breakers WHERE target = $1`, []any{text(target)},
		func(row pgx.Rows) (ledger.Breaker, error) { return scanBreaker(row, now) })
	if err != nil {
		return status, s.wrap("read", err)
	}
	for _, b := range breakers {
		status.Breaker = b
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
		if _, err := readOne(ctx, s, `SELECT submissions FROM webhooks WHERE id = $1`, []any{uuid(w.ID)}, &n); err != nil {
			return status, s.wrap("read", err)
		}
		status.Used[w.ID] = n
	}
	return status, nil
}
