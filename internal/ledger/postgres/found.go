package postgres

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// Completed implements [ledger.Runs].
func (s *Store) Completed(ctx context.Context, lane ledger.LaneID, clay string) (bool, error) {
	return ask(ctx, s, "completed", &call{phase: applying}, func(t *tx) (bool, error) { return t.completed(lane, text(clay)) })
}

// completed keeps one row for a run that is not known, however many replicas Clay tells of it: the lane is locked before
// one is looked for.
func (t *tx) completed(lane ledger.LaneID, clay string) (known bool, err error) {
	id, err := t.runNamed(lane, clay)
	if err != nil {
		return false, err
	}
	if id == 0 {
		open, err := t.startsOpen(lane)
		if err != nil || !open || clay == "" {
			return false, err
		}
		if _, err := t.lane(lane); err != nil {
			return false, err
		}
		if id, err = t.runNamed(lane, clay); err != nil {
			return false, err
		}
	}
	if id == 0 {
		return true, t.insertRun(&ledger.Run{Lane: lane, State: ledger.RunFound, Clay: clay}, ledger.LookLater)
	}
	r, found, err := t.run(id)
	if err == nil && found {
		_, err = t.applyRun(r, ledger.RunEnded{})
	}
	return true, err
}

func (t *tx) runNamed(lane ledger.LaneID, clay string) (id ledger.RunID, err error) {
	_, err = t.row(`SELECT id FROM runs WHERE lane = $1 AND clay = $2 AND clay <> '' ORDER BY id LIMIT 1`, []any{string(lane), clay}, &id)
	return id, err
}

// startsOpen reports whether a start on the lane may have made a run whose name is not known.
func (t *tx) startsOpen(lane ledger.LaneID) (bool, error) {
	var one int
	return t.row(`SELECT 1 FROM runs WHERE lane = $1 AND due_at IS NOT NULL AND state IN ('starting', 'uncertain') LIMIT 1`,
		[]any{string(lane)}, &one)
}

// Adopt implements [ledger.Runs].
func (s *Store) Adopt(ctx context.Context, found ledger.RunID, items []ledger.RecordID) (by ledger.RunID, ok bool, err error) {
	by, err = ask(ctx, s, "adopt", &call{phase: applying}, func(t *tx) (ledger.RunID, error) { return t.adopt(found, items) })
	return by, by != 0, err
}

// adopt finds the start that carried these records, the oldest when there are several, and gives it the found run. It
// returns 0 for none.
func (t *tx) adopt(found ledger.RunID, items []ledger.RecordID) (ledger.RunID, error) {
	f, there, err := t.run(found)
	if err != nil || !there || f.State != ledger.RunFound {
		return 0, err
	}
	for _, record := range items {
		var id ledger.RunID
		match, err := t.row(`SELECT r.id FROM attempts a JOIN runs r ON r.id = a.run WHERE a.record = $1 AND r.lane = $2
			AND r.state IN ('starting', 'uncertain') ORDER BY r.id LIMIT 1`, []any{idOf(record), string(f.Lane)}, &id)
		if err != nil {
			return 0, err
		}
		if match {
			return id, t.giveTo(id, f)
		}
	}
	if open, err := t.startsOpen(f.Lane); err != nil || open && len(items) == 0 {
		return 0, err
	}
	f.State, f.Reason = ledger.RunDone, "it carries none of our records"
	return 0, t.writeRun(ledger.RunChange{Run: f, Due: ledger.Never})
}

// giveTo makes a found run the one that a start made.
func (t *tx) giveTo(id ledger.RunID, f ledger.Run) error {
	if _, err := t.exec(`DELETE FROM runs WHERE id = $1`, int64(f.ID)); err != nil {
		return err
	}
	r, _, err := t.run(id)
	if err != nil {
		return err
	}
	_, err = t.applyRun(r, ledger.RunAdopted{Clay: f.Clay})
	return err
}
