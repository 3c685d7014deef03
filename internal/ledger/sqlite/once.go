package sqlite

import (
	"bytes"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// once finds what was handed in before under an idempotency key. One that has expired is as good as new.
func (t *tx) once(o ledger.Once) (ledger.Acceptance, error) {
	var body, record []byte
	found, err := t.row(`SELECT body, record FROM idempotency WHERE key = ? AND expires_at > ?`,
		[]any{o.Key[:], micros(t.now)}, &body, &record)
	if err != nil || !found {
		return ledger.Acceptance{}, err
	}
	if !bytes.Equal(body, o.Body[:]) {
		return ledger.Acceptance{Err: &ledger.Error{
			Kind: ledger.Reused, Op: "accept", Message: "this idempotency key came before, with another body",
			Hint: "use a new key for new content; the same key is for repeating the same request",
		}}, nil
	}
	r, found, err := t.record(ledger.RecordID(record), false)
	return ledger.Acceptance{Record: r, Repeated: found}, err
}

// remember keeps a submission's idempotency key, and forgets those that have expired.
func (t *tx) remember(s *ledger.Submission) error {
	if s.Once == nil {
		return nil
	}
	crash.Point(crash.Remembered)
	if _, err := t.exec(`DELETE FROM idempotency WHERE expires_at <= ?`, micros(t.now)); err != nil {
		return err
	}
	_, err := t.exec(`INSERT OR REPLACE INTO idempotency (key, body, record, expires_at) VALUES (?, ?, ?, ?)`,
		s.Once.Key[:], s.Once.Body[:], s.ID[:], t.later(ledger.OnceRetention))
	return err
}
