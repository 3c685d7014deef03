package sqlite

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// Claim implements [ledger.Lanes].
func (s *Store) Claim(ctx context.Context, want ledger.Want) (ledger.Claims, error) {
	got := make(chan ledger.Claims, 1) // a call that gave up may still run: it must not write what is returned
	err := s.do(ctx, "claim", func(t *tx) error {
		claims, err := t.claim(want)
		select {
		case <-got: // of a run that was rolled back
		default:
		}
		got <- claims
		if len(claims.Work) > 0 {
			crash.Point(crash.Claiming)
		}
		return err
	})
	if err != nil {
		return ledger.Claims{}, err // whatever was claimed is not sent: its commit is not known
	}
	claims := <-got
	if len(claims.Work) > 0 {
		crash.Point(crash.Claimed)
	}
	return claims, nil
}

func (t *tx) claim(want ledger.Want) (ledger.Claims, error) {
	l, err := t.lane(want.Lane)
	if err != nil {
		return ledger.Claims{}, err
	}
	targets := t.catalog.On(want.Lane)
	if ledger.CarriesRuns(targets) {
		return t.claimRun(l, targets, want)
	}
	next, granted, wait := l.Take(l.elapsed, want.Max)
	if granted == 0 {
		return ledger.Claims{Wait: wait}, nil
	}
	if stopped, err := t.isStopped(want.Lane); err != nil || stopped {
		return ledger.Claims{Wait: ledger.Never}, err
	}
	want.Max = granted
	first, lowest := l.Turn(len(targets))
	work, ready, err := t.takeFrom(slices.Concat(targets[first:], targets[:first]), want, lowest)
	if err != nil {
		return ledger.Claims{}, err
	}
	if len(work) == 0 {
		return ledger.Claims{Wait: ready}, nil // the lane is left as it was
	}
	l.Lane, l.elapsed, l.dirty = next.Return(granted-len(work)), 0, true
	l.Turns++
	if len(work) < granted {
		wait = ready
	}
	return ledger.Claims{Work: work, Wait: wait}, nil
}

// takeFrom claims up to as many queued records of the targets as are wanted, of the lowest priority first on request.
// When it finds fewer, ready is the time until the next one may be claimed, or Never.
func (t *tx) takeFrom(targets []ledger.Target, want ledger.Want, lowest bool) (work []ledger.Claimed, ready time.Duration, err error) {
	ready = ledger.Never
	for _, target := range targets {
		if want.Max == 0 {
			break
		}
		got, next, err := t.takeFromTarget(target, want, lowest)
		if err != nil {
			return nil, 0, err
		}
		work = append(work, got...)
		want.Max -= len(got)
		if next >= 0 && (ready < 0 || next < ready) {
			ready = next
		}
	}
	return work, ready, nil
}

func (t *tx) takeFromTarget(target ledger.Target, want ledger.Want, lowest bool) (work []ledger.Claimed, ready time.Duration, err error) {
	paused, err := t.paused(target.Name)
	if err != nil || paused {
		return nil, ledger.Never, err
	}
	breaker, err := t.breaker(target.Name)
	if err != nil {
		return nil, 0, err
	}
	may, held := breaker.Room(want.Max)
	want.Max = max(may, 1) // held back or not, whether there is work is to be known
	ids, ready, err := t.ready(queueOf(target.Name, want.Load), t.catalog.Candidates(want.Max), lowest)
	if err != nil || len(ids) == 0 {
		return nil, ready, err
	}
	if may == 0 {
		return nil, held, nil
	}
	paid, wait, err := t.pays(target, want.Max)
	if err != nil || paid == 0 {
		return nil, wait, err
	}
	used, err := t.webhookUse(target)
	if err != nil {
		return nil, 0, err
	}
	webhook, room, ok := target.Webhook(used)
	if !ok {
		return nil, ledger.Never, t.pause(target.Name, ledger.Pause{Reason: target.Full()})
	}
	for _, id := range ids {
		if len(work) == min(want.Max, paid, room) {
			break
		}
		claimed, begun, err := t.begin(target, way{webhook: webhook}, id)
		if err != nil {
			return nil, 0, err
		}
		if begun {
			work = append(work, claimed)
		}
	}
	if len(work) < len(ids) {
		ready = 0 // the next webhook takes the rest, or others take the place of those that came too late or are held back
	}
	if breaker.Open() && len(work) > 0 {
		breaker.Breaker, breaker.dirty = breaker.Passed(len(work)), true
		_, ready = breaker.Room(1)
	}
	return work, ready, t.use(webhook, len(work))
}

// queue is where queued records are looked for: those of a target, or those on it that one load waits for.
type queue struct {
	where string // the condition, the leading columns of an index
	args  []any
}

func queueOf(target string, load ledger.LoadID) queue {
	if load == 0 {
		return queue{where: `state = 'queued' AND target = ?`, args: []any{target}}
	}
	return queue{where: `state = 'queued' AND wanted_by <> 0 AND wanted_by = ? AND target = ?`, args: []any{int64(load), target}}
}

func (q queue) with(args ...any) []any { return append(slices.Clip(q.args), args...) }

// ready returns the queued records that may be claimed now, at most as many as are wanted: higher priorities first, or
// the lowest, and within one the longest waiting first. When it finds fewer, next is the time until another one may be
// claimed, or Never.
func (t *tx) ready(q queue, max int, lowest bool) (ids []ledger.RecordID, next time.Duration, err error) {
	now := micros(t.now)
	next = ledger.Never
	beyond, following := math.MaxInt, ` AND priority < ? ORDER BY priority DESC LIMIT 1`
	if lowest {
		beyond, following = math.MinInt, ` AND priority > ? ORDER BY priority LIMIT 1`
	}
	for priority := beyond; len(ids) < max; {
		found, err := t.row(`SELECT priority FROM records WHERE `+q.where+following, q.with(priority), &priority)
		if err != nil || !found {
			return ids, next, err
		}
		more, err := t.ids(`SELECT id FROM records WHERE `+q.where+` AND priority = ? AND ready_at <= ?
			ORDER BY ready_at, id LIMIT ?`, q.with(priority, now, max-len(ids))...)
		if err != nil {
			return nil, 0, err
		}
		ids = append(ids, more...)
		var readyAt int64
		found, err = t.row(`SELECT ready_at FROM records WHERE `+q.where+` AND priority = ? AND ready_at > ?
			ORDER BY ready_at LIMIT 1`, q.with(priority, now), &readyAt)
		if err != nil {
			return nil, 0, err
		}
		if wait := -since(t.now, readyAt); found && (next < 0 || wait < next) {
			next = wait
		}
	}
	return ids, next, nil
}

// begin claims one record and begins its attempt; begun is false when it may no longer be sent.
func (t *tx) begin(target ledger.Target, way way, id ledger.RecordID) (c ledger.Claimed, begun bool, err error) {
	before, found, err := t.record(id, true)
	if err != nil || !found {
		return c, false, err
	}
	if held, err := t.holdBack(target, before); err != nil || held {
		return c, false, err
	}
	change, err := ledger.Decide(target, before, ledger.Claim{})
	if err != nil {
		return c, false, err
	}
	if err := t.write(target, before, change, way); err != nil {
		return c, false, err
	}
	return ledger.Claimed{Record: change.Record, Webhook: way.webhook}, change.Begun, nil
}
