package sqlite

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// Secrets of a name are settings: the first one's is "secret:" and the name; a colon and the time follow for later ones.
func secretName(name string) string { return "secret:" + name }

// Rotate implements [ledger.Keeper].
func (s *Store) Rotate(ctx context.Context, name string) error {
	return s.do(ctx, "secret", func(t *tx) error {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		_, err := t.exec(`INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)`, fmt.Sprintf("%s:%020d", secretName(name), micros(t.now)), fresh)
		return err
	})
}

// Secrets implements [ledger.Keeper].
func (s *Store) Secrets(ctx context.Context, name string) ([]ledger.AgedSecret, error) {
	first := secretName(name)
	rows, err := s.read.QueryContext(ctx, `SELECT name, value FROM settings WHERE name = ?1 OR name >= ?1 || ':' AND name < ?1 || ';' ORDER BY name DESC`, first)
	if err != nil {
		return nil, s.wrap("secret", err)
	}
	defer rows.Close()
	var all []ledger.AgedSecret
	for now := s.now(); rows.Next(); {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return nil, s.wrap("secret", err)
		}
		made, _ := strconv.ParseInt(strings.TrimPrefix(strings.TrimPrefix(name, first), ":"), 10, 64) // 0 for the first
		all = append(all, ledger.AgedSecret{Value: value, Age: since(now, made)})
	}
	return all, s.wrap("secret", rows.Err())
}
