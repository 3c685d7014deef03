package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Erase implements [ledger.Eraser]. The database keeps what was overwritten until it is vacuumed, and in its log until that
// is recycled: both are its own doing.
func (s *Store) Erase(ctx context.Context, e ledger.Erasure) (ledger.Erased, error) {
	return ask(ctx, s, "erase", &call{phase: others}, func(t *tx) (ledger.Erased, error) {
		step := eraser{tx: t}
		step.done.Next = e.After
		err := step.all(e)
		return step.done, err
	})
}

// eraser is one step of erasing: it ends after so many records and bodies.
type eraser struct {
	*tx
	gone []ledger.RecordID // whose bodies go at its end
	done ledger.Erased
}

// full reports whether the step has done enough, and notes that there is more.
func (s *eraser) full() bool {
	s.done.More = s.done.More || s.done.Records+s.done.Loose >= pruneBatch
	return s.done.More
}

// The records of a key that are not erased. See records_shared.
const ofKey = `SELECT r.id FROM records r WHERE r.key = $1 AND NOT r.owns AND NOT r.erased UNION ALL
	SELECT r.id FROM keys k JOIN records r ON r.id = k.record WHERE k.key = $1 AND NOT r.erased LIMIT $2`

// The records of a target after one of them, erased ones too.
const ofTarget = `SELECT r.id FROM records r WHERE r.target = $1 AND r.id > $2 ORDER BY r.id LIMIT $3`

// What belongs to no record: the callbacks that a target was sent, and the items of the runs that were followed on a lane.
const (
	dropCallbacks = `DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks WHERE NOT matched AND target = $1 LIMIT $2)`
	emptyItems    = `UPDATE brought SET body = '{}' WHERE (run, n) IN (SELECT b.run, b.n FROM runs r JOIN brought b ON b.run = r.id
		WHERE r.followed AND r.lane = $1 AND length(b.body) > 2 LIMIT $2)`
)

// all erases what there is room for. Records are locked, and changed, before anything is told of any of them.
func (s *eraser) all(e ledger.Erasure) error {
	if err := s.load(needs{records: slices.Clone(e.Records[:min(len(e.Records), pruneBatch)]), keysOf: e.Records}); err != nil {
		return err
	}
	for _, id := range e.Records {
		if err := s.one(id); err != nil {
			return err
		}
	}
	for _, key := range e.Keys {
		if err := s.ofKey(key); err != nil {
			return err
		}
	}
	if e.Target != "" {
		if err := s.ofTarget(e); err != nil {
			return err
		}
	}
	if err := s.empty(); err != nil {
		return err
	}
	return s.others(e)
}

// others erases what belongs to no record.
func (s *eraser) others(e ledger.Erasure) error {
	for _, id := range e.Loose {
		if err := s.loose(id); err != nil {
			return err
		}
	}
	if e.Target != "" {
		if err := s.sweep(dropCallbacks, e.Target); err != nil {
			return err
		}
	}
	if e.Lane == "" {
		return nil
	}
	return s.sweep(emptyItems, string(e.Lane))
}

func (s *eraser) ofKey(key ledger.Digest) error {
	ids, err := s.ids(ofKey, uuid(key), pruneBatch+1)
	if err != nil {
		return err
	}
	_, err = s.withFollowers(ids, nil)
	return err
}

func (s *eraser) ofTarget(e ledger.Erasure) error {
	ids, err := s.ids(ofTarget, text(e.Target), idOf(e.After), pruneBatch)
	if err != nil {
		return err
	}
	more, err := s.withFollowers(ids, func(id ledger.RecordID) { s.done.Next = id })
	s.done.More = s.done.More || more || len(ids) == pruneBatch
	return err
}

// withFollowers erases records, each after those that joined it, which would go on in its place. It tells of each that is
// done with its followers, and whether some are not.
func (s *eraser) withFollowers(ids []ledger.RecordID, whole func(ledger.RecordID)) (more bool, err error) {
	if err := s.load(needs{records: slices.Clone(ids), led: slices.Clone(ids)}); err != nil {
		return false, err
	}
	for _, id := range ids {
		followers, err := s.followers(id)
		if err != nil {
			return false, err
		}
		for _, follower := range append(followers, id) {
			if s.full() {
				return true, nil
			}
			if err := s.one(follower); err != nil {
				return false, err
			}
		}
		if whole != nil {
			whole(id)
		}
	}
	return false, nil
}

// one gives one record up, unless the step is over.
func (s *eraser) one(id ledger.RecordID) error {
	r, err := s.record(id, false)
	if err != nil || !r.found || r.Erased || s.full() {
		return err
	}
	before := r.Record
	target, _ := s.catalog.Target(r.Target)
	c, err := ledger.Decide(target, before, ledger.Erase{})
	if err != nil {
		return err
	}
	if err := s.change(target, r, c, way{}); err != nil {
		return err
	}
	r.Erased, r.CallbackURL, r.dirty = true, "", true
	s.done.Add(before, c)
	s.gone = append(s.gone, id)
	return nil
}

// empty removes the bodies of the records that were given up, the submitter's metadata too.
func (s *eraser) empty() error {
	if len(s.gone) == 0 {
		return nil
	}
	if err := s.write(); err != nil {
		return err
	}
	s.posts = slices.DeleteFunc(s.posts, func(d ledger.Delivery) bool { return slices.Contains(s.gone, d.Record) }) // nothing is left to tell
	if err := s.erase(s.gone); err != nil {
		return err
	}
	_, err := s.exec(`DELETE FROM bodies WHERE record = ANY($1)`, uuids(s.gone))
	return err
}

// loose erases a body that belongs to no record, unless the step is over.
func (s *eraser) loose(id ledger.LooseID) error {
	if s.full() {
		return nil
	}
	query, args := `DELETE FROM callbacks WHERE id = $1 AND NOT matched`, []any{id.N}
	if id.Run != 0 {
		query, args = `UPDATE brought SET body = '{}' WHERE run = $1 AND n = $2 AND length(body) > 2`, []any{int64(id.Run), id.N}
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
	n, err := s.exec(query, text(of), pruneBatch)
	s.done.Loose += int(n)
	s.done.More = s.done.More || n == pruneBatch
	return err
}

// Loose implements [ledger.Eraser].
func (s *Store) Loose(ctx context.Context, after ledger.LooseID, max int) ([]ledger.Loose, error) {
	var all []ledger.Loose
	if after.Run == 0 {
		callbacks, err := read(ctx, s, `SELECT 0::bigint, id, target, '', body FROM callbacks WHERE NOT matched AND id > $1 ORDER BY id LIMIT $2`,
			[]any{after.N, max}, scanLoose)
		if err != nil {
			return nil, s.wrap("read", err)
		}
		all, after = callbacks, ledger.LooseID{}
	}
	if len(all) == max {
		return all, nil
	}
	items, err := read(ctx, s, `SELECT b.run, b.n, '', r.lane, b.body FROM brought b JOIN runs r ON r.id = b.run
		WHERE (b.run, b.n) > ($1, $2) ORDER BY b.run, b.n LIMIT $3`, []any{int64(after.Run), after.N, max - len(all)}, scanLoose)
	return append(all, items...), s.wrap("read", err)
}

func scanLoose(row pgx.Rows) (l ledger.Loose, err error) {
	err = row.Scan(&l.ID.Run, &l.ID.N, &l.Target, &l.Lane, &l.Body)
	return l, err
}
