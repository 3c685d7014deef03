package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// A step of pruning does so much at most, and takes so long: the writer's other callers wait for it.
const (
	pruneBatch = 50
	pruneTime  = 8 * time.Millisecond
)

// The records that a step erases and removes, those first that ended first.
const (
	toErase  = `SELECT id FROM records WHERE erased = 0 AND ended_at <= ? ORDER BY ended_at LIMIT ?`
	toRemove = `SELECT id FROM records WHERE erased = 1 AND ended_at <= ? ORDER BY ended_at LIMIT ?`
)

// Prune implements [ledger.Keeper]. What it removes is overwritten in the file; once there is no more the log is emptied
// too, because it holds copies of what was there.
func (s *Store) Prune(ctx context.Context, r ledger.Retention) (ledger.Pruned, error) {
	got := make(chan ledger.Pruned, 1) // see Claim
	err := s.do(ctx, "prune", func(t *tx) error {
		pruned, err := t.prune(r.Normal())
		select {
		case <-got:
		default:
		}
		got <- pruned
		if pruned != (ledger.Pruned{}) {
			crash.Point(crash.Pruning)
		}
		return err
	})
	if err != nil {
		return ledger.Pruned{}, err
	}
	pruned := <-got
	if pruned != (ledger.Pruned{}) {
		s.pruned.Store(true)
	}
	if !pruned.More {
		if err = s.forget(ctx, "prune"); ledger.KindOf(err) == ledger.Busy {
			err = nil // the next time will do
		}
	}
	return pruned, err
}

// forget empties the log of what was erased. Kind Busy when somebody reads it for too long.
func (s *Store) forget(ctx context.Context, op string) error {
	if !s.pruned.CompareAndSwap(true, false) {
		return nil
	}
	emptied, err := s.emptyLog(ctx)
	if err != nil || !emptied {
		s.pruned.Store(true) // whoever is next tries again
	}
	if err == nil && !emptied {
		return &ledger.Error{
			Kind: ledger.Busy, Op: op, Message: "the log still holds what was erased, because somebody is reading it",
			Hint: "ask for the same again: only the log is left to empty",
		}
	}
	return s.wrap(op, s.failed(op, err))
}

// emptyLog writes the log back and cuts it off, and tells whether it could. It waits for readers, and writers for it, so it is
// for idle times.
func (s *Store) emptyLog(ctx context.Context) (emptied bool, err error) {
	var busy, log, moved int
	err = s.checkpoint.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved)
	return busy == 0, err
}

// prune does one step. A record is erased first and removed later, so that each is found by an index.
func (t *tx) prune(r ledger.Retention) (p ledger.Pruned, err error) {
	until := time.Now().Add(pruneTime)
	bodies, metadata := micros(t.now.Add(-r.Bodies)), micros(t.now.Add(-r.Metadata))
	if p.Bodies, err = t.each(until, t.erase, toErase, bodies); err != nil {
		return p, err
	}
	if p.Records, err = t.each(until, t.remove, toRemove, metadata); err != nil {
		return p, err
	}
	most := 0
	for _, sweep := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks WHERE matched = 0 AND received_at <= ? LIMIT ?)`,
			[]any{bodies, pruneBatch}},
		{`DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE expires_at <= ? LIMIT ?)`,
			[]any{micros(t.now), pruneBatch}},
		{`DELETE FROM brought WHERE rowid IN (SELECT b.rowid FROM runs r JOIN brought b ON b.run = r.id WHERE r.followed = 1
			AND r.ended_at <= ? LIMIT ?)`,
			[]any{bodies, pruneBatch}},
		{`DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE ended_at <= ? AND NOT EXISTS (SELECT 1 FROM brought WHERE run = runs.id)
			ORDER BY ended_at LIMIT ?)`,
			[]any{metadata, pruneBatch}},
		{`DELETE FROM audit WHERE seq IN (SELECT seq FROM audit ORDER BY seq LIMIT ?) AND at <= ?`, []any{pruneBatch, micros(t.now.Add(-r.Audit))}},
		// The newest one stays: it says where the numbers are.
		{`DELETE FROM notices WHERE seq IN (SELECT seq FROM notices ORDER BY seq LIMIT ?)
			AND at <= ? AND seq < (SELECT max(seq) FROM notices)`, []any{pruneBatch, micros(t.now.Add(-ledger.NoticeRetention))}},
	} {
		n, err := t.exec(sweep.query, sweep.args...)
		if err != nil {
			return p, err
		}
		p.Others += int(n)
		most = max(most, int(n))
	}
	p.More = max(p.Bodies, p.Records, most) >= pruneBatch || time.Now().After(until)
	return p, nil
}

// each does something to the records that a query finds, until the time is over.
func (t *tx) each(until time.Time, do func(ledger.RecordID) error, query string, before int64) (n int, err error) {
	ids, err := t.ids(query, before, pruneBatch)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if n > 0 && time.Now().After(until) {
			return n, nil
		}
		if err := do(id); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// erase removes what a record says of people, and leaves what happened to it.
func (t *tx) erase(id ledger.RecordID) error {
	var errs []error
	for _, query := range []string{
		`DELETE FROM bodies WHERE record = ? AND metadata IS NULL`,
		`UPDATE bodies SET fields = NULL WHERE record = ?`,
		`DELETE FROM results WHERE record = ?`,
		`DELETE FROM callbacks WHERE record = ?`,
		`UPDATE attempts SET excerpt = '' WHERE record = ?`,
		`UPDATE records SET erased = 1, callback_url = '' WHERE id = ?`,
	} {
		_, err := t.exec(query, id[:])
		errs = append(errs, err)
	}
	return errors.Join(append(errs, t.withdraw(id))...)
}

// remove forgets an erased record.
func (t *tx) remove(id ledger.RecordID) error {
	r, found, err := t.record(id, false)
	if err != nil || !found {
		return err
	}
	t.uncount(&r)
	var errs []error
	for _, query := range []string{
		`DELETE FROM keys WHERE record = ?1 AND key = (SELECT key FROM records WHERE id = ?1)`,
		`DELETE FROM bodies WHERE record = ?1`,
		`DELETE FROM results WHERE record = ?1`,
		`DELETE FROM attempts WHERE record = ?1`,
		`DELETE FROM callbacks WHERE record = ?1`,
		`DELETE FROM records WHERE id = ?1`,
	} {
		_, err := t.exec(query, id[:])
		errs = append(errs, err)
	}
	return errors.Join(append(errs, t.dropSpan(spanOf(&r)))...)
}

// uncount takes a record out of the counts.
func (t *tx) uncount(r *ledger.Record) {
	t.countIn(scope{target: r.Target}, r, nil)
	if r.Load != 0 {
		t.countIn(scope{load: r.Load}, r, nil)
	}
}
