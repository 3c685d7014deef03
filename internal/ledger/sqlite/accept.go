package sqlite

import (
	"context"
	"errors"
	"iter"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// Accept implements [ledger.Intake].
func (s *Store) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	out := make([]ledger.Acceptance, len(in))
	err := s.do(ctx, "accept", func(t *tx) error {
		got := make([]ledger.Acceptance, len(in)) // a call that gave up may still run: it must not write to out
		for i := range in {
			var err error
			if got[i], err = t.accept(&in[i]); err != nil {
				return err
			}
		}
		copy(out, got)
		return nil
	})
	if err != nil {
		return nil, err
	}
	crash.Point(crash.Taken)
	return out, nil
}

// Preview implements [ledger.Intake]: it accepts and rolls back. The rows are read once, also when the transaction is
// run again for the sake of the calls that share it; and nothing is told once Preview has returned, which is why the
// context ends the reading and not the wait.
func (s *Store) Preview(ctx context.Context, in iter.Seq[ledger.Submission], tell func(ledger.Acceptance)) error {
	var ran bool
	var failed error
	return s.do(context.WithoutCancel(ctx), "preview", func(t *tx) error {
		if !ran {
			ran, failed = true, t.preview(ctx, in, tell)
		}
		return failed
	})
}

func (t *tx) preview(ctx context.Context, in iter.Seq[ledger.Submission], tell func(ledger.Acceptance)) error {
	if _, err := t.exec(`SAVEPOINT preview`); err != nil {
		return err
	}
	look := *t // what it gathers is dropped with it
	look.counts, look.topics = map[scope]ledger.Counts{}, map[any]struct{}{}
	look.lanes, look.breakers = map[ledger.LaneID]*laneRow{}, map[string]*breakerRow{}
	look.spans, look.usage = map[span]struct{}{}, map[ledger.UsageOf]ledger.Usage{}
	for sub := range in {
		if err := ctx.Err(); err != nil {
			return err
		}
		acceptance, err := look.accept(&sub)
		if err != nil {
			return err
		}
		tell(acceptance)
	}
	if _, err := t.exec(`ROLLBACK TO preview`); err != nil {
		return err
	}
	_, err := t.exec(`RELEASE preview`)
	return err
}

// accept stores one submission, unless it is known.
func (t *tx) accept(s *ledger.Submission) (ledger.Acceptance, error) {
	if known, err := t.known(s); err != nil || known.Repeated || known.Err != nil {
		return known, errors.Join(err, t.want(s.Load, known.Record))
	}
	target, ok := t.catalog.Target(s.Target)
	if !ok {
		return t.withoutTarget(s)
	}
	owner, err := t.owner(s.Key)
	if err != nil {
		return ledger.Acceptance{}, err
	}
	a := ledger.Admit(target, owner, *s)
	if a.Err == nil && a.Record.State == ledger.Queued {
		if a.Err, err = t.refusal(s.Target, s.APIKey); err != nil {
			return ledger.Acceptance{}, err
		}
	}
	if a.Err != nil { // unless it was accepted before, under other rules
		if known, err := t.repeated(s, nil); err != nil || known.Repeated {
			return known, err
		}
		return ledger.Acceptance{Err: a.Err}, nil
	}
	a.Record.CreatedAt = t.now
	if a.Record.State == ledger.Done {
		a.Record.DoneAt = t.now
	}
	if a.Owns && owner != nil {
		if err := t.disown(s.Key); err != nil {
			return ledger.Acceptance{}, err
		}
	}
	if fresh, err := t.insert(&a, s.Work); err != nil || !fresh {
		return t.repeated(s, err)
	}
	if err := t.admit(&a, s); err != nil {
		return ledger.Acceptance{}, err
	}
	t.count(nil, &a.Record)
	t.account(target, nil, &a.Record)
	if err := t.announce(ledger.NoticeOf(a.Notice(), a.Record)); err != nil {
		return ledger.Acceptance{}, err
	}
	if err := t.post(target.Deliveries(a.Notice(), a.Record)); err != nil {
		return ledger.Acceptance{}, err
	}
	t.publish(target.Lane)
	if s.Load != 0 {
		t.publish(s.Load)
	}
	return ledger.Acceptance{Record: a.Record.WithoutBodies(), Differs: a.Differs}, nil
}

// admit writes what an admission means beside its own record.
func (t *tx) admit(a *ledger.Admission, s *ledger.Submission) error {
	if a.Owns {
		if err := t.own(s.Key, s.ID); err != nil {
			return err
		}
	}
	if a.Raise {
		if _, err := t.exec(`UPDATE records SET priority = ? WHERE id = ?`, s.Priority, a.Record.Leader[:]); err != nil {
			return err
		}
	}
	if a.Record.State == ledger.Joined {
		if err := t.want(s.Load, a.Record); err != nil {
			return err
		}
	}
	return t.remember(s)
}

// want makes a record, or the one that it joined, one that a load's claims give out: a run that claims for one load
// waits for what its rows joined in another.
func (t *tx) want(load ledger.LoadID, r ledger.Record) error {
	if load == 0 || r.State.Terminal() {
		return nil
	}
	id := r.ID
	if r.State == ledger.Joined {
		id = r.Leader
	}
	_, err := t.exec(`UPDATE records SET wanted_by = ? WHERE id = ? AND wanted_by <> ?`, int64(load), id[:], int64(load))
	return err
}

// disown takes a key from the record that owns it.
func (t *tx) disown(key ledger.Digest) error {
	_, err := t.exec(`UPDATE records SET owns = 0 WHERE id = (SELECT record FROM keys WHERE key = ?)`, key[:])
	return err
}

// takeOver makes a record the owner of its key in place of whichever it was.
func (t *tx) takeOver(r ledger.Record) error {
	if err := t.disown(r.Key); err != nil {
		return err
	}
	if _, err := t.exec(`UPDATE records SET owns = 1 WHERE id = ?`, r.ID[:]); err != nil {
		return err
	}
	return t.own(r.Key, r.ID)
}

// own makes a record the one that others with its key join or are answered from.
func (t *tx) own(key ledger.Digest, id ledger.RecordID) error {
	_, err := t.exec(`INSERT INTO keys (key, record) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET record = excluded.record`, key[:], id[:])
	return err
}

// repeated finds the record of a submission whose ID is known, unless there was an error.
func (t *tx) repeated(s *ledger.Submission, err error) (ledger.Acceptance, error) {
	if err != nil {
		return ledger.Acceptance{}, err
	}
	r, found, err := t.record(s.ID, false)
	if err == nil && found {
		err = t.want(s.Load, r)
	}
	return ledger.Acceptance{Record: r, Repeated: found}, err
}

// withoutTarget answers a submission whose target is not configured: it may have been accepted when it was.
func (t *tx) withoutTarget(s *ledger.Submission) (ledger.Acceptance, error) {
	known, err := t.repeated(s, nil)
	if err == nil && !known.Repeated {
		err = &ledger.Error{Kind: ledger.NotFound, Op: "accept", Message: "there is no target " + s.Target}
	}
	return known, err
}

// known finds the record of a submission that was handed in before: by its idempotency key or by its row of a load.
// Whether its ID is known shows when it is stored.
func (t *tx) known(s *ledger.Submission) (ledger.Acceptance, error) {
	if s.Once != nil {
		if known, err := t.once(*s.Once); err != nil || known.Repeated || known.Err != nil {
			return known, err
		}
	}
	if s.Load == 0 || s.Work.IsZero() {
		return ledger.Acceptance{}, nil
	}
	r, found, err := t.one(`SELECT `+recordColumns+` FROM records r WHERE r.load = ? AND r.work = ?`, false,
		int64(s.Load), s.Work[:])
	return ledger.Acceptance{Record: r, Repeated: found}, err
}

// owner returns the record that owns a dedupe key, with its result, or nil. Nothing owns the zero key.
func (t *tx) owner(key ledger.Digest) (*ledger.Record, error) {
	if key.IsZero() {
		return nil, nil
	}
	var id []byte
	found, err := t.row(`SELECT record FROM keys WHERE key = ?`, []any{key[:]}, &id)
	if err != nil || !found {
		return nil, err
	}
	r, found, err := t.record(ledger.RecordID(id), true)
	if err != nil || !found {
		return nil, err
	}
	return &r, nil
}
