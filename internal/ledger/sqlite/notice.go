package sqlite

import (
	"context"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// announce keeps a notice, for those who watch.
func (t *tx) announce(n ledger.Notice) error {
	if n.Kind == "" {
		return nil
	}
	_, err := t.exec(`INSERT INTO notices (kind, cached, target, record, reason, at) VALUES (?, ?, ?, ?, ?, ?)`,
		string(n.Kind), n.Cached, n.Target, orNull(ledger.Digest(n.Record)), n.Reason, micros(t.now))
	t.publish(ledger.Announced)
	return err
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
