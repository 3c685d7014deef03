package postgres

import (
	"math"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// maxRequest bounds the fields of an inline run, and maxFile those of a bulk run, in bytes. Clay's own limits are not
// known; one record always fits.
const (
	maxRequest = 1 << 20
	maxFile    = 64 << 20
)

// claimRun claims the next run of a lane, with a token for its start.
func (t *tx) claimRun(l *laneRow, targets []ledger.Target, want ledger.Want) (ledger.Claims, error) {
	none := ledger.Claims{Wait: ledger.Never}
	next, granted, wait := l.Take(l.elapsed, min(want.Max, 1))
	if granted == 0 {
		none.Wait = wait
		return none, nil
	}
	if stopped, err := t.isStopped(want.Lane); err != nil || stopped {
		return none, err
	}
	first, lowest := l.Turn(len(targets))
	for _, target := range slices.Concat(targets[first:], targets[:first]) {
		got, err := t.gather(target, want, lowest)
		if err != nil {
			return none, err
		}
		if got.Run != nil {
			l.move(next)
			l.Turns++
			got.Wait = 0 // there may be more; whether there is another token shows when it is asked for
			return got, nil
		}
		none.Wait = ledger.Sooner(none.Wait, got.Wait)
		if got.Linger > 0 && (none.Linger == 0 || got.Linger < none.Linger) {
			none.Linger = got.Linger
		}
	}
	return none, nil
}

// gather claims a run's records, if the target has any that may leave now.
func (t *tx) gather(target ledger.Target, want ledger.Want, lowest bool) (ledger.Claims, error) {
	claims := ledger.Claims{Wait: ledger.Never}
	paused, err := t.paused(target.Name)
	if err != nil || paused {
		return claims, err
	}
	breaker, err := t.breakerToPass(target.Name)
	if err != nil {
		return claims, err
	}
	q := queueOf(target.Name, want.Load)
	head, wait, err := t.ready(q, 1, lowest)
	if err != nil || len(head) == 0 {
		claims.Wait = wait
		return claims, err
	}
	if room, held := breaker.Room(1); room == 0 {
		claims.Wait = held
		return claims, nil
	}
	paid, wait, err := t.pays(target, math.MaxInt)
	if err != nil || paid == 0 {
		claims.Wait = wait
		return claims, err
	}
	runLimit := 0
	if _, err := t.row(`SELECT run_limit FROM records WHERE id = $1`, []any{idOf(head[0])}, &runLimit); err != nil {
		return claims, err
	}
	kind, load, err := t.fill(target, filling{q.limited(runLimit), runLimit, paid}, lowest)
	if err != nil {
		return claims, err
	}
	policy, _ := target.RunPolicy()
	if want.Full && len(load.ids) < load.most && policy.Linger > 0 {
		claims.Linger = policy.Linger
		return claims, nil
	}
	return t.carry(target, ledger.Run{Kind: kind}, load)
}

// filling says what a run is filled from.
type filling struct {
	queue
	runLimit int
	paid     int // for at most so many records
}

// burden is what may be begun: records in their order, and the most of them.
type burden struct {
	ids  []ledger.RecordID
	most int
}

// fill finds the records that share a run.
func (t *tx) fill(target ledger.Target, f filling, lowest bool) (kind ledger.RunKind, load burden, err error) {
	policy, _ := target.RunPolicy()
	kind, size := ledger.Inline, policy.Inline(f.runLimit)
	load.ids, _, err = t.ready(f.queue, t.catalog.Candidates(max(size, policy.BulkFrom)), lowest)
	if err == nil && policy.Bulk(f.runLimit, min(len(load.ids), f.paid)) {
		kind, size = ledger.Bulk, policy.BulkSize
		load.ids, _, err = t.ready(f.queue, t.catalog.Candidates(size), lowest)
	}
	load.most = min(size, f.paid)
	load.ids = load.ids[:min(len(load.ids), t.catalog.Candidates(load.most))]
	return kind, load, err
}

// carry begins a run and the attempts of the records that it carries.
func (t *tx) carry(target ledger.Target, r ledger.Run, load burden) (ledger.Claims, error) {
	claims := ledger.Claims{Wait: ledger.Never}
	r.Lane, r.Target, r.State = target.Lane, target.Name, ledger.RunStarting
	if err := t.insertRun(&r, ledger.RunClaimTimeout); err != nil {
		return claims, err
	}
	ids, err := t.fitting(load.ids, r.Kind)
	if err != nil {
		return claims, err
	}
	mine, err := t.lockQueued(ids, r.Kind == ledger.Inline) // those of a bulk run come without their fields: there are many
	if err != nil {
		return claims, err
	}
	for _, id := range mine {
		if r.Size == load.most {
			break
		}
		claimed, begun, err := t.begin(target, way{run: r.ID}, id)
		if err != nil {
			return claims, err
		}
		if !begun {
			continue
		}
		r.Size++
		if r.Kind == ledger.Inline {
			claims.Work = append(claims.Work, ledger.Claimed{Record: claimed.Record})
		}
	}
	if r.Size == 0 { // all of them came too late, are held back, or another transaction has them
		claims.Wait = 0
		if len(mine) < len(ids) {
			claims.Wait = soon
		}
		_, err := t.exec(`DELETE FROM runs WHERE id = $1`, int64(r.ID))
		return claims, err
	}
	claims.Run = &r
	breaker, err := t.breakerToPass(target.Name)
	if err != nil {
		return claims, err
	}
	if breaker.Open() {
		breaker.Breaker, breaker.dirty = breaker.Passed(1), true
	}
	_, err = t.exec(`UPDATE runs SET size = $1 WHERE id = $2`, r.Size, int64(r.ID))
	return claims, err
}

// fitting returns those of some records whose fields fit in one run together: the first always does.
func (t *tx) fitting(ids []ledger.RecordID, kind ledger.RunKind) ([]ledger.RecordID, error) {
	room := maxRequest
	if kind == ledger.Bulk {
		room = maxFile
	}
	lengths := make(map[ledger.RecordID]int, len(ids))
	if err := t.look(`SELECT record, length(fields) FROM bodies WHERE record = ANY($1) AND fields IS NOT NULL`, []any{uuids(ids)}, readLength(lengths)); err != nil {
		return nil, err
	}
	for i, id := range ids {
		if room -= lengths[id]; room < 0 && i > 0 {
			return ids[:i], nil
		}
	}
	return ids, nil
}
