package sqlite

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

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
		if string(bound) == base {
			return nil
		}
		used, err := t.used(isURL(string(bound)) && isURL(base))
		if err != nil {
			return err
		}
		if used {
			return &ledger.Error{
				Kind: ledger.Foreign, Op: "open",
				Message: fmt.Sprintf("this ledger belongs to %s, not to %s", bound, base),
				Hint:    "name another ledger with --ledger: results of one Clay must not answer for another",
			}
		}
		_, err = t.exec(`UPDATE settings SET value = ? WHERE name = 'clay'`, []byte(base))
		return err
	})
}

// isURL tells the base of a Clay that is reached from the name of one that is emulated in the process.
func isURL(base string) bool { return strings.Contains(base, "://") }

// used reports whether the ledger holds something of the Clay that it is tied to: what may have arrived there or came
// back. Records that only wait are as good for another one, where that is asked.
func (t *tx) used(waitingIsNot bool) (bool, error) {
	query := `SELECT 1 FROM records LIMIT 1`
	if waitingIsNot {
		query = `SELECT 1 FROM records WHERE revision > 0 OR at_clay OR may_duplicate > 0 OR state IN ('sending', 'sent', 'uncertain', 'done')
			UNION ALL SELECT 1 FROM attempts WHERE may_duplicate OR verdict = 'accepted'
			UNION ALL SELECT 1 FROM callbacks LIMIT 1`
	}
	var one int
	return t.row(query, nil, &one)
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
