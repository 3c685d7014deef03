package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// pruneBatch is how much of each sort a step of pruning does at most: the replica's other callers wait for it.
const pruneBatch = 50

// The records that a step erases and removes, those first that ended first. Replicas that prune at the same time pass over
// each other's.
const (
	toErase  = `SELECT id FROM records WHERE NOT erased AND ended_at <= $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED`
	toRemove = `SELECT id FROM records WHERE erased AND ended_at <= $1 ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED`
)

// Prune implements [ledger.Keeper].
func (s *Store) Prune(ctx context.Context, r ledger.Retention) (ledger.Pruned, error) {
	return ask(ctx, s, "prune", &call{phase: others}, func(t *tx) (ledger.Pruned, error) { return t.prune(r.Normal()) })
}

// prune does one step. A record is erased first and removed later, so that each is found by an index.
func (t *tx) prune(r ledger.Retention) (p ledger.Pruned, err error) {
	bodies, metadata := micros(t.now.Add(-r.Bodies)), micros(t.now.Add(-r.Metadata))
	if p.Bodies, err = t.each(toErase, bodies, t.erase); err != nil {
		return p, err
	}
	if p.Records, err = t.each(toRemove, metadata, t.remove); err != nil {
		return p, err
	}
	most := 0
	for _, sweep := range []struct {
		query  string
		before int64
	}{
		{`DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks WHERE NOT matched AND received_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)`, bodies},
		{`DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE expires_at <= $1 ORDER BY key LIMIT $2 FOR UPDATE SKIP LOCKED)`, micros(t.now)},
		{`DELETE FROM brought WHERE (run, n) IN (SELECT b.run, b.n FROM runs r JOIN brought b ON b.run = r.id WHERE r.followed AND r.ended_at <= $1
			ORDER BY b.run, b.n LIMIT $2 FOR UPDATE OF b SKIP LOCKED)`, bodies},
		{`DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE ended_at <= $1 AND NOT EXISTS (SELECT 1 FROM brought WHERE run = runs.id) ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, metadata},
		{`DELETE FROM audit WHERE seq IN (SELECT seq FROM audit ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED) AND at <= $1`, micros(t.now.Add(-r.Audit))},
		// The newest one stays: it says where the numbers are.
		{`DELETE FROM notices WHERE seq IN (SELECT seq FROM notices ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED)
			AND at <= $1 AND seq < (SELECT max(seq) FROM notices)`, micros(t.now.Add(-ledger.NoticeRetention))},
	} {
		n, err := t.exec(sweep.query, sweep.before, pruneBatch)
		if err != nil {
			return p, err
		}
		p.Others += int(n)
		most = max(most, int(n))
	}
	p.More = max(p.Bodies, p.Records, most) >= pruneBatch
	return p, nil
}

// each does something to the records that a query finds.
func (t *tx) each(query string, before int64, do func([]ledger.RecordID) error) (n int, err error) {
	ids, err := t.ids(query, before, pruneBatch)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), do(ids)
}

// erase removes what records say of people, and leaves what happened to them.
func (t *tx) erase(ids []ledger.RecordID) error {
	b := t.batch()
	for _, query := range []string{
		`DELETE FROM bodies WHERE record = ANY($1) AND metadata IS NULL`,
		`UPDATE bodies SET fields = NULL WHERE record = ANY($1)`,
		`DELETE FROM results WHERE record = ANY($1)`,
		`DELETE FROM callbacks WHERE record = ANY($1)`,
		`UPDATE attempts SET excerpt = '' WHERE record = ANY($1) AND excerpt <> ''`,
		`UPDATE records SET erased = true, callback_url = '' WHERE id = ANY($1)`,
	} {
		b.Queue(query, uuids(ids))
	}
	if err := t.send(b); err != nil {
		return err
	}
	t.drop(ids)
	return t.withdraw(ids)
}

// drop forgets what was read of records that were changed without it.
func (t *tx) drop(ids []ledger.RecordID) {
	for _, id := range ids {
		delete(t.records, id)
	}
}

// withdraw forgets what was to be told of records that are erased. Where it was such a delivery's turn, it is the next one's.
func (t *tx) withdraw(ids []ledger.RecordID) error {
	told, err := t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE record = ANY($1)`, uuids(ids))
	if err != nil || len(told) == 0 {
		return err
	}
	if _, err := t.exec(lockTelling); err != nil {
		return err
	}
	places := make([]place, len(told))
	for i, p := range told {
		places[i] = placeOf(p.Delivery)
	}
	o, err := t.open(places, ids)
	if err != nil {
		return err
	}
	for at, rows := range o.rows {
		turn := false
		for _, p := range rows {
			if slices.Contains(ids, p.Record) {
				p.gone, turn = true, turn || p.due.Valid
			}
		}
		if turn {
			o.next(at)
		}
	}
	return o.write()
}

// remove forgets erased records.
func (t *tx) remove(ids []ledger.RecordID) error {
	if err := t.load(needs{records: slices.Clone(ids)}); err != nil {
		return err
	}
	var keys []pgtype.UUID
	for _, id := range ids {
		r := t.records[id]
		t.count(&r.Record, nil)
		if r.owns {
			keys = append(keys, uuid(r.Key))
		}
	}
	b := t.batch()
	b.Queue(`DELETE FROM keys WHERE key = ANY($1) AND record = ANY($2)`, keys, uuids(ids))
	for _, query := range []string{
		`DELETE FROM bodies WHERE record = ANY($1)`,
		`DELETE FROM results WHERE record = ANY($1)`,
		`DELETE FROM attempts WHERE record = ANY($1)`,
		`DELETE FROM callbacks WHERE record = ANY($1)`,
		`DELETE FROM records WHERE id = ANY($1)`,
	} {
		b.Queue(query, uuids(ids))
	}
	t.drop(ids)
	return t.send(b)
}
