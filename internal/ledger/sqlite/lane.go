package sqlite

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// laneRow is a lane within a transaction.
type laneRow struct {
	ledger.Lane
	elapsed time.Duration // since it was written; used up by the first move
	dirty   bool
}

// lane reads a lane, once a transaction. One that was never written has rested.
func (t *tx) lane(id ledger.LaneID) (*laneRow, error) {
	if l, ok := t.lanes[id]; ok {
		return l, nil
	}
	l := &laneRow{Lane: ledger.NewLane(id, t.catalog.Pace(id))}
	var hold, probe, writtenAt int64
	found, err := t.row(`SELECT tokens, hold, misses, probe, turns, slow, written_at FROM lanes WHERE id = ?`,
		[]any{string(id)}, &l.Tokens, &hold, &l.Misses, &probe, &l.Turns, &l.Slow, &writtenAt)
	if err != nil {
		return nil, err
	}
	if found {
		l.Hold, l.Probe = time.Duration(hold)*time.Microsecond, time.Duration(probe)*time.Microsecond
		l.elapsed = since(t.now, writtenAt)
	}
	if l.elapsed < 0 { // the clock went back: begin to count from here, or nothing leaves until it has caught up
		l.elapsed, l.dirty = 0, true
	}
	t.lanes[id] = l
	return l, nil
}

// hear lets a lane hear a signal. An ordinary answer on a flowing lane changes nothing and writes nothing.
func (t *tx) hear(id ledger.LaneID, s ledger.Signal) error {
	if s.Kind == ledger.Silent || id == "" {
		return nil
	}
	l, err := t.lane(id)
	if err != nil {
		return err
	}
	if s.Kind == ledger.Flowing && l.Misses == 0 {
		return nil
	}
	l.Lane = l.Hear(l.elapsed, s)
	l.elapsed, l.dirty = 0, true
	t.publish(id)
	return nil
}

// writeLane writes a lane that changed. The fraction of a microsecond that a duration loses is given to the wait, so
// that the pace never runs ahead.
func (t *tx) writeLane(l *laneRow) error {
	if !l.dirty {
		return nil
	}
	_, err := t.exec(`INSERT INTO lanes (id, tokens, hold, misses, probe, turns, slow, written_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET tokens = excluded.tokens, hold = excluded.hold, misses = excluded.misses,
		probe = excluded.probe, turns = excluded.turns, slow = excluded.slow, written_at = excluded.written_at`,
		string(l.ID), l.Tokens, roundUp(l.Hold), l.Misses, roundUp(l.Probe), l.Turns, l.Slow, micros(t.now))
	return err
}

func roundUp(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}
