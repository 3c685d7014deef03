package ledgertest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// memoryOutbox is an outbox in a list, in the order in which deliveries were written. Each is of a line: those to one
// destination with one order, of which one may leave at a time.
type memoryOutbox struct {
	outbox   []*memoryDelivery
	disabled map[string]string
}

// memoryDelivery is a delivery with times; a zero time is none.
type memoryDelivery struct {
	ledger.Delivery
	dueAt, claimedAt time.Time
}

func (d *memoryDelivery) claimed() bool { return !d.claimedAt.IsZero() }

// atOnce is when deliveries are due that may leave: before all that wait for another try.
var atOnce = time.UnixMicro(0)

// post writes what an event of a record is to be forwarded as.
func (m *memory) post(deliveries []ledger.Delivery) {
	for _, d := range deliveries {
		waiting := m.unsent(d)
		switch {
		case waiting == nil:
			d.CreatedAt = m.now
			added := &memoryDelivery{Delivery: d}
			m.place(added)
			m.outbox = append(m.outbox, added)
		case waiting.Dead:
			m.revive(waiting, d)
		default:
			waiting.Delivery = waiting.Overtaken(d)
		}
	}
}

// unsent returns what tells of the same record and is not under way: it waits, or was given up.
func (m *memory) unsent(d ledger.Delivery) (found *memoryDelivery) {
	for _, other := range m.outbox {
		if other.Destination == d.Destination && other.Record == d.Record && !other.claimed() && (found == nil || found.Dead) {
			found = other
		}
	}
	return found
}

// line returns the deliveries that are not given up of the line of one, the oldest record first.
func (m *memory) line(d ledger.Delivery) (line []*memoryDelivery) {
	for _, other := range m.outbox {
		if other.Destination == d.Destination && other.Order == d.Order && !other.Dead {
			line = append(line, other)
		}
	}
	slices.SortStableFunc(line, func(a, b *memoryDelivery) int { return bytes.Compare(a.Record[:], b.Record[:]) })
	return line
}

// place puts a delivery behind those of its line, or lets it go when there is none.
func (m *memory) place(d *memoryDelivery) {
	if d.dueAt = atOnce; len(m.line(d.Delivery)) > 0 {
		d.dueAt = time.Time{}
	}
}

func (m *memory) revive(d *memoryDelivery, by ledger.Delivery) {
	m.place(d)
	d.Delivery = d.Overtaken(by)
}

// next lets the first of a line go, unless another of it may.
func (m *memory) next(d ledger.Delivery) {
	line := m.line(d)
	if len(line) > 0 && !slices.ContainsFunc(line, func(o *memoryDelivery) bool { return !o.dueAt.IsZero() }) {
		line[0].dueAt = atOnce
	}
}

// claimable returns what a claim may take, what has waited longest first.
func (m *memory) claimable(destination string) (all []*memoryDelivery) {
	for _, d := range m.outbox {
		if d.Destination == destination && !d.dueAt.IsZero() && !d.dueAt.After(m.now) {
			all = append(all, d)
		}
	}
	slices.SortStableFunc(all, func(a, b *memoryDelivery) int { return a.dueAt.Compare(b.dueAt) })
	return all
}

// claimOutbox claims up to max deliveries and says how many that are. Which they are the caller says: of those that are due
// at once, any.
func (m *memory) claimOutbox(want ledger.Outgoings) (n int, claim func([]*memoryDelivery) time.Duration) {
	nothing := func([]*memoryDelivery) time.Duration { return ledger.Never }
	if m.disabled[want.Destination] != "" {
		return 0, nothing
	}
	id := ledger.Outgoing(want.Destination).Lane()
	l, ok := m.lanes[id]
	if !ok {
		l = memoryLane{ledger.NewLane(id, m.catalog.Pace(id)), m.now}
	}
	next, granted, wait := l.Take(m.now.Sub(l.at), want.Max)
	if granted == 0 {
		return 0, func([]*memoryDelivery) time.Duration { return wait }
	}
	n = min(granted, len(m.claimable(want.Destination)))
	return n, func(chosen []*memoryDelivery) time.Duration {
		for _, d := range chosen {
			d.claimedAt, d.dueAt = m.now, m.now.Add(ledger.DeliveryLease)
		}
		if n > 0 {
			m.lanes[id] = memoryLane{next.Return(granted - n), m.now}
		}
		if n == granted {
			return wait
		}
		return m.untilDue(want.Destination)
	}
}

func (m *memory) untilDue(destination string) time.Duration {
	wait := time.Duration(ledger.Never)
	for _, d := range m.outbox {
		if d.Destination != destination || d.dueAt.IsZero() {
			continue
		}
		if left := max(d.dueAt.Sub(m.now), 0); wait < 0 || left < wait {
			wait = left
		}
	}
	return wait
}

// settle writes what became of a delivery; nil, or one that is not claimed, is passed over.
func (m *memory) settle(d *memoryDelivery, a ledger.DeliveryAnswer) {
	if d == nil || !d.claimed() {
		return
	}
	before := d.Delivery
	before.SinceClaim = m.now.Sub(d.claimedAt)
	c := before.Answer(a)
	m.hear(ledger.Outgoing(d.Destination).Lane(), c.Lane)
	if c.Disable != "" {
		m.disabled[d.Destination] = cmp.Or(m.disabled[d.Destination], c.Disable)
	}
	if c.Over {
		m.drop(d)
		if told := m.unsent(d.Delivery); a.Outcome == ledger.Delivered && told != nil && !told.Dead && told.Revision > 0 && told.Revision <= a.Revision {
			m.drop(told)
		}
		m.next(d.Delivery)
		return
	}
	c.Delivery.SinceClaim = 0
	if newer := m.unsent(d.Delivery); newer != nil && !newer.Dead {
		m.drop(newer)
		c.Delivery = c.Delivery.Overtaken(newer.Delivery)
	}
	d.Delivery, d.claimedAt, d.dueAt = c.Delivery, time.Time{}, time.Time{}
	if d.Dead {
		m.next(d.Delivery)
	} else {
		d.dueAt = m.now.Add(max(c.Due, 0))
	}
}

func (m *memory) drop(d *memoryDelivery) {
	m.outbox = slices.DeleteFunc(m.outbox, func(o *memoryDelivery) bool { return o == d })
}

// withdraw forgets what was to be told of a record.
func (m *memory) withdraw(id ledger.RecordID) {
	var gone []*memoryDelivery
	for _, d := range m.outbox {
		if d.Record == id {
			gone = append(gone, d)
		}
	}
	for _, d := range gone {
		m.drop(d)
	}
	for _, d := range gone {
		m.next(d.Delivery)
	}
}

// redeliver forwards again; a kind is why nothing is.
func (m *memory) redeliver(what ledger.Redelivery) (n int, kind ledger.Kind) {
	var all []ledger.Delivery
	for _, id := range what.Records {
		row := m.rows[id]
		if row == nil {
			return 0, ledger.NotFound
		}
		target, _ := m.catalog.Target(row.Target)
		again, err := target.Redeliveries(what.Destination, row.Record)
		if err != nil {
			return 0, ledger.KindOf(err)
		}
		all = append(all, again...)
	}
	m.post(all)
	n = len(all)
	if what.Dead {
		for _, d := range slices.Clone(m.outbox) {
			if d.Dead && (what.Destination == "" || what.Destination == d.Destination) {
				m.revive(d, d.Delivery)
				n++
			}
		}
	}
	return n, ""
}

// hosts returns the hosts of callback URLs to which something may leave.
func (m *memory) hosts() (hosts []string) {
	for _, d := range m.outbox {
		if ledger.IsCallback(d.Destination) && !d.dueAt.IsZero() && !slices.Contains(hosts, d.Destination) {
			hosts = append(hosts, d.Destination)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// destinations returns how each stands.
func (m *memory) destinations() (all []ledger.DestinationStatus) {
	stand := map[string]ledger.DestinationStatus{}
	for name, reason := range m.disabled {
		stand[name] = ledger.DestinationStatus{Destination: name, Disabled: reason}
	}
	for _, d := range m.outbox {
		s := stand[d.Destination]
		s.Destination = d.Destination
		if d.Dead {
			s.Dead++
		} else {
			s.Waiting++
		}
		stand[d.Destination] = s
	}
	for _, s := range stand {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b ledger.DestinationStatus) int { return strings.Compare(a.Destination, b.Destination) })
	return all
}
