package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// onceRow is an idempotency key within a transaction.
type onceRow struct {
	key, body ledger.Digest
	record    ledger.RecordID
	expires   int64
	known     bool // there is a row, which may have expired
	dirty     bool
}

var onceColumns = []column[*onceRow]{
	col("key", "uuid", func(o *onceRow) pgtype.UUID { return uuid(o.key) }),
	col("body", "uuid", func(o *onceRow) pgtype.UUID { return pgtype.UUID{Bytes: o.body, Valid: true} }),
	col("record", "uuid", func(o *onceRow) pgtype.UUID { return idOf(o.record) }),
	col("expires_at", "bigint", func(o *onceRow) int64 { return o.expires }),
}

// A key that another transaction wrote meanwhile is a conflict, after which the transaction is run again.
var (
	insertOnces = insertInto("idempotency", onceColumns)
	updateOnces = updateOf("idempotency", onceColumns, 1)
)

func (t *tx) loadOnces(b *pgx.Batch, keys []ledger.Digest) {
	if len(keys) == 0 {
		return
	}
	for _, key := range keys {
		if t.onces[key] == nil {
			t.onces[key] = &onceRow{key: key}
		}
	}
	t.queue(b, `SELECT key, body, record, expires_at FROM idempotency WHERE key = ANY($1) ORDER BY key`+t.locking(), []any{uuids(keys)},
		func(from pgx.Rows) error {
			o := onceRow{known: true}
			if err := from.Scan((*[16]byte)(&o.key), (*[16]byte)(&o.body), (*[16]byte)(&o.record), &o.expires); err != nil {
				return err
			}
			if here := t.onces[o.key]; !here.known && !here.dirty {
				*here = o
			}
			return nil
		})
}

// once finds what was handed in before under an idempotency key. One that has expired is as good as new.
func (t *tx) once(o ledger.Once) (ledger.Acceptance, error) {
	if t.onces[o.Key] == nil {
		if err := t.load(needs{onces: []ledger.Digest{o.Key}}); err != nil {
			return ledger.Acceptance{}, err
		}
	}
	here := t.onces[o.Key]
	if !here.known && !here.dirty || here.expires <= micros(t.now) {
		return ledger.Acceptance{}, nil
	}
	if here.body != o.Body {
		return ledger.Acceptance{Err: &ledger.Error{
			Kind: ledger.Reused, Op: "accept", Message: "this idempotency key came before, with another body",
			Hint: "use a new key for new content; the same key is for repeating the same request",
		}}, nil
	}
	r, err := t.record(here.record, false)
	if err != nil {
		return ledger.Acceptance{}, err
	}
	return ledger.Acceptance{Record: r.Record.WithoutBodies(), Repeated: r.found}, nil
}

// remember keeps a submission's idempotency key. Those that have expired are pruned.
func (t *tx) remember(s *ledger.Submission) {
	if s.Once == nil {
		return
	}
	here := t.onces[s.Once.Key]
	here.body, here.record, here.expires, here.dirty = s.Once.Body, s.ID, t.later(ledger.OnceRetention), true
}

func (t *tx) writeOnces(b *pgx.Batch) {
	var fresh, changed []*onceRow
	for _, o := range t.onces {
		switch {
		case o.dirty && o.known:
			changed = append(changed, o)
		case o.dirty:
			fresh = append(fresh, o)
		}
		o.known, o.dirty = o.known || o.dirty, false
	}
	put(b, insertOnces, onceColumns, fresh)
	put(b, updateOnces, onceColumns, changed)
}
