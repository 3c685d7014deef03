package sqlite

import (
	"database/sql"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// deliveryColumns are the columns of a delivery in the order in which scanDelivery reads them.
const deliveryColumns = `seq, destination, record, ordered, event, revision, tries, reason, status, dead, claimed_at, created_at`

// scanDelivery reads a delivery. Durations in it are as of now.
func scanDelivery(row scanner, now time.Time) (d ledger.Delivery, err error) {
	var record, order []byte
	var claimed sql.NullInt64
	var created int64
	var event string
	err = row.Scan(&d.Seq, &d.Destination, &record, &order, &event, &d.Revision, &d.Tries, &d.Reason, &d.Status, &d.Dead,
		&claimed, &created)
	if err != nil {
		return d, err
	}
	d.Event, d.CreatedAt = ledger.NoticeKind(event), time.UnixMicro(created)
	copy(d.Record[:], record)
	copy(d.Order[:], order)
	if claimed.Valid {
		d.SinceClaim = max(since(now, claimed.Int64), 0)
	}
	return d, nil
}

// delivery reads one delivery for a change; found is false when there is none.
func (t *tx) delivery(query string, args ...any) (d ledger.Delivery, found bool, err error) {
	err = t.rows(query, args, func(row statement) (_ bool, err error) {
		found = true
		d, err = scanDelivery(row, t.now)
		return false, err
	})
	return d, found && err == nil, err
}

// post puts deliveries into the outbox. What has not left yet of the same record tells the newer news.
func (t *tx) post(deliveries []ledger.Delivery) error {
	for _, d := range deliveries {
		waiting, found, err := t.unsent(d)
		if err != nil {
			return err
		}
		if found {
			err = t.overtake(waiting, d)
		} else {
			err = t.insertDelivery(d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unsent finds the delivery of the same record to the same destination that is not under way: it waits, or was given up.
func (t *tx) unsent(d ledger.Delivery) (ledger.Delivery, bool, error) {
	waiting, found, err := t.delivery(`SELECT `+deliveryColumns+` FROM outbox WHERE dead = 0 AND destination = ? AND ordered = ?
		AND record = ? AND claimed_at IS NULL`, d.Destination, d.Order[:], d.Record[:])
	if err != nil || found {
		return waiting, found, err
	}
	return t.delivery(`SELECT `+deliveryColumns+` FROM outbox WHERE record = ? AND destination = ? AND dead <> 0`,
		d.Record[:], d.Destination)
}

// overtake has a delivery that has not left tell the newer news. It keeps its place, unless it had been given up.
func (t *tx) overtake(waiting, by ledger.Delivery) error {
	d := waiting.Overtaken(by)
	if waiting.Dead {
		return t.revive(d)
	}
	_, err := t.exec(`UPDATE outbox SET event = ?, revision = ? WHERE seq = ?`, string(d.Event), d.Revision, d.Seq)
	return err
}

// revive makes a delivery that had been given up wait again.
func (t *tx) revive(d ledger.Delivery) error {
	due, err := t.place(d)
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE outbox SET event = ?, revision = ?, tries = ?, reason = ?, status = ?, dead = 0, claimed_at = NULL, due_at = ?
		WHERE seq = ?`, string(d.Event), d.Revision, d.Tries, d.Reason, d.Status, due, d.Seq)
	return err
}

func (t *tx) insertDelivery(d ledger.Delivery) error {
	due, err := t.place(d)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO outbox (destination, record, ordered, event, revision, tries, reason, status, dead, due_at, created_at)
		VALUES (?, ?, ?, ?, ?, 0, '', 0, 0, ?, ?)`, d.Destination, d.Record[:], d.Order[:], string(d.Event), d.Revision, due, micros(t.now))
	return err
}

// place returns when a delivery that comes to wait may be claimed: at once, or, NULL, once those of its order that came
// before are over.
func (t *tx) place(d ledger.Delivery) (due any, err error) {
	t.publish(ledger.Outgoing(d.Destination))
	if ledger.IsCallback(d.Destination) {
		t.publish(ledger.Outbound)
	}
	var seq int64
	behind, err := t.row(`SELECT seq FROM outbox WHERE dead = 0 AND destination = ? AND ordered = ? LIMIT 1`,
		[]any{d.Destination, d.Order[:]}, &seq)
	if err != nil || behind {
		return nil, err
	}
	return int64(0), nil
}

// next lets the next delivery of an order go, after one that is over.
func (t *tx) next(d ledger.Delivery) error {
	var seq int64
	var due, claimed sql.NullInt64
	found, err := t.row(`SELECT seq, due_at, claimed_at FROM outbox WHERE dead = 0 AND destination = ? AND ordered = ?
		ORDER BY record, seq LIMIT 1`, []any{d.Destination, d.Order[:]}, &seq, &due, &claimed)
	if err != nil || !found || due.Valid || claimed.Valid {
		return err
	}
	t.publish(ledger.Outgoing(d.Destination))
	_, err = t.exec(`UPDATE outbox SET due_at = 0 WHERE seq = ?`, seq)
	return err
}

// orphanDeliveries lets deliveries go again that a former process was about to make.
func (t *tx) orphanDeliveries() error {
	_, err := t.exec(`UPDATE outbox SET due_at = 0, claimed_at = NULL WHERE claimed_at IS NOT NULL`)
	return err
}

// withdraw forgets what was to be told of a record that is erased. Where it was that delivery's turn, it is the next one's.
func (t *tx) withdraw(id ledger.RecordID) error {
	deliveries, err := t.deliveries(`SELECT `+deliveryColumns+` FROM outbox WHERE record = ? AND due_at IS NOT NULL`, id[:])
	if err != nil {
		return err
	}
	if _, err := t.exec(`DELETE FROM outbox WHERE record = ?`, id[:]); err != nil {
		return err
	}
	for _, d := range deliveries {
		if err := t.next(d); err != nil {
			return err
		}
	}
	return nil
}

// deliveries runs a query whose rows are deliveries.
func (t *tx) deliveries(query string, args ...any) (all []ledger.Delivery, err error) {
	err = t.rows(query, args, func(row statement) (bool, error) {
		d, err := scanDelivery(row, t.now)
		all = append(all, d)
		return true, err
	})
	return all, err
}
