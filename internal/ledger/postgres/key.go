package postgres

import (
	"bytes"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// owner is the record that owns a dedupe key, within a transaction.
type owner struct {
	key    ledger.Digest
	record ledger.RecordID // zero for none
	known  bool            // there is a row
	dirty  bool
}

var keyColumns = []column[*owner]{
	col("key", "uuid", func(o *owner) pgtype.UUID { return uuid(o.key) }),
	col("record", "uuid", func(o *owner) pgtype.UUID { return idOf(o.record) }),
}

// One whom another transaction owns by now is a conflict, after which the transaction is run again.
var (
	insertKeys = insertInto("keys", keyColumns)
	updateKeys = updateOf("keys", keyColumns, 1)
)

// newKeys leaves out those keys that are here, and notes the others.
func (t *tx) newKeys(keys []ledger.Digest) []ledger.Digest {
	keys = slices.DeleteFunc(keys, func(key ledger.Digest) bool { return key.IsZero() || t.keys[key] != nil })
	for _, key := range keys {
		t.keys[key] = &owner{key: key}
	}
	return keys
}

func (t *tx) readKey(from pgx.Rows) error {
	var key, record [16]byte
	if err := from.Scan(&key, &record); err != nil {
		return err
	}
	if known := t.keys[key]; known == nil || !known.known && !known.dirty {
		t.keys[key] = &owner{key: key, record: record, known: true}
	}
	return nil
}

// owner returns the record that owns a dedupe key, with its bodies, or nil. Nothing owns the zero key.
func (t *tx) owner(key ledger.Digest) (*row, error) {
	if key.IsZero() {
		return nil, nil
	}
	if t.keys[key] == nil {
		if err := t.load(needs{keys: []ledger.Digest{key}}); err != nil {
			return nil, err
		}
	}
	id := t.keys[key].record
	if id.IsZero() {
		return nil, nil
	}
	r, err := t.record(id, true)
	if err != nil || !r.found {
		return nil, err
	}
	return r, nil
}

// own makes a record the one that others with its key join or are answered from, in place of whichever it was.
func (t *tx) own(r *row) error {
	former, err := t.owner(r.Key)
	if err != nil {
		return err
	}
	if former != nil && former.ID != r.ID {
		former.owns, former.dirty = false, true
	}
	k := t.keys[r.Key]
	k.record, k.dirty = r.ID, true
	r.owns, r.dirty = true, true
	return nil
}

// writeKeys writes the keys whose owners changed.
func (t *tx) writeKeys(b *pgx.Batch) {
	var fresh, changed []*owner
	for _, o := range t.keys {
		switch {
		case o.dirty && o.known:
			changed = append(changed, o)
		case o.dirty:
			fresh = append(fresh, o)
		}
		o.known, o.dirty = o.known || o.dirty, false
	}
	slices.SortFunc(fresh, func(a, b *owner) int { return bytes.Compare(a.key[:], b.key[:]) })
	put(b, insertKeys, keyColumns, fresh)
	put(b, updateKeys, keyColumns, changed)
}
