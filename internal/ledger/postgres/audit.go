package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Note implements [ledger.Audit].
func (s *Store) Note(ctx context.Context, d ledger.Deed) error {
	return s.do(ctx, "note", func(t *tx) error {
		_, err := t.exec(`INSERT INTO audit (at, who, what, ref, n) VALUES ($1, $2, $3, $4, $5)`,
			micros(t.now), text(d.Who), text(string(d.What)), text(d.On), d.N)
		return err
	})
}

// Deeds implements [ledger.Audit].
func (s *Store) Deeds(ctx context.Context, before int64, max int) ([]ledger.Deed, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	deeds, err := read(ctx, s, `SELECT seq, at, who, what, ref, n FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2`, []any{before, max}, scanDeed)
	return deeds, s.wrap("read", err)
}

func scanDeed(row pgx.Rows) (d ledger.Deed, err error) {
	var at int64
	err = row.Scan(&d.Seq, &at, &d.Who, &d.What, &d.On, &d.N)
	d.At = unixMicro(at)
	return d, err
}
