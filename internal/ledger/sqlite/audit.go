package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Note implements [ledger.Audit].
func (s *Store) Note(ctx context.Context, d ledger.Deed) error {
	return s.do(ctx, "note", func(t *tx) error {
		_, err := t.exec(`INSERT INTO audit (at, who, what, ref, n) VALUES (?, ?, ?, ?, ?)`, micros(t.now), d.Who, string(d.What), d.On, d.N)
		return err
	})
}

// Deeds implements [ledger.Audit].
func (s *Store) Deeds(ctx context.Context, before int64, max int) ([]ledger.Deed, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.read.QueryContext(ctx, `SELECT seq, at, who, what, ref, n FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, max)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var deeds []ledger.Deed
	for rows.Next() {
		var d ledger.Deed
		var at int64
		if err := rows.Scan(&d.Seq, &at, &d.Who, &d.What, &d.On, &d.N); err != nil {
			return nil, s.wrap("read", err)
		}
		d.At = time.UnixMicro(at)
		deeds = append(deeds, d)
	}
	return deeds, s.wrap("read", rows.Err())
}
