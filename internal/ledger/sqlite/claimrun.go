package sqlite

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
			l.Lane, l.elapsed, l.dirty = next, 0, true
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
	breaker, err := t.breaker(target.Name)
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
	before, _, err := t.record(head[0], false)
	if err != nil {
		return claims, err
	}
	policy, _ := target.RunPolicy()
	q = queue{where: q.where + ` AND run_limit = ?`, args: q.with(before.RunLimit)}
	kind, size := ledger.Inline, policy.Inline(before.RunLimit)
	ids, _, err := t.ready(q, t.catalog.Candidates(max(size, policy.BulkFrom)), lowest)
	if err == nil && policy.Bulk(before.RunLimit, min(len(ids), paid)) {
		kind, size = ledger.Bulk, policy.BulkSize
		ids, _, err = t.ready(q, t.catalog.Candidates(size), lowest)
	}
	if err != nil {
		return claims, err
	}
	size = min(size, paid)
	if want.Full && len(ids) < size && policy.Linger > 0 {
		claims.Linger = policy.Linger
		return claims, nil
	}
	return t.carry(target, ledger.Run{Kind: kind}, burden{ids: ids, most: size})
}

// burden is what a run may carry: the records in their order, and the most of them.
type burden struct {
	ids  []ledger.RecordID
	most int
}

// carry begins a run and the attempts of the records that it carries.
func (t *tx) carry(target ledger.Target, r ledger.Run, b burden) (ledger.Claims, error) {
	claims := ledger.Claims{Wait: ledger.Never}
	r.Lane, r.Target, r.State = target.Lane, target.Name, ledger.RunStarting
	if err := t.insertRun(&r, ledger.RunClaimTimeout); err != nil {
		return claims, err
	}
	room := maxRequest
	if r.Kind == ledger.Bulk {
		room = maxFile
	}
	for _, id := range b.ids {
		if r.Size == b.most {
			break
		}
		length := 0
		if _, err := t.row(`SELECT length(fields) FROM bodies WHERE record = ?`, []any{id[:]}, &length); err != nil {
			return claims, err
		}
		if room -= length; room < 0 && r.Size > 0 {
			break
		}
		claimed, begun, err := t.beginIn(target, r, id)
		if err != nil {
			return claims, err
		}
		if !begun {
			continue
		}
		r.Size++
		if r.Kind == ledger.Inline {
			claims.Work = append(claims.Work, claimed)
		}
	}
	if r.Size == 0 { // all of them came too late, or are held back
		claims.Wait = 0
		_, err := t.exec(`DELETE FROM runs WHERE id = ?`, int64(r.ID))
		return claims, err
	}
	claims.Run = &r
	breaker, err := t.breaker(target.Name)
	if err != nil {
		return claims, err
	}
	if breaker.Open() {
		breaker.Breaker, breaker.dirty = breaker.Passed(1), true
	}
	_, err = t.exec(`UPDATE runs SET size = ? WHERE id = ?`, r.Size, int64(r.ID))
	return claims, err
}

// beginIn begins a record's attempt in a run. Those of a bulk run come without their fields: there are many.
func (t *tx) beginIn(target ledger.Target, r ledger.Run, id ledger.RecordID) (ledger.Claimed, bool, error) {
	before, found, err := t.record(id, r.Kind == ledger.Inline)
	if err != nil || !found {
		return ledger.Claimed{}, false, err
	}
	if held, err := t.holdBack(target, before); err != nil || held {
		return ledger.Claimed{}, false, err
	}
	change, err := ledger.Decide(target, before, ledger.Claim{})
	if err != nil {
		return ledger.Claimed{}, false, err
	}
	err = t.write(target, before, change, way{run: r.ID})
	return ledger.Claimed{Record: change.Record}, change.Begun, err
}
