package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// Claim implements [ledger.Lanes].
func (s *Store) Claim(ctx context.Context, want ledger.Want) (ledger.Claims, error) {
	c := &call{phase: claiming, lane: want.Lane}
	return ask(ctx, s, "claim", c, func(t *tx) (ledger.Claims, error) { return t.claim(want) })
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
	l.move(next.Return(granted - len(work)))
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
		ready = ledger.Sooner(ready, next)
	}
	return work, ready, nil
}

func (t *tx) takeFromTarget(target ledger.Target, want ledger.Want, lowest bool) (work []ledger.Claimed, ready time.Duration, err error) {
	paused, err := t.paused(target.Name)
	if err != nil || paused {
		return nil, ledger.Never, err
	}
	breaker, err := t.breakerToPass(target.Name)
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
	work, missed, err := t.beginSome(target, way{webhook: webhook}, burden{ids, min(want.Max, paid, room)})
	if err != nil {
		return nil, 0, err
	}
	if len(work) < len(ids) {
		ready = 0 // the next webhook takes the rest, or others take the place of those that came too late or are held back
	}
	if missed {
		ready = soon
	}
	if breaker.Open() && len(work) > 0 {
		breaker.Breaker, breaker.dirty = breaker.Passed(len(work)), true
		_, ready = breaker.Room(1)
	}
	t.use(webhook, len(work))
	return work, ready, nil
}

// soon is when to ask again for a record that another transaction has.
const soon = 5 * time.Millisecond

// breakerToPass returns a target's breaker, locked when it is open: what passes it is to be written.
func (t *tx) breakerToPass(target string) (*breakerRow, error) {
	b, err := t.breaker(target)
	if err == nil && b.Open() {
		b, err = t.lockBreaker(target)
	}
	return b, err
}

// queue is where queued records are looked for: those of a target, or those on it that one load waits for.
type queue struct {
	where string // the condition, the leading columns of an index
	args  []any
}

func queueOf(target string, load ledger.LoadID) queue {
	if load == 0 {
		return queue{where: `state = 'queued' AND target = $1`, args: []any{text(target)}}
	}
	return queue{where: `state = 'queued' AND wanted_by <> 0 AND wanted_by = $1 AND target = $2`, args: []any{int64(load), text(target)}}
}

// limited narrows a queue to records that go in runs of a size.
func (q queue) limited(runLimit int) queue {
	return queue{where: q.where + fmt.Sprintf(` AND run_limit = $%d`, len(q.args)+1), args: append(slices.Clip(q.args), runLimit)}
}

// query returns a query of the queue, whose own parameters are written as %s, and its arguments.
func (q queue) query(format string, args ...any) (string, []any) {
	places := []any{q.where}
	for i := range args {
		places = append(places, fmt.Sprintf("$%d", len(q.args)+i+1))
	}
	return fmt.Sprintf(format, places...), append(slices.Clip(q.args), args...)
}

// The questions to a queue: the next priority, what is ready in it, and when the next of it will be.
const (
	nextLower  = `SELECT priority FROM records WHERE %s AND priority < %s ORDER BY priority DESC LIMIT 1`
	nextHigher = `SELECT priority FROM records WHERE %s AND priority > %s ORDER BY priority LIMIT 1`
	readyIn    = `SELECT id FROM records WHERE %s AND priority = %s AND ready_at <= %s ORDER BY ready_at, id LIMIT %s`
	readyLater = `SELECT ready_at FROM records WHERE %s AND priority = %s AND ready_at > %s ORDER BY ready_at LIMIT 1`
)

// ready returns the queued records that may be claimed now, at most as many as are wanted: higher priorities first, or
// the lowest, and within one the longest waiting first. When it finds fewer, next is the time until another one may be
// claimed, or Never.
func (t *tx) ready(q queue, max int, lowest bool) (ids []ledger.RecordID, next time.Duration, err error) {
	if err := t.write(); err != nil {
		return nil, 0, err
	}
	next = ledger.Never
	priority, following := int64(math.MaxInt64), nextLower
	if lowest {
		priority, following = math.MinInt64, nextHigher
	}
	for len(ids) < max {
		query, args := q.query(following, priority)
		found, err := t.row(query, args, &priority)
		if err != nil || !found {
			return ids, next, err
		}
		more, wait, err := t.readyIn(q, priority, max-len(ids))
		if err != nil {
			return nil, 0, err
		}
		ids, next = append(ids, more...), ledger.Sooner(next, wait)
	}
	return ids, next, nil
}

// readyIn returns what is ready of one priority, and the time until the next of it is.
func (t *tx) readyIn(q queue, priority int64, max int) (ids []ledger.RecordID, next time.Duration, err error) {
	next = ledger.Never
	b := t.batch()
	query, args := q.query(readyIn, priority, micros(t.now), max)
	t.queue(b, query, args, func(row pgx.Rows) error {
		id, err := scanID(row)
		ids = append(ids, id)
		return err
	})
	query, args = q.query(readyLater, priority, micros(t.now))
	t.queue(b, query, args, func(row pgx.Rows) error {
		var at int64
		err := row.Scan(&at)
		next = -since(t.now, at)
		return err
	})
	return ids, next, t.send(b)
}

// It does not ask for their state, which would have the server walk over the queue to find them.
const lockQueued = `SELECT ` + recordColumns + ` FROM records r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE SKIP LOCKED`

// lockQueued locks those of some queued records that nobody else has, and returns them in the order in which they were
// given. A claim never waits for a record while it has its lane, for which those wait who have the record.
func (t *tx) lockQueued(ids []ledger.RecordID, withBodies bool) (mine []ledger.RecordID, err error) {
	var others []ledger.RecordID
	for _, id := range ids {
		if t.records[id] == nil || !t.records[id].bodies && withBodies {
			others = append(others, id)
		}
	}
	b := t.batch()
	if len(others) > 0 {
		t.queue(b, lockQueued, []any{uuids(others)}, t.readRecord)
		if withBodies {
			t.queue(b, readBodies, []any{uuids(others), uuids[ledger.Digest](nil)}, t.readBodies)
		}
	}
	if err := t.send(b); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if r := t.records[id]; r != nil && r.found && r.State == ledger.Queued {
			r.bodies = r.bodies || withBodies
			mine = append(mine, id)
		}
	}
	return mine, nil
}

// beginSome begins the attempts of the first records, at most so many, that nobody else has and that may be sent. Missed
// says that another transaction has some.
func (t *tx) beginSome(target ledger.Target, way way, b burden) (work []ledger.Claimed, missed bool, err error) {
	for rest, n := b.ids, b.most; len(rest) > 0 && len(work) < b.most; n = len(rest) { // mostly the first ones do
		part := rest[:min(n, len(rest))]
		rest = rest[len(part):]
		mine, err := t.lockQueued(part, true)
		if err != nil {
			return nil, false, err
		}
		missed = missed || len(mine) < len(part)
		for _, id := range mine {
			if len(work) == b.most {
				break
			}
			claimed, begun, err := t.begin(target, way, id)
			if err != nil {
				return nil, false, err
			}
			if begun {
				work = append(work, claimed)
			}
		}
	}
	return work, missed, nil
}

// begin claims one record and begins its attempt; begun is false when it may no longer be sent.
func (t *tx) begin(target ledger.Target, way way, id ledger.RecordID) (c ledger.Claimed, begun bool, err error) {
	r := t.records[id]
	if held, err := t.holdBack(target, r); err != nil || held {
		return c, false, err
	}
	change, err := ledger.Decide(target, r.Record, ledger.Claim{})
	if err != nil {
		return c, false, err
	}
	if err := t.change(target, r, change, way); err != nil {
		return c, false, err
	}
	return ledger.Claimed{Record: change.Record, Webhook: way.webhook}, change.Begun, nil
}
