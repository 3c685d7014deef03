package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// announce keeps a notice, for those who watch. It is written with the transaction's others.
func (t *tx) announce(n ledger.Notice) error {
	if n.Kind == "" {
		return nil
	}
	t.notices = append(t.notices, n)
	t.publish(ledger.Announced)
	return nil
}

// noticeRows is how many notices one statement writes: each statement also writes the last number given.
const noticeRows = 16

// insertNotices writes so many notices.
func insertNotices(n int) string {
	return `INSERT INTO notices (kind, cached, target, record, reason, at) VALUES (?, ?, ?, ?, ?, ?)` + strings.Repeat(`, (?, ?, ?, ?, ?, ?)`, n-1)
}

var insertNotice, insertManyNotices = insertNotices(1), insertNotices(noticeRows)

// writeNotices writes what was announced, in its order.
func (t *tx) writeNotices() error {
	for all := t.notices; len(all) > 0; {
		n, query := 1, insertNotice
		if len(all) >= noticeRows {
			n, query = noticeRows, insertManyNotices
		}
		args := make([]any, 0, 6*noticeRows)
		for _, notice := range all[:n] {
			args = append(args, string(notice.Kind), notice.Cached, notice.Target, orNull(ledger.Digest(notice.Record)), notice.Reason, micros(t.now))
		}
		if _, err := t.exec(query, args...); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// Notices implements [ledger.Notices].
func (s *Store) Notices(ctx context.Context, after int64, max int) ([]ledger.Notice, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT seq, kind, cached, target, record, reason, at FROM notices
		WHERE seq > ? ORDER BY seq LIMIT ?`, after, max)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var notices []ledger.Notice
	for rows.Next() {
		var n ledger.Notice
		var record []byte
		var at int64
		if err := rows.Scan(&n.Seq, &n.Kind, &n.Cached, &n.Target, &record, &n.Reason, &at); err != nil {
			return nil, s.wrap("read", err)
		}
		copy(n.Record[:], record)
		n.At = time.UnixMicro(at)
		notices = append(notices, n)
	}
	return notices, s.wrap("read", rows.Err())
}

// LastNotice implements [ledger.Notices].
func (s *Store) LastNotice(ctx context.Context) (int64, error) {
	var seq int64
	err := s.read.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM notices`).Scan(&seq)
	return seq, s.wrap("read", err)
}
