package sqlite

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/claygate/claygate/internal/ledger"
)

// setting returns what is kept under a name, storing a first value when there is none.
func (t *tx) setting(name string, first []byte) ([]byte, error) {
	var value []byte
	found, err := t.row(`SELECT value FROM settings WHERE name = ?`, []any{name}, &value)
	if err != nil || found {
		return value, err
	}
	_, err = t.exec(`INSERT INTO settings (name, value) VALUES (?, ?)`, name, first)
	return first, err
}

// Secret implements [ledger.Keeper].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	var secret []byte
	err := s.do(ctx, "secret", func(t *tx) (err error) {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		secret, err = t.setting("secret:"+name, fresh)
		return err
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}

// Bind implements [ledger.Keeper].
func (s *Store) Bind(ctx context.Context, base string) error {
	return s.do(ctx, "open", func(t *tx) error {
		bound, err := t.setting("clay", []byte(base))
		if err != nil {
			return err
		}
		if string(bound) != base {
			return &ledger.Error{
				Kind: ledger.Foreign, Op: "open",
				Message: fmt.Sprintf("this ledger belongs to %s, not to %s", bound, base),
				Hint:    "name another ledger with --ledger: results of one Clay must not answer for another",
			}
		}
		return nil
	})
}

// Load implements [ledger.Keeper].
func (s *Store) Load(ctx context.Context, load ledger.Load) (ledger.LoadID, error) {
	var id ledger.LoadID
	err := s.do(ctx, "load", func(t *tx) error {
		if !load.Fresh {
			found, err := t.row(`SELECT id FROM loads WHERE target = ? AND name = ? ORDER BY id DESC LIMIT 1`,
				[]any{load.Target, load.Name}, &id)
			if err != nil || found {
				return err
			}
		}
		_, err := t.row(`INSERT INTO loads (target, name, created_at) VALUES (?, ?, ?) RETURNING id`,
			[]any{load.Target, load.Name, micros(t.now)}, &id)
		return err
	})
	return id, err
}
