package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// ClaimOutbox implements [ledger.Outbox].
func (s *Store) ClaimOutbox(ctx context.Context, want ledger.Outgoings) (ledger.Deliveries, error) {
	got := make(chan ledger.Deliveries, 1) // see Claim
	err := s.do(ctx, "claim", func(t *tx) error {
		claimed, err := t.claimOutbox(want)
		if err != nil {
			return err
		}
		select {
		case <-got:
		default:
		}
		got <- claimed
		return nil
	})
	if err != nil {
		return ledger.Deliveries{}, err
	}
	return <-got, nil
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
	work, err := t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE destination = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?`,
		want.Destination, micros(t.now), granted)
	if err != nil {
		return none, err
	}
	for i, d := range work {
		work[i].SinceClaim = 0
		if _, err := t.exec(`UPDATE outbox SET claimed_at = ?, due_at = ? WHERE seq = ?`, micros(t.now), t.later(ledger.DeliveryLease), d.Seq); err != nil {
			return none, err
		}
	}
	if len(work) > 0 {
		l.Lane, l.elapsed, l.dirty = next.Return(granted-len(work)), 0, true
	}
	if len(work) == granted {
		return ledger.Deliveries{Work: work, Wait: wait}, nil
	}
	wait, err = t.untilDue(want.Destination)
	return ledger.Deliveries{Work: work, Wait: wait}, err
}

// untilDue returns how long it is until something is due to a destination.
func (t *tx) untilDue(destination string) (time.Duration, error) {
	var due sql.NullInt64
	_, err := t.row(`SELECT min(due_at) FROM outbox WHERE destination = ? AND due_at IS NOT NULL`, []any{destination}, &due)
	if err != nil || !due.Valid {
		return ledger.Never, err
	}
	return max(-since(t.now, due.Int64), 0), nil
}

// SettleOutbox implements [ledger.Outbox].
func (s *Store) SettleOutbox(ctx context.Context, destination string, answers []ledger.DeliveryAnswer) error {
	crash.Point(crash.Forwarded)
	return s.do(ctx, "settle", func(t *tx) error {
		for _, a := range answers {
			if err := t.settleDelivery(a); err != nil {
				return err
			}
		}
		t.publish(ledger.Outgoing(destination))
		return nil
	})
}

func (t *tx) settleDelivery(a ledger.DeliveryAnswer) error {
	d, found, err := t.delivery(`SELECT `+deliveryColumns+` FROM outbox WHERE seq = ? AND claimed_at IS NOT NULL`, a.Seq)
	if err != nil || !found {
		return err
	}
	c := d.Answer(a)
	if err := t.hear(ledger.Outgoing(d.Destination).Lane(), c.Lane); err != nil {
		return err
	}
	if c.Disable != "" {
		if err := t.disable(d.Destination, c.Disable); err != nil {
			return err
		}
	}
	if c.Over {
		return t.over(d, a)
	}
	return t.keep(c)
}

// over forgets a delivery that is made, with those that would tell what it told.
func (t *tx) over(d ledger.Delivery, a ledger.DeliveryAnswer) error {
	if _, err := t.exec(`DELETE FROM outbox WHERE seq = ?`, d.Seq); err != nil {
		return err
	}
	var other int64
	more, err := t.row(`SELECT seq FROM outbox WHERE dead = 0 AND destination = ? AND ordered = ? LIMIT 1`, []any{d.Destination, d.Order[:]}, &other)
	if err != nil || !more {
		return err
	}
	if a.Outcome == ledger.Delivered && a.Revision > 0 {
		_, err := t.exec(`DELETE FROM outbox WHERE dead = 0 AND destination = ? AND ordered = ? AND record = ? AND claimed_at IS NULL
			AND revision > 0 AND revision <= ?`, d.Destination, d.Order[:], d.Record[:], a.Revision)
		if err != nil {
			return err
		}
	}
	return t.next(d)
}

// keep keeps a delivery that is not made. One that newer news waits behind leaves the telling to it.
func (t *tx) keep(c ledger.DeliveryChange) error {
	d := c.Delivery
	newer, found, err := t.unsent(d)
	if err == nil && found && newer.Seq != d.Seq && !newer.Dead {
		if _, err := t.exec(`DELETE FROM outbox WHERE seq = ?`, newer.Seq); err != nil {
			return err
		}
		d = d.Overtaken(newer)
	}
	if err != nil {
		return err
	}
	var due any
	if !d.Dead {
		due = t.later(max(c.Due, 0))
	}
	_, err = t.exec(`UPDATE outbox SET event = ?, revision = ?, tries = ?, reason = ?, status = ?, dead = ?, claimed_at = NULL, due_at = ?
		WHERE seq = ?`, string(d.Event), d.Revision, d.Tries, d.Reason, d.Status, d.Dead, due, d.Seq)
	if err != nil || !d.Dead {
		return err
	}
	return t.gaveUp(d)
}

// gaveUp announces a delivery that was given up, and lets the next of its order go.
func (t *tx) gaveUp(d ledger.Delivery) error {
	r, found, err := t.record(d.Record, false)
	if err != nil {
		return err
	}
	if found {
		err := t.announce(ledger.Notice{Kind: ledger.DeliveryFailed, Target: r.Target, Record: r.ID, Reason: d.Destination + ": " + d.Reason})
		if err != nil {
			return err
		}
	}
	return t.next(d)
}
