package sqlite

import (
	"context"
	"errors"
	"iter"

	"github.com/claygate/claygate/internal/ledger"
)

// Accept implements [ledger.Intake].
func (s *Store) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	out := make([]ledger.Acceptance, len(in))
	err := s.do(ctx, "accept", func(t *tx) error {
		got := make([]ledger.Acceptance, len(in)) // a call that gave up may still run: it must not write to out
		for i, sub := range in {
			var err error
			if got[i], err = t.accept(sub); err != nil {
				return err
			}
		}
		copy(out, got)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Preview implements [ledger.Intake]: it accepts and rolls back.
func (s *Store) Preview(ctx context.Context, in iter.Seq[ledger.Submission], tell func(ledger.Acceptance)) error {
	err := s.do(ctx, "preview", func(t *tx) error {
		for sub := range in {
			acceptance, err := t.accept(sub)
			if err != nil {
				return err
			}
			tell(acceptance)
		}
		return errPreview
	})
	if errors.Is(err, errPreview) {
		return nil
	}
	return err
}

// accept stores one submission, unless it is known.
func (t *tx) accept(s ledger.Submission) (ledger.Acceptance, error) {
	if known, err := t.known(s); err != nil || known.Repeated || known.Err != nil {
		return known, err
	}
	target, ok := t.store.catalog.Target(s.Target)
	if !ok {
		return ledger.Acceptance{}, &ledger.Error{Kind: ledger.NotFound, Op: "accept", Message: "there is no target " + s.Target}
	}
	owner, err := t.owner(s.Key)
	if err != nil {
		return ledger.Acceptance{}, err
	}
	a := ledger.Admit(target, owner, s)
	if err := t.insert(a.Record, s.Work, a.Due); err != nil {
		return ledger.Acceptance{}, err
	}
	if a.Owns {
		_, err := t.exec(`INSERT INTO keys (key, record) VALUES (?, ?)
			ON CONFLICT (key) DO UPDATE SET record = excluded.record`, s.Key[:], s.ID[:])
		if err != nil {
			return ledger.Acceptance{}, err
		}
	}
	if err := t.remember(s); err != nil {
		return ledger.Acceptance{}, err
	}
	t.count(nil, &a.Record)
	t.publish(target.Lane)
	if s.Load != 0 {
		t.publish(s.Load)
	}
	return ledger.Acceptance{Record: withoutBodies(a.Record)}, nil
}

// known finds the record of a submission that was handed in before: by its idempotency key, by its row of a load, or
// by its ID.
func (t *tx) known(s ledger.Submission) (ledger.Acceptance, error) {
	if s.Once != nil {
		if known, err := t.once(*s.Once); err != nil || known.Repeated || known.Err != nil {
			return known, err
		}
	}
	var r ledger.Record
	var found bool
	var err error
	if s.Load != 0 && !s.Work.IsZero() {
		r, found, err = t.one(`SELECT `+recordColumns+` FROM records r WHERE r.load = ? AND r.work = ?`, false,
			int64(s.Load), s.Work[:])
	} else {
		r, found, err = t.record(s.ID, false)
	}
	return ledger.Acceptance{Record: r, Repeated: found}, err
}

// owner returns the record that owns a dedupe key, with its result, or nil. Nothing owns the zero key.
func (t *tx) owner(key ledger.Digest) (*ledger.Record, error) {
	if key.IsZero() {
		return nil, nil
	}
	r, found, err := t.one(`SELECT `+recordColumns+`, `+bodyColumns+` FROM keys k
		JOIN records r ON r.id = k.record LEFT JOIN bodies b ON b.record = r.id WHERE k.key = ?`, true, key[:])
	if err != nil || !found {
		return nil, err
	}
	return &r, nil
}

func withoutBodies(r ledger.Record) ledger.Record {
	r.Fields, r.Metadata, r.Result = nil, nil, nil
	return r
}
