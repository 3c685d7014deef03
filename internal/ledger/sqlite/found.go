package sqlite

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// Completed implements [ledger.Runs].
func (s *Store) Completed(ctx context.Context, lane ledger.LaneID, clay string) (bool, error) {
	got := make(chan bool, 1) // see Claim
	err := s.do(ctx, "completed", func(t *tx) error {
		known, err := t.completed(lane, clay)
		if err != nil {
			return err
		}
		select {
		case <-got:
		default:
		}
		got <- known
		return nil
	})
	if err != nil {
		return false, err
	}
	return <-got, nil
}

func (t *tx) completed(lane ledger.LaneID, clay string) (known bool, err error) {
	var id ledger.RunID
	known, err = t.row(`SELECT id FROM runs WHERE lane = ? AND clay = ? AND clay <> ''`, []any{string(lane), clay}, &id)
	if err != nil {
		return false, err
	}
	if known {
		r, _, err := t.run(id)
		if err == nil {
			_, err = t.applyRun(r, ledger.RunEnded{})
		}
		return true, err
	}
	open, err := t.startsOpen(lane)
	if err != nil || !open || clay == "" {
		return false, err
	}
	return true, t.insertRun(&ledger.Run{Lane: lane, State: ledger.RunFound, Clay: clay}, ledger.LookLater)
}

// startsOpen reports whether a start on the lane may have made a run whose name is not known.
func (t *tx) startsOpen(lane ledger.LaneID) (bool, error) {
	var one int
	return t.row(`SELECT 1 FROM runs WHERE lane = ? AND due_at IS NOT NULL AND state IN ('starting', 'uncertain') LIMIT 1`,
		[]any{string(lane)}, &one)
}

// Adopt implements [ledger.Runs].
func (s *Store) Adopt(ctx context.Context, found ledger.RunID, items []ledger.RecordID) (by ledger.RunID, ok bool, err error) {
	got := make(chan ledger.RunID, 1) // see Claim
	err = s.do(ctx, "adopt", func(t *tx) error {
		id, err := t.adopt(found, items)
		if err != nil {
			return err
		}
		select {
		case <-got:
		default:
		}
		got <- id
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	by = <-got
	return by, by != 0, nil
}

// adopt finds the start that carried these records, the oldest when there are several, and gives it the found run. It
// returns 0 for none.
func (t *tx) adopt(found ledger.RunID, items []ledger.RecordID) (ledger.RunID, error) {
	f, there, err := t.run(found)
	if err != nil {
		return 0, err
	}
	if !there || f.State != ledger.RunFound {
		return 0, nil
	}
	for _, record := range items {
		var id ledger.RunID
		match, err := t.row(`SELECT r.id FROM attempts a JOIN runs r ON r.id = a.run WHERE a.record = ? AND r.lane = ?
			AND r.state IN ('starting', 'uncertain') ORDER BY r.id LIMIT 1`, []any{record[:], string(f.Lane)}, &id)
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
	if _, err := t.exec(`DELETE FROM runs WHERE id = ?`, int64(f.ID)); err != nil {
		return err
	}
	r, _, err := t.run(id)
	if err != nil {
		return err
	}
	_, err = t.applyRun(r, ledger.RunAdopted{Clay: f.Clay})
	return err
}
