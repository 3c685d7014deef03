package postgres

import (
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// laneRow is a lane within a transaction, which has locked it.
type laneRow struct {
	ledger.Lane
	elapsed time.Duration // since it was written; used up by the first move
	dirty   bool
}

const lockLane = `SELECT tokens, hold, misses, probe, turns, slow, written_at FROM lanes WHERE id = $1 FOR UPDATE`

// lane locks and reads a lane, once a transaction. One that was never written has rested.
func (t *tx) lane(id ledger.LaneID) (*laneRow, error) {
	if l, ok := t.lanes[id]; ok {
		return l, nil
	}
	l, found, err := t.lockLane(id)
	if err == nil && !found { // there must be a row to lock
		if _, err = t.exec(insertLanes+` ON CONFLICT (id) DO NOTHING`, arrays(laneColumns(micros(t.now)), []*laneRow{l})...); err == nil {
			l, _, err = t.lockLane(id)
		}
	}
	if err != nil {
		return nil, err
	}
	t.lanes[id] = l
	return l, nil
}

func (t *tx) lockLane(id ledger.LaneID) (l *laneRow, found bool, err error) {
	l = &laneRow{Lane: ledger.NewLane(id, t.catalog.Pace(id))}
	var hold, probe, writtenAt int64
	b := t.batch()
	t.queue(b, lockLane, []any{string(id)}, func(row pgx.Rows) error {
		found = true
		return row.Scan(&l.Tokens, &hold, &l.Misses, &probe, &l.Turns, &l.Slow, &writtenAt)
	})
	t.readClock(b)
	if err := t.send(b); err != nil || !found {
		return l, found, err
	}
	l.Hold, l.Probe, l.elapsed = duration(hold), duration(probe), since(t.now, writtenAt)
	if l.elapsed < 0 { // the clock went back: begin to count from here, or nothing leaves until it has caught up
		l.elapsed, l.dirty = 0, true
	}
	return l, true, nil
}

// move writes a lane's next state.
func (l *laneRow) move(next ledger.Lane) { l.Lane, l.elapsed, l.dirty = next, 0, true }

// hear lets a lane hear a signal, once the records are done with: lanes are locked after them.
func (t *tx) hear(id ledger.LaneID, s ledger.Signal) {
	if s.Kind != ledger.Silent && id != "" {
		t.heard[id] = append(t.heard[id], s)
	}
}

// listen tells the lanes, and the breakers, what was heard. An ordinary answer on a flowing lane changes nothing, and locks
// and writes nothing.
func (t *tx) listen() error {
	if t.dry {
		return nil
	}
	if err := t.passOverFlowing(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.heard)) {
		l, err := t.lane(id)
		if err != nil {
			return err
		}
		for _, s := range t.heard[id] {
			if s.Kind == ledger.Flowing && l.Misses == 0 {
				continue
			}
			l.move(l.Hear(l.elapsed, s))
			t.publish(id)
		}
	}
	clear(t.heard)
	return t.judgeAll()
}

// passOverFlowing forgets the signals of lanes that only heard of ordinary answers and are not held.
func (t *tx) passOverFlowing() error {
	var ordinary []string
	for id, signals := range t.heard {
		if t.lanes[id] == nil && !slices.ContainsFunc(signals, func(s ledger.Signal) bool { return s.Kind != ledger.Flowing }) {
			ordinary = append(ordinary, string(id))
		}
	}
	if len(ordinary) == 0 {
		return nil
	}
	var held []ledger.LaneID
	err := t.look(`SELECT id FROM lanes WHERE id = ANY($1) AND misses > 0`, []any{ordinary}, func(row pgx.Rows) error {
		var id ledger.LaneID
		err := row.Scan(&id)
		held = append(held, id)
		return err
	})
	for _, id := range ordinary {
		if !slices.Contains(held, ledger.LaneID(id)) {
			delete(t.heard, ledger.LaneID(id))
		}
	}
	return err
}

func laneColumns(now int64) []column[*laneRow] {
	return []column[*laneRow]{
		col("id", "text", func(l *laneRow) string { return string(l.ID) }),
		col("tokens", "double precision", func(l *laneRow) float64 { return l.Tokens }),
		col("hold", "bigint", func(l *laneRow) int64 { return roundUp(l.Hold) }),
		col("misses", "bigint", func(l *laneRow) int64 { return int64(l.Misses) }),
		col("probe", "bigint", func(l *laneRow) int64 { return roundUp(l.Probe) }),
		col("turns", "bigint", func(l *laneRow) int64 { return int64(l.Turns) }),
		col("slow", "double precision", func(l *laneRow) float64 { return l.Slow }),
		col("written_at", "bigint", func(*laneRow) int64 { return now }),
	}
}

var (
	insertLanes = insertInto("lanes", laneColumns(0))
	updateLanes = updateOf("lanes", laneColumns(0), 1)
)

// writeLanes writes the lanes that changed. The fraction of a microsecond that a duration loses is given to the wait, so
// that the pace never runs ahead.
func (t *tx) writeLanes(b *pgx.Batch) {
	var dirty []*laneRow
	for _, l := range t.lanes {
		if l.dirty {
			dirty = append(dirty, l)
		}
		l.dirty = false
	}
	put(b, updateLanes, laneColumns(micros(t.now)), dirty)
}

func roundUp(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}
