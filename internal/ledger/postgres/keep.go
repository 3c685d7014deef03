package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/claygate/claygate/internal/ledger"
)

// setting returns what is kept under a name, storing a first value when there is none. Of replicas that start together one
// is the first.
func (t *tx) setting(name string, first []byte) (value []byte, err error) {
	if _, err = t.exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, first); err != nil {
		return nil, err
	}
	_, err = t.row(`SELECT value FROM settings WHERE name = $1 FOR UPDATE`, []any{name}, &value)
	return value, err
}

// Secret implements [ledger.Keeper].
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	return ask(ctx, s, "secret", &call{phase: others}, func(t *tx) ([]byte, error) {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		return t.setting("secret:"+name, fresh)
	})
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
		used, err := t.isUsed(isURL(string(bound)) && isURL(base))
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
		_, err = t.exec(`UPDATE settings SET value = $1 WHERE name = 'clay'`, []byte(base))
		return err
	})
}

// isURL tells the base of a Clay that is reached from the name of one that is emulated in the process.
func isURL(base string) bool { return strings.Contains(base, "://") }

// isUsed reports whether the ledger holds something of the Clay that it is tied to: what may have arrived there or came
// back. Records that only wait are as good for another one, where that is asked.
func (t *tx) isUsed(waitingIsNot bool) (bool, error) {
	query := `SELECT 1 FROM records LIMIT 1`
	if waitingIsNot {
		query = `SELECT 1 FROM records WHERE revision > 0 OR at_clay OR may_duplicate > 0 OR state IN ('sending', 'sent', 'uncertain', 'done')
			UNION ALL SELECT 1 FROM attempts WHERE may_duplicate OR verdict = 'accepted'
			UNION ALL SELECT 1 FROM callbacks LIMIT 1`
	}
	var one int
	return t.row(query, nil, &one)
}

// Load implements [ledger.Keeper]. Replicas that ask for one load at the same time get the same one.
func (s *Store) Load(ctx context.Context, load ledger.Load) (ledger.LoadID, error) {
	return ask(ctx, s, "load", &call{phase: others}, func(t *tx) (id ledger.LoadID, err error) {
		if !load.Fresh {
			if _, err := t.exec(`SELECT pg_advisory_xact_lock(hashtextextended($1, 7310868736))`, text(load.Target+"\x00"+load.Name)); err != nil {
				return 0, err
			}
			found, err := t.row(`SELECT id FROM loads WHERE target = $1 AND name = $2 ORDER BY id DESC LIMIT 1`,
				[]any{text(load.Target), text(load.Name)}, &id)
			if err != nil || found {
				return id, err
			}
		}
		_, err = t.row(`INSERT INTO loads (target, name, created_at) VALUES ($1, $2, $3) RETURNING id`,
			[]any{text(load.Target), text(load.Name), micros(t.now)}, &id)
		return id, err
	})
}
