package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Erase implements [ledger.Eraser].
func (s *Store) Erase(ctx context.Context, e ledger.Erasure) (ledger.Erased, error) {
	got := make(chan ledger.Erased, 1) // see Claim
	err := s.do(ctx, "erase", func(t *tx) error {
		until := time.Now().Add(pruneTime)
		step := eraser{tx: t, late: func() bool { return time.Now().After(until) }}
		step.done.Next = e.After
		err := step.all(e)
		select {
		case <-got:
		default:
		}
		got <- step.done
		return err
	})
	if err != nil {
		return ledger.Erased{}, err
	}
	done := <-got
	if done.Records+done.Loose > 0 {
		s.pruned.Store(true)
	}
	if !done.More {
		err = s.forget(ctx, "erase")
	}
	return done, err
}

// eraser is one step of erasing: it ends after so many records, or when its time is over.
type eraser struct {
	*tx
	late func() bool // its time is over
	done ledger.Erased
}

// full reports whether the step has done enough, and notes that there is more.
func (s *eraser) full() bool {
	did := s.done.Records + s.done.Loose
	if did >= pruneBatch || did > 0 && s.late() {
		s.done.More = true
	}
	return s.done.More
}

// The records of a key that are not erased. See records_shared.
const ofKey = `SELECT r.id FROM records r WHERE r.key = ?1 AND r.owns = 0 AND r.erased = 0 UNION ALL
	SELECT r.id FROM keys k CROSS JOIN records r ON r.id = k.record WHERE k.key = ?1 AND r.erased = 0 LIMIT ?2`

// The records of a target after one of them, erased ones too.
const ofTarget = `SELECT r.id FROM ` + bySpan + ` WHERE s.target = ?1 AND s.last > ?2 AND r.target = ?1 AND r.id > ?2
	ORDER BY s.first, r.id LIMIT ?3`

// What belongs to no record: the callbacks that a target was sent, and the items of the runs that were followed on a lane.
const (
	dropCallbacks = `DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks WHERE matched = 0 AND target = ? LIMIT ?)`
	emptyItems    = `UPDATE brought SET body = x'7b7d' WHERE rowid IN (SELECT b.rowid FROM runs r JOIN brought b ON b.run = r.id
		WHERE r.followed = 1 AND r.lane = ? AND length(b.body) > 2 LIMIT ?)`
)

// all erases what there is time for.
func (s *eraser) all(e ledger.Erasure) error {
	var errs []error
	for _, id := range e.Records {
		if !s.full() {
			errs = append(errs, s.record(id))
		}
	}
	for _, key := range e.Keys {
		errs = append(errs, s.ofKey(key))
	}
	for _, id := range e.Loose {
		errs = append(errs, s.loose(id))
	}
	if e.Target != "" {
		errs = append(errs, s.ofTarget(e), s.sweep(dropCallbacks, e.Target))
	}
	if e.Lane != "" {
		errs = append(errs, s.sweep(emptyItems, string(e.Lane)))
	}
	return errors.Join(errs...)
}

func (s *eraser) ofKey(key ledger.Digest) error {
	ids, err := s.ids(ofKey, key[:], pruneBatch+1)
	for _, id := range ids {
		if err != nil || s.full() {
			return err
		}
		_, err = s.withFollowers(id)
	}
	return err
}

func (s *eraser) ofTarget(e ledger.Erasure) error {
	ids, err := s.ids(ofTarget, e.Target, e.After[:], pruneBatch)
	for _, id := range ids {
		if err != nil || s.full() {
			return err
		}
		var whole bool
		if whole, err = s.withFollowers(id); whole {
			s.done.Next = id
		}
	}
	s.done.More = s.done.More || len(ids) == pruneBatch
	return err
}

// withFollowers erases a record after those that joined it, which would go on in its place. It tells whether all of it is done.
func (s *eraser) withFollowers(id ledger.RecordID) (whole bool, err error) {
	followers, err := s.ids(`SELECT id FROM records WHERE leader = ? AND erased = 0`, id[:])
	for _, follower := range followers {
		if err != nil || s.full() {
			return false, err
		}
		err = s.record(follower)
	}
	if err != nil || s.full() {
		return false, err
	}
	return true, s.record(id)
}

// record erases one record. Whether the step is over is for its caller to ask, once: what is passed over must not be taken for
// done.
func (s *eraser) record(id ledger.RecordID) error {
	before, found, err := s.tx.record(id, false)
	if err != nil || !found || before.Erased {
		return err
	}
	target, _ := s.catalog.Target(before.Target)
	c, err := ledger.Decide(target, before, ledger.Erase{})
	if err != nil {
		return err
	}
	if err := s.write(target, before, c, way{}); err != nil {
		return err
	}
	if err := s.erase(id); err != nil {
		return err
	}
	s.done.Add(before, c)
	_, err = s.exec(`DELETE FROM bodies WHERE record = ?`, id[:]) // the submitter's metadata too
	return err
}

// loose erases a body that belongs to no record, unless the step is over.
func (s *eraser) loose(id ledger.LooseID) error {
	if s.full() {
		return nil
	}
	query, args := `DELETE FROM callbacks WHERE id = ? AND matched = 0`, []any{id.N}
	if id.Run != 0 {
		query, args = `UPDATE brought SET body = x'7b7d' WHERE run = ? AND n = ? AND length(body) > 2`, []any{int64(id.Run), id.N}
	}
	n, err := s.exec(query, args...)
	s.done.Loose += int(n)
	return err
}

// sweep erases what belongs to no record, as much as a step may.
func (s *eraser) sweep(query, of string) error {
	if s.full() {
		return nil
	}
	n, err := s.exec(query, of, pruneBatch)
	s.done.Loose += int(n)
	s.done.More = s.done.More || n == pruneBatch
	return err
}

// Loose implements [ledger.Eraser].
func (s *Store) Loose(ctx context.Context, after ledger.LooseID, max int) ([]ledger.Loose, error) {
	var all []ledger.Loose
	if after.Run == 0 {
		callbacks, err := s.looseOf(ctx, `SELECT 0, id, target, '', body FROM callbacks WHERE matched = 0 AND id > ? ORDER BY id LIMIT ?`, after.N, max)
		if err != nil {
			return nil, err
		}
		all, after = callbacks, ledger.LooseID{}
	}
	if len(all) == max {
		return all, nil
	}
	items, err := s.looseOf(ctx, `SELECT b.run, b.n, '', r.lane, b.body FROM brought b JOIN runs r ON r.id = b.run
		WHERE (b.run, b.n) > (?, ?) ORDER BY b.run, b.n LIMIT ?`, int64(after.Run), after.N, max-len(all))
	return append(all, items...), err
}

func (s *Store) looseOf(ctx context.Context, query string, args ...any) ([]ledger.Loose, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.wrap("read", err)
	}
	defer rows.Close()
	var all []ledger.Loose
	for rows.Next() {
		var l ledger.Loose
		if err := rows.Scan(&l.ID.Run, &l.ID.N, &l.Target, &l.Lane, &l.Body); err != nil {
			return nil, s.wrap("read", err)
		}
		all = append(all, l)
	}
	return all, s.wrap("read", rows.Err())
}
