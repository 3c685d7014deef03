package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Secrets of a name are settings: the first one's is "secret:" and the name; a colon and the time follow for later ones.
func secretName(name string) string { return "secret:" + name }

// Rotate implements [ledger.Keeper].
func (s *Store) Rotate(ctx context.Context, name string) error {
	return s.do(ctx, "secret", func(t *tx) error {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		_, err := t.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			fmt.Sprintf("%s:%020d", secretName(name), micros(t.now)), fresh)
		return err
	})
}

// Secrets implements [ledger.Keeper].
func (s *Store) Secrets(ctx context.Context, name string) ([]ledger.AgedSecret, error) {
	first, now := secretName(name), s.now()
	all, err := read(ctx, s, `SELECT name, value FROM settings WHERE name = $1 OR starts_with(name, $1 || ':') ORDER BY name COLLATE "C" DESC`, []any{first},
		func(row pgx.Rows) (secret ledger.AgedSecret, err error) {
			var name string
			if err = row.Scan(&name, &secret.Value); err != nil {
				return secret, err
			}
			made, _ := strconv.ParseInt(strings.TrimPrefix(strings.TrimPrefix(name, first), ":"), 10, 64) // 0 for the first
			secret.Age = since(now, made)
			return secret, nil
		})
	return all, s.wrap("secret", err)
}
