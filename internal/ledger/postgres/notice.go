package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// announce keeps a notice, for those who watch. It is written with the transaction's others.
func (t *tx) announce(n ledger.Notice) {
	if n.Kind != "" {
		t.notices = append(t.notices, n)
		t.publish(ledger.Announced)
	}
}

func noticeColumns(now int64) []column[ledger.Notice] {
	return []column[ledger.Notice]{
		col("kind", "text", func(n ledger.Notice) string { return string(n.Kind) }),
		col("cached", "boolean", func(n ledger.Notice) bool { return n.Cached }),
		col("target", "text", func(n ledger.Notice) string { return text(n.Target) }),
		col("record", "uuid", func(n ledger.Notice) pgtype.UUID { return uuid(ledger.Digest(n.Record)) }),
		col("reason", "text", func(n ledger.Notice) string { return text(n.Reason) }),
		col("at", "bigint", func(ledger.Notice) int64 { return now }),
	}
}

var insertNotices = insertInto("notices", noticeColumns(0))

// One transaction at a time tells: it gives numbers to notices, and their places to deliveries. The lock is taken last and
// held until the commit, so that whoever reads up to a number has seen all below it, and the order of deliveries is that of
// the commits (docs/decisions/0016-postgresql.md).
const lockTelling = `SELECT pg_advisory_xact_lock(7310868735)`

// tellAll writes what is to be told: deliveries, then notices. Deliveries are placed among those that are there, so those
// are read first, together with all that was to be written before; then a new batch begins.
func (t *tx) tellAll(b **pgx.Batch) error {
	if len(t.posts)+len(t.notices) == 0 {
		return nil
	}
	(*b).Queue(lockTelling)
	if len(t.posts) > 0 {
		if err := t.send(*b); err != nil {
			return err
		}
		if err := t.placeAll(); err != nil {
			return err
		}
		*b = t.batch()
	}
	put(*b, insertNotices, noticeColumns(micros(t.now)), t.notices)
	return nil
}

// Notices implements [ledger.Notices].
func (s *Store) Notices(ctx context.Context, after int64, max int) ([]ledger.Notice, error) {
	notices, err := read(ctx, s, `SELECT seq, kind, cached, target, record, reason, at FROM notices
		WHERE seq > $1 ORDER BY seq LIMIT $2`, []any{after, max}, scanNotice)
	return notices, s.wrap("read", err)
}

func scanNotice(row pgx.Rows) (n ledger.Notice, err error) {
	var record pgtype.UUID
	var at int64
	err = row.Scan(&n.Seq, &n.Kind, &n.Cached, &n.Target, &record, &n.Reason, &at)
	n.Record, n.At = record.Bytes, time.UnixMicro(at)
	return n, err
}

// LastNotice implements [ledger.Notices].
func (s *Store) LastNotice(ctx context.Context) (seq int64, err error) {
	_, err = readOne(ctx, s, `SELECT coalesce(max(seq), 0) FROM notices`, nil, &seq)
	return seq, s.wrap("read", err)
}
