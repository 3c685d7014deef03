package sqlite

import (
	"context"
	"reflect"

	"github.com/claygate/claygate/internal/ledger"
)

// ApplyRun implements [ledger.Runs].
func (s *Store) ApplyRun(ctx context.Context, id ledger.RunID, e ledger.RunEvent) (ledger.Run, error) {
	got := make(chan ledger.Run, 1) // see Claim
	err := s.do(ctx, "run", func(t *tx) error {
		r, found, err := t.run(id)
		if err != nil {
			return err
		}
		if !found {
			return ledger.NoRun(id)
		}
		if r, err = t.applyRun(r, e); err != nil {
			return err
		}
		select {
		case <-got: // of a run that was rolled back
		default:
		}
		got <- r
		return nil
	})
	if err != nil {
		return ledger.Run{}, err
	}
	return <-got, nil
}

// applyRun lets an event happen to a run and to the records that it carries.
func (t *tx) applyRun(r ledger.Run, e ledger.RunEvent) (ledger.Run, error) {
	target, _ := t.catalog.Target(r.Target)
	c := ledger.DecideRun(target, r, e)
	if _, asked := e.(ledger.RunEnded); asked || !reflect.DeepEqual(c.Run, r) || c.Rest != nil || len(c.Items) > 0 {
		if err := t.writeRun(c); err != nil {
			return r, err
		}
	}
	if err := t.hear(r.Lane, c.Lane); err != nil {
		return r, err
	}
	if err := t.judge(target, c.Target); err != nil {
		return r, err
	}
	if c.Pause.Reason != "" && r.Target != "" {
		if err := t.pause(r.Target, c.Pause); err != nil {
			return r, err
		}
	}
	if c.Run.Followed {
		return c.Run, t.bring(c)
	}
	for _, item := range c.Items {
		if err := t.settle(target, c, item); err != nil {
			return r, err
		}
	}
	return c.Run, t.settleRest(target, c)
}

// settle lets what a run brought happen to its record. What belongs to none of its records is kept and matches nothing.
func (t *tx) settle(target ledger.Target, c ledger.RunChange, item ledger.RunItem) error {
	attempt := 0
	_, err := t.row(`SELECT n FROM attempts WHERE record = ? AND run = ?`, []any{item.Record[:], int64(c.Run.ID)}, &attempt)
	if err != nil {
		return err
	}
	if attempt == 0 || item.Result == nil {
		if err := t.keepItem(target, item, attempt); err != nil || attempt == 0 {
			return err
		}
	}
	return t.happen(target, item.Record, c.Item(item, attempt))
}

func (t *tx) keepItem(target ledger.Target, item ledger.RunItem, attempt int) error {
	if item.Body == nil {
		return nil
	}
	_, err := t.exec(`INSERT INTO callbacks (target, record, attempt, matched, body, received_at) VALUES (?, ?, ?, ?, ?, ?)`,
		target.Name, orNull(ledger.Digest(item.Record)), attempt, attempt > 0, item.Body, micros(t.now))
	return err
}

// settleRest lets the same happen to all of the run's records, or to all that still wait.
func (t *tx) settleRest(target ledger.Target, c ledger.RunChange) error {
	if c.Rest == nil {
		return nil
	}
	query := `SELECT a.record, a.n FROM attempts a JOIN records r ON r.id = a.record WHERE a.run = ? AND r.attempts = a.n
		AND r.state IN ('sending', 'sent', 'uncertain') ORDER BY a.record`
	if c.All {
		query = `SELECT record, n FROM attempts WHERE run = ? ORDER BY record`
	}
	carried, err := t.carried(query, c.Run.ID)
	if err != nil {
		return err
	}
	for _, in := range carried {
		if err := t.happen(target, in.record, c.Each(in.attempt)); err != nil {
			return err
		}
	}
	return nil
}

// carried is a record in a run.
type carried struct {
	record  ledger.RecordID
	attempt int
}

func (t *tx) carried(query string, id ledger.RunID) (all []carried, err error) {
	err = t.rows(query, []any{int64(id)}, func(row statement) (bool, error) {
		all = append(all, carried{ledger.RecordID(row.ColumnRawBlob(0)), row.ColumnInt(1)})
		return true, row.Err()
	})
	return all, err
}

// happen lets an event of a run happen to one of its records. What it says about lane and target was heard once for the
// whole run.
func (t *tx) happen(target ledger.Target, id ledger.RecordID, e ledger.Event) error {
	before, found, err := t.record(id, ledger.BringsResult(e))
	if err != nil || !found {
		return err
	}
	c, err := ledger.Decide(target, before, e)
	if err != nil { // the record's own fields cannot be read: that is no fault of the run
		return nil
	}
	c.Lane, c.Target, c.Pause = ledger.Signal{}, ledger.Signal{}, ledger.Pause{}
	return t.write(target, before, c, way{})
}
