package postgres

import (
	"context"
	"reflect"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// ApplyRun implements [ledger.Runs].
func (s *Store) ApplyRun(ctx context.Context, id ledger.RunID, e ledger.RunEvent) (ledger.Run, error) {
	return ask(ctx, s, "run", &call{phase: applying}, func(t *tx) (ledger.Run, error) {
		r, found, err := t.run(id)
		if err == nil && !found {
			err = ledger.NoRun(id)
		}
		if err != nil {
			return ledger.Run{}, err
		}
		return t.applyRun(r, e)
	})
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
	t.hear(r.Lane, c.Lane)
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
	if err := t.settleItems(target, c); err != nil {
		return r, err
	}
	return c.Run, t.settleRest(target, c)
}

// settleItems lets what a run brought happen to its records. What belongs to none of them is kept and matches nothing.
func (t *tx) settleItems(target ledger.Target, c ledger.RunChange) error {
	if len(c.Items) == 0 {
		return nil
	}
	all := make([]ledger.RecordID, len(c.Items))
	for i, item := range c.Items {
		all[i] = item.Record
	}
	attempts := map[ledger.RecordID]int{}
	mine, err := t.carried(`SELECT record, n FROM attempts WHERE run = $1 AND record = ANY($2) ORDER BY record`, int64(c.Run.ID), uuids(all))
	if err != nil {
		return err
	}
	for _, in := range mine {
		attempts[in.record] = in.attempt
	}
	if err := t.lockCarried(mine, true); err != nil {
		return err
	}
	for _, item := range c.Items {
		attempt := attempts[item.Record]
		if attempt == 0 || item.Result == nil {
			t.keepItem(target, item, attempt)
		}
		if attempt == 0 {
			continue
		}
		if err := t.happen(target, item.Record, c.Item(item, attempt)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) keepItem(target ledger.Target, item ledger.RunItem, attempt int) {
	if item.Body != nil {
		t.kept = append(t.kept, callbackRow{target.Name, item.Record, attempt, attempt > 0, item.Body})
	}
}

// settleRest lets the same happen to all of the run's records, or to all that still wait.
func (t *tx) settleRest(target ledger.Target, c ledger.RunChange) error {
	if c.Rest == nil {
		return nil
	}
	query := `SELECT a.record, a.n FROM attempts a JOIN records r ON r.id = a.record WHERE a.run = $1 AND r.attempts = a.n
		AND r.state IN ('sending', 'sent', 'uncertain') ORDER BY a.record`
	if c.All {
		query = `SELECT record, n FROM attempts WHERE run = $1 ORDER BY record`
	}
	carried, err := t.carried(query, int64(c.Run.ID))
	if err != nil {
		return err
	}
	if err := t.lockCarried(carried, false); err != nil {
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

func (t *tx) carried(query string, args ...any) (all []carried, err error) {
	err = t.rows(query, args, func(row pgx.Rows) error {
		var in carried
		err := row.Scan((*[16]byte)(&in.record), &in.attempt)
		all = append(all, in)
		return err
	})
	return all, err
}

// lockCarried locks and reads the records of a run together, with those that joined them.
func (t *tx) lockCarried(all []carried, withBodies bool) error {
	if len(all) == 0 {
		return nil
	}
	var n needs
	for _, in := range all {
		n.records, n.led = append(n.records, in.record), append(n.led, in.record)
		if withBodies {
			n.bodies = append(n.bodies, in.record)
		}
	}
	return t.load(n)
}

// happen lets an event of a run happen to one of its records. What it says about lane and target was heard once for the
// whole run.
func (t *tx) happen(target ledger.Target, id ledger.RecordID, e ledger.Event) error {
	r, err := t.record(id, ledger.BringsResult(e))
	if err != nil || !r.found {
		return err
	}
	c, err := ledger.Decide(target, r.Record, e)
	if err != nil { // the record's own fields cannot be read: that is no fault of the run
		return nil
	}
	c.Lane, c.Target, c.Pause = ledger.Signal{}, ledger.Signal{}, ledger.Pause{}
	return t.change(target, r, c, way{})
}
