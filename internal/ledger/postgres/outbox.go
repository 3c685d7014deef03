package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// ClaimOutbox implements [ledger.Outbox].
func (s *Store) ClaimOutbox(ctx context.Context, want ledger.Outgoings) (ledger.Deliveries, error) {
	c := &call{phase: forwarding, lane: ledger.Outgoing(want.Destination).Lane()}
	return ask(ctx, s, "claim", c, func(t *tx) (ledger.Deliveries, error) { return t.claimOutbox(want) })
}

func (t *tx) claimOutbox(want ledger.Outgoings) (none ledger.Deliveries, err error) {
	none.Wait = ledger.Never
	if reason, err := t.disabled(want.Destination); err != nil || reason != "" {
		return none, err
	}
	l, err := t.lane(ledger.Outgoing(want.Destination).Lane())
	if err != nil {
		return none, err
	}
	next, granted, wait := l.Take(l.elapsed, want.Max)
	if granted == 0 {
		none.Wait = wait
		return none, nil
	}
	work, err := t.leave(want.Destination, granted)
	if err != nil {
		return none, err
	}
	if len(work) > 0 {
		l.move(next.Return(granted - len(work)))
	}
	if len(work) == granted {
		return ledger.Deliveries{Work: work, Wait: wait}, nil
	}
	wait, err = t.untilDue(want.Destination)
	return ledger.Deliveries{Work: work, Wait: wait}, err
}

const claimDeliveries = `WITH ready AS (SELECT seq AS ready_seq, due_at AS was_due FROM outbox WHERE destination = $1 AND due_at <= $2
	ORDER BY due_at, seq LIMIT $3), claimed AS (UPDATE outbox SET claimed_at = $2, due_at = $4 FROM ready WHERE seq = ready_seq RETURNING *)
	SELECT ` + deliveryColumns + ` FROM claimed ORDER BY was_due, seq`

// leave claims deliveries that are due. It tells, because what is claimed is not overtaken any more.
func (t *tx) leave(destination string, max int) (work []ledger.Delivery, err error) {
	if _, err := t.exec(lockTelling); err != nil {
		return nil, err
	}
	err = t.look(claimDeliveries, []any{text(destination), micros(t.now), max, t.later(ledger.DeliveryLease)}, func(row pgx.Rows) error {
		p, err := scanDelivery(row, t.now)
		work = append(work, p.Delivery)
		return err
	})
	return work, err
}

// untilDue returns how long it is until something is due to a destination.
func (t *tx) untilDue(destination string) (time.Duration, error) {
	var due pgtype.Int8
	_, err := t.row(`SELECT min(due_at) FROM outbox WHERE destination = $1 AND due_at IS NOT NULL`, []any{text(destination)}, &due)
	if err != nil || !due.Valid {
		return ledger.Never, err
	}
	return max(-since(t.now, due.Int64), 0), nil
}

// SettleOutbox implements [ledger.Outbox].
func (s *Store) SettleOutbox(ctx context.Context, destination string, answers []ledger.DeliveryAnswer) error {
	c := &call{phase: forwarding, lane: ledger.Outgoing(destination).Lane()}
	_, err := ask(ctx, s, "settle", c, func(t *tx) (struct{}, error) { return struct{}{}, t.settleOutbox(destination, answers) })
	return err
}

// settleOutbox locks the lane first, as a claim does.
func (t *tx) settleOutbox(destination string, answers []ledger.DeliveryAnswer) error {
	lane := ledger.Outgoing(destination).Lane()
	if _, err := t.lane(lane); err != nil {
		return err
	}
	if _, err := t.exec(lockTelling); err != nil {
		return err
	}
	seqs := make([]int64, len(answers))
	for i, a := range answers {
		seqs[i] = a.Seq
	}
	claimed, err := t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE seq = ANY($1) AND claimed_at IS NOT NULL`, seqs)
	if err != nil {
		return err
	}
	places := make([]place, len(claimed))
	for i, p := range claimed {
		places[i] = placeOf(p.Delivery)
	}
	o, err := t.open(places, nil)
	if err != nil {
		return err
	}
	for _, a := range answers {
		if err := o.settle(a); err != nil {
			return err
		}
	}
	t.publish(ledger.Outgoing(destination))
	return o.write()
}

// settle lets an answer happen to its delivery.
func (o *outbox) settle(a ledger.DeliveryAnswer) error {
	d := o.claimed(a.Seq)
	if d == nil {
		return nil
	}
	c := d.Answer(a)
	o.t.hear(ledger.Outgoing(d.Destination).Lane(), c.Lane)
	if c.Disable != "" {
		if err := o.t.disable(d.Destination, c.Disable); err != nil {
			return err
		}
	}
	if c.Over {
		o.over(d, a)
		return nil
	}
	return o.keep(d, c)
}

func (o *outbox) claimed(seq int64) *posted {
	for _, rows := range o.rows {
		for _, p := range rows {
			if p.Seq == seq && p.claimed.Valid && !p.gone {
				return p
			}
		}
	}
	return nil
}

// over forgets a delivery that is made, with those that would tell what it told.
func (o *outbox) over(d *posted, a ledger.DeliveryAnswer) {
	d.gone = true
	if a.Outcome == ledger.Delivered && a.Revision > 0 {
		for _, p := range o.rows[placeOf(d.Delivery)] {
			if !p.Dead && p.Record == d.Record && !p.claimed.Valid && p.Revision > 0 && p.Revision <= a.Revision {
				p.gone = true
			}
		}
	}
	o.next(placeOf(d.Delivery))
}

// keep keeps a delivery that is not made. One that newer news waits behind leaves the telling to it.
func (o *outbox) keep(p *posted, c ledger.DeliveryChange) error {
	d := c.Delivery
	if newer := o.unsent(d); newer != nil && newer != p && !newer.Dead {
		newer.gone = true
		d = d.Overtaken(newer.Delivery)
	}
	p.Delivery, p.dirty, p.claimed, p.due = d, true, pgtype.Int8{}, pgtype.Int8{}
	if !d.Dead {
		p.due = some(o.t.later(max(c.Due, 0)))
		return nil
	}
	return o.gaveUp(d)
}

// gaveUp announces a delivery that was given up, and lets the next of its order go. Its record is not locked: others lock
// theirs before they tell.
func (o *outbox) gaveUp(d ledger.Delivery) error {
	var target string
	found, err := o.t.row(`SELECT target FROM records WHERE id = $1`, []any{idOf(d.Record)}, &target)
	if err != nil {
		return err
	}
	if found {
		o.t.announce(ledger.Notice{Kind: ledger.DeliveryFailed, Target: target, Record: d.Record, Reason: d.Destination + ": " + d.Reason})
	}
	o.next(placeOf(d))
	return nil
}

// deliveries runs a query whose rows are deliveries.
func (t *tx) deliveries(query string, args ...any) (all []*posted, err error) {
	err = t.look(query, args, func(row pgx.Rows) error {
		p, err := scanDelivery(row, t.now)
		all = append(all, p)
		return err
	})
	return all, err
}
