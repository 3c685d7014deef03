package postgres

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/claygate/claygate/internal/ledger"
)

// deliveryColumns are the columns of a delivery in the order in which scanDelivery reads them.
const deliveryColumns = `seq, destination, record, ordered, event, revision, tries, reason, status, dead, claimed_at, due_at, created_at`

// posted is a delivery in the outbox, within a transaction that tells.
type posted struct {
	ledger.Delivery
	claimed pgtype.Int8
	due     pgtype.Int8 // NULL behind another of its order, or dead

	fresh, dirty, gone bool
}

// scanDelivery reads a delivery. Durations in it are as of now.
func scanDelivery(row pgx.Row, now time.Time) (*posted, error) {
	p := &posted{}
	var created int64
	err := row.Scan(&p.Seq, &p.Destination, (*[16]byte)(&p.Record), (*[16]byte)(&p.Order), &p.Event, &p.Revision, &p.Tries, &p.Reason, &p.Status,
		&p.Dead, &p.claimed, &p.due, &created)
	p.CreatedAt = time.UnixMicro(created)
	if p.claimed.Valid {
		p.SinceClaim = max(since(now, p.claimed.Int64), 0)
	}
	return p, err
}

// post puts deliveries into the outbox when the transaction ends.
func (t *tx) post(deliveries []ledger.Delivery) { t.posts = append(t.posts, deliveries...) }

// place names what waits in one order: to one destination, one at a time.
type place struct {
	destination string
	order       ledger.Digest
}

func placeOf(d ledger.Delivery) place { return place{d.Destination, d.Order} }

// outbox is a part of the outbox within a transaction that tells: all that waits in some orders, and what was given up.
type outbox struct {
	t    *tx
	rows map[place][]*posted
}

const readOutbox = `SELECT ` + deliveryColumns + ` FROM outbox WHERE (NOT dead AND (destination, ordered) IN (SELECT * FROM unnest($1::text[], $2::uuid[])))`
const readDead = `SELECT ` + deliveryColumns + ` FROM outbox WHERE dead AND record = ANY($1)`

// open reads what is in the outbox of some orders, and what was given up of some records. Whoever tells has the lock.
func (t *tx) open(places []place, records []ledger.RecordID) (*outbox, error) {
	o := &outbox{t: t, rows: map[place][]*posted{}}
	var destinations []string
	var orders []ledger.Digest
	for _, p := range places {
		if _, asked := o.rows[p]; !asked {
			o.rows[p] = nil
			destinations, orders = append(destinations, text(p.destination)), append(orders, p.order)
		}
	}
	read := func(row pgx.Rows) error {
		p, err := scanDelivery(row, t.now)
		o.rows[placeOf(p.Delivery)] = append(o.rows[placeOf(p.Delivery)], p)
		return err
	}
	b := t.batch()
	t.queue(b, readOutbox, []any{destinations, uuids(orders)}, read)
	t.queue(b, readDead, []any{uuids(records)}, read)
	return o, t.send(b)
}

// placeAll puts into the outbox what is to be forwarded. What has not left yet of the same record tells the newer news.
func (t *tx) placeAll() error {
	places, records := make([]place, len(t.posts)), make([]ledger.RecordID, len(t.posts))
	for i, d := range t.posts {
		places[i], records[i] = placeOf(d), d.Record
	}
	o, err := t.open(places, records)
	if err != nil {
		return err
	}
	for _, d := range t.posts {
		if waiting := o.unsent(d); waiting != nil {
			o.overtake(waiting, d)
		} else {
			o.add(d)
		}
	}
	t.posts = nil
	return o.write()
}

// unsent finds the delivery of the same record to the same destination that is not under way: it waits, or was given up.
func (o *outbox) unsent(d ledger.Delivery) (dead *posted) {
	for _, p := range o.rows[placeOf(d)] {
		switch {
		case p.gone || p.Record != d.Record:
		case p.Dead:
			dead = p
		case !p.claimed.Valid:
			return p
		}
	}
	return dead
}

// overtake has a delivery that has not left tell the newer news. It keeps its place, unless it had been given up.
func (o *outbox) overtake(waiting *posted, by ledger.Delivery) {
	d, dead := waiting.Overtaken(by), waiting.Dead
	if dead {
		waiting.due = o.behind(d)
	}
	waiting.Delivery, waiting.dirty = d, true
}

func (o *outbox) add(d ledger.Delivery) {
	p := &posted{Delivery: d, due: o.behind(d), fresh: true}
	o.rows[placeOf(d)] = append(o.rows[placeOf(d)], p)
}

// behind returns when a delivery that comes to wait may be claimed: at once, or, NULL, once those of its order that came
// before are over.
func (o *outbox) behind(d ledger.Delivery) pgtype.Int8 {
	o.t.publish(ledger.Outgoing(d.Destination))
	if ledger.IsCallback(d.Destination) {
		o.t.publish(ledger.Outbound)
	}
	for _, p := range o.rows[placeOf(d)] {
		if !p.gone && !p.Dead {
			return pgtype.Int8{}
		}
	}
	return some(0)
}

// next lets the next delivery of an order go, after one that is over.
func (o *outbox) next(of place) {
	var first *posted
	for _, p := range o.rows[of] {
		if !p.gone && !p.Dead && (first == nil || before(p, first)) {
			first = p
		}
	}
	if first == nil || first.due.Valid || first.claimed.Valid {
		return
	}
	o.t.publish(ledger.Outgoing(of.destination))
	first.due, first.dirty = some(0), true
}

// before tells which of an order's deliveries goes first: the oldest record's.
func before(a, b *posted) bool {
	return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), compareSeq(a, b)) < 0
}

// compareSeq compares the places of deliveries; those that have no number yet come last.
func compareSeq(a, b *posted) int {
	return cmp.Or(cmp.Compare(btoi(a.fresh), btoi(b.fresh)), cmp.Compare(a.Seq, b.Seq))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

var newDeliveries = []column[*posted]{
	col("destination", "text", func(p *posted) string { return text(p.Destination) }),
	col("record", "uuid", func(p *posted) pgtype.UUID { return idOf(p.Record) }),
	col("ordered", "uuid", func(p *posted) pgtype.UUID { return pgtype.UUID{Bytes: p.Order, Valid: true} }),
	col("event", "text", func(p *posted) string { return string(p.Event) }),
	col("revision", "bigint", func(p *posted) int64 { return int64(p.Revision) }),
	col("due_at", "bigint", func(p *posted) pgtype.Int8 { return p.due }),
}

var changedDeliveries = []column[*posted]{
	col("seq", "bigint", func(p *posted) int64 { return p.Seq }),
	col("event", "text", func(p *posted) string { return string(p.Event) }),
	col("revision", "bigint", func(p *posted) int64 { return int64(p.Revision) }),
	col("tries", "bigint", func(p *posted) int64 { return int64(p.Tries) }),
	col("reason", "text", func(p *posted) string { return text(p.Reason) }),
	col("status", "bigint", func(p *posted) int64 { return int64(p.Status) }),
	col("dead", "boolean", func(p *posted) bool { return p.Dead }),
	col("claimed_at", "bigint", func(p *posted) pgtype.Int8 { return p.claimed }),
	col("due_at", "bigint", func(p *posted) pgtype.Int8 { return p.due }),
}

var (
	insertDeliveries = `INSERT INTO outbox (` + names(newDeliveries) + `, tries, reason, status, dead, created_at)
		SELECT *, 0, '', 0, false, $7::bigint FROM ` + unnested(newDeliveries)
	updateDeliveries = updateOf("outbox", changedDeliveries, 1)
)

// write writes what changed.
func (o *outbox) write() error {
	var fresh, changed []*posted
	var gone []int64
	for _, rows := range o.rows {
		for _, p := range rows {
			switch {
			case p.gone && p.fresh:
			case p.gone:
				gone = append(gone, p.Seq)
			case p.fresh:
				fresh = append(fresh, p)
			case p.dirty:
				changed = append(changed, p)
			}
		}
	}
	slices.SortStableFunc(fresh, func(a, b *posted) int { return bytes.Compare(a.Record[:], b.Record[:]) })
	b := &pgx.Batch{}
	if len(gone) > 0 {
		b.Queue(`DELETE FROM outbox WHERE seq = ANY($1)`, gone)
	}
	if len(fresh) > 0 {
		b.Queue(insertDeliveries, append(arrays(newDeliveries, fresh), micros(o.t.now))...)
	}
	put(b, updateDeliveries, changedDeliveries, changed)
	return o.t.send(b)
}
