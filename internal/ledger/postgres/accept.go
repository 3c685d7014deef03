package postgres

import (
	"context"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Accept implements [ledger.Intake]. When the server's answer to a commit is lost the submissions are handed in again,
// which tells: those that are known by their ID were kept.
func (s *Store) Accept(ctx context.Context, in []ledger.Submission) ([]ledger.Acceptance, error) {
	c := &call{phase: accepting, again: true, need: func(n *needs) { n.submissions(in) }}
	return ask(ctx, s, "accept", c, func(t *tx) ([]ledger.Acceptance, error) {
		got := make([]ledger.Acceptance, len(in))
		for i := range in {
			var err error
			if got[i], err = t.accept(&in[i]); err != nil {
				return nil, err
			}
			if c.unknown && got[i].Record.ID == in[i].ID {
				got[i].Repeated = false // it was stored by the try whose commit was not known
			}
		}
		return got, nil
	})
}

// submissions adds what some submissions need.
func (n *needs) submissions(in []ledger.Submission) {
	for i := range in {
		s := &in[i]
		n.records = append(n.records, s.ID)
		if !s.Key.IsZero() {
			n.keys = append(n.keys, s.Key)
		}
		if s.Load != 0 && !s.Work.IsZero() {
			n.works = append(n.works, work{s.Load, s.Work})
		}
		if s.Once != nil {
			n.onces = append(n.onces, s.Once.Key)
		}
	}
}

// previewBatch is how many rows of a preview are looked up together.
const previewBatch = 500

// Preview implements [ledger.Intake]. It accepts in a transaction of its own that locks nothing and writes nothing, so that
// nobody waits for it: what its rows would become it keeps in memory, with the input of those that others may join.
func (s *Store) Preview(ctx context.Context, in iter.Seq[ledger.Submission], tell func(ledger.Acceptance)) error {
	return s.alone(ctx, "preview", func(t *tx) error {
		t.dry = true
		var batch []ledger.Submission
		look := func() error {
			var n needs
			n.submissions(batch)
			if err := t.load(n); err != nil {
				return err
			}
			for i := range batch {
				a, err := t.accept(&batch[i])
				if err != nil {
					return err
				}
				t.forget(&batch[i])
				tell(a)
			}
			batch = batch[:0]
			return nil
		}
		for sub := range in {
			if batch = append(batch, sub); len(batch) == previewBatch {
				if err := look(); err != nil {
					return err
				}
			}
		}
		return look()
	})
}

// forget drops what nothing later in a preview asks for.
func (t *tx) forget(s *ledger.Submission) {
	if r := t.records[s.ID]; r != nil && r.Key.IsZero() {
		r.Fields, r.Metadata, r.Result = nil, nil, nil
	}
	t.posts, t.notices = nil, nil
	clear(t.topics)
}

// accept stores one submission, unless it is known.
func (t *tx) accept(s *ledger.Submission) (ledger.Acceptance, error) {
	if known, err := t.known(s); err != nil || known.Repeated || known.Err != nil {
		if err == nil {
			err = t.want(s.Load, known.Record)
		}
		return known, err
	}
	target, ok := t.catalog.Target(s.Target)
	if !ok {
		return t.withoutTarget(s)
	}
	owns, err := t.owner(s.Key)
	if err != nil {
		return ledger.Acceptance{}, err
	}
	var of *ledger.Record
	if owns != nil {
		of = &owns.Record
	}
	a := ledger.Admit(target, of, *s)
	if known, err := t.repeated(s); err != nil || known.Repeated { // also when it was accepted under other rules
		return known, err
	}
	if a.Err == nil && a.Record.State == ledger.Queued {
		if a.Err, err = t.refusal(target, s.APIKey); err != nil {
			return ledger.Acceptance{}, err
		}
	}
	if a.Err != nil {
		return ledger.Acceptance{Err: a.Err}, nil
	}
	a.Record.CreatedAt = t.now
	if a.Record.State == ledger.Done {
		a.Record.DoneAt = t.now
	}
	t.add(&a, s.Work)
	if err := t.admit(&a, s); err != nil {
		return ledger.Acceptance{}, err
	}
	t.count(nil, &a.Record)
	t.account(target, nil, &a.Record)
	t.announce(ledger.NoticeOf(a.Notice(), a.Record))
	t.post(target.Deliveries(a.Notice(), a.Record))
	t.publish(target.Lane)
	if s.Load != 0 {
		t.publish(s.Load)
	}
	return ledger.Acceptance{Record: a.Record.WithoutBodies(), Differs: a.Differs}, nil
}

// admit does what an admission means beside its own record.
func (t *tx) admit(a *ledger.Admission, s *ledger.Submission) error {
	r := t.records[s.ID]
	if s.Load != 0 && !s.Work.IsZero() {
		t.works[work{s.Load, s.Work}] = s.ID
	}
	if a.Owns {
		if err := t.own(r); err != nil {
			return err
		}
	}
	if a.Raise {
		leader := t.records[a.Record.Leader]
		leader.Priority, leader.dirty = s.Priority, true
	}
	if a.Record.State == ledger.Joined {
		if err := t.want(s.Load, a.Record); err != nil {
			return err
		}
	}
	t.remember(s)
	return nil
}

// want makes a record, or the one that it joined, one that a load's claims give out: a run that claims for one load
// waits for what its rows joined in another.
func (t *tx) want(load ledger.LoadID, r ledger.Record) error {
	if load == 0 || r.ID.IsZero() || r.State.Terminal() {
		return nil
	}
	id := r.ID
	if r.State == ledger.Joined {
		id = r.Leader
	}
	wanted, err := t.record(id, false)
	if err == nil && wanted.found && wanted.wantedBy != load {
		wanted.wantedBy, wanted.dirty = load, true
	}
	return err
}

// repeated finds the record of a submission whose ID is known.
func (t *tx) repeated(s *ledger.Submission) (ledger.Acceptance, error) {
	r, err := t.record(s.ID, false)
	if err != nil || !r.found {
		return ledger.Acceptance{}, err
	}
	return ledger.Acceptance{Record: r.Record.WithoutBodies(), Repeated: true}, t.want(s.Load, r.Record)
}

// withoutTarget answers a submission whose target is not configured: it may have been accepted when it was.
func (t *tx) withoutTarget(s *ledger.Submission) (ledger.Acceptance, error) {
	known, err := t.repeated(s)
	if err == nil && !known.Repeated {
		err = &ledger.Error{Kind: ledger.NotFound, Op: "accept", Message: "there is no target " + s.Target}
	}
	return known, err
}

// work names a row of a load.
type work struct {
	load ledger.LoadID
	work ledger.Digest
}

// loadWorks has those rows of loads looked for that were not yet, and returns them in two columns.
func (t *tx) loadWorks(b *pgx.Batch, wanted []work) (loads []int64, works []ledger.Digest) {
	for _, w := range wanted {
		if _, asked := t.works[w]; !asked {
			t.works[w] = ledger.RecordID{}
			loads, works = append(loads, int64(w.load)), append(works, w.work)
		}
	}
	if len(works) > 0 {
		t.queue(b, `SELECT r.load, r.work, r.id FROM unnest($1::bigint[], $2::uuid[]) AS u (load, work)
			JOIN records r ON r.load = u.load AND r.work = u.work`, []any{loads, uuids(works)}, t.readWork)
	}
	return loads, works
}

func (t *tx) readWork(from pgx.Rows) error {
	var w work
	var id ledger.RecordID
	err := from.Scan(&w.load, (*[16]byte)(&w.work), (*[16]byte)(&id))
	t.works[w] = id
	return err
}

// known finds the record of a submission that was handed in before: by its idempotency key or by its row of a load.
func (t *tx) known(s *ledger.Submission) (ledger.Acceptance, error) {
	if s.Once != nil {
		if known, err := t.once(*s.Once); err != nil || known.Repeated || known.Err != nil {
			return known, err
		}
	}
	if s.Load == 0 || s.Work.IsZero() {
		return ledger.Acceptance{}, nil
	}
	w := work{s.Load, s.Work}
	if _, asked := t.works[w]; !asked {
		if err := t.load(needs{works: []work{w}}); err != nil {
			return ledger.Acceptance{}, err
		}
	}
	id := t.works[w]
	if id.IsZero() {
		return ledger.Acceptance{}, nil
	}
	r, err := t.record(id, false)
	if err != nil || !r.found {
		return ledger.Acceptance{}, err
	}
	return ledger.Acceptance{Record: r.Record.WithoutBodies(), Repeated: true}, nil
}
