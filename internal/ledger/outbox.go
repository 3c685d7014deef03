package ledger

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Outlet is a destination to which the ends of a target's records are forwarded. Every result is, and every change of
// one; the rest where it is asked for.
type Outlet struct {
	Destination string
	// Failures forwards records that ended without a result as well: record.failed and record.expired.
	Failures bool
	// Cached forwards records that were answered from the cache as well. Those that shared the work of another record
	// always are: each was somebody's own.
	Cached bool
}

// Delivery is a record's end that is still to be forwarded to a destination. It holds nothing of the record's content:
// what is sent is the record as it stands then.
type Delivery struct {
	Seq         int64 // given by the store
	Destination string
	Record      RecordID
	Order       Digest // of those with the same one, one is under way at a time; the oldest record first
	Event       NoticeKind
	Revision    int    // of the result when it was written
	Tries       int    // that failed
	Reason      string // why the last one did; for people
	Status      int    // what the destination answered to it; 0 for nothing
	Dead        bool   // given up, until somebody asks for it again
	CreatedAt   time.Time
	SinceClaim  time.Duration // filled in by the store
}

// callbackMark begins the names of the destinations that are not configured: the hosts of callback URLs.
const callbackMark = "@"

// CallbackHost returns the destination of deliveries to a record's own URL: one for each host, so that a slow one delays
// no other.
func CallbackHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return callbackMark
	}
	return callbackMark + strings.ToLower(u.Host)
}

// IsCallback reports whether a destination is the host of records' own URLs.
func IsCallback(destination string) bool { return strings.HasPrefix(destination, callbackMark) }

// Outgoing is the topic of those who deliver to a destination.
type Outgoing string

// Lane returns the lane that paces a destination.
func (o Outgoing) Lane() LaneID { return LaneID("to/" + string(o)) }

// FreePace is the pace of a destination that sets none.
var FreePace = Pace{PerSecond: 1e6, Burst: 1e6}

// Deliveries returns what an event of a record is to be forwarded as.
func (t Target) Deliveries(kind NoticeKind, r Record) []Delivery {
	if kind == "" {
		return nil
	}
	var out []Delivery
	for _, o := range t.Forward {
		if o.takes(kind, r) {
			out = append(out, t.delivery(o.Destination, kind, r))
		}
	}
	if r.CallbackURL != "" {
		out = append(out, t.callback(kind, r))
	}
	return out
}

func (o Outlet) takes(kind NoticeKind, r Record) bool {
	switch kind {
	case RecordDone, RecordUpdated:
		return o.Cached || !r.Cached || !r.Leader.IsZero()
	case RecordFailed, RecordExpired:
		return o.Failures
	}
	return false
}

func (t Target) delivery(destination string, kind NoticeKind, r Record) Delivery {
	order := r.Key
	if order.IsZero() {
		order = Digest(r.ID)
	}
	return Delivery{Destination: destination, Record: r.ID, Order: order, Event: kind, Revision: r.Revision}
}

func (t Target) callback(kind NoticeKind, r Record) Delivery {
	return Delivery{Destination: CallbackHost(r.CallbackURL), Record: r.ID, Order: Digest(r.ID), Event: kind, Revision: r.Revision}
}

// Redeliveries returns what forwards a record again that has ended: to one of its destinations, or to all with "".
func (t Target) Redeliveries(destination string, r Record) ([]Delivery, error) {
	kind := endOf(r)
	if kind == "" {
		return nil, conflict("redeliver", r)
	}
	if r.Erased {
		return nil, &Error{Kind: Conflict, Op: "redeliver", Message: fmt.Sprintf("record %s was erased: nothing is left to tell", r.ID)}
	}
	var out []Delivery
	for _, o := range t.Forward {
		if destination == "" || destination == o.Destination {
			out = append(out, t.delivery(o.Destination, kind, r))
		}
	}
	if own := CallbackHost(r.CallbackURL); r.CallbackURL != "" && (destination == "" || destination == own) {
		out = append(out, t.callback(kind, r))
	}
	if len(out) == 0 {
		return nil, &Error{Kind: NotFound, Op: "redeliver", Message: fmt.Sprintf("record %s has no such destination", r.ID),
			Hint: "the configuration says which destinations its target has"}
	}
	return out, nil
}

// endOf returns the event that tells how a record stands; "" while it has not ended.
func endOf(r Record) NoticeKind {
	switch {
	case r.State == Done && r.Revision > 1:
		return RecordUpdated
	case r.State == Done:
		return RecordDone
	case r.State == Dead:
		return RecordFailed
	case r.State == Expired:
		return RecordExpired
	case r.State == Canceled:
		return RecordCanceled
	}
	return ""
}

// Overtaken returns what becomes of a delivery that has not left when there is newer news of its record: one delivery
// tells it all. Whoever never heard of the result hears of it as done.
func (d Delivery) Overtaken(by Delivery) Delivery {
	if !(by.Event == RecordUpdated && d.Event == RecordDone && d.Tries == 0) {
		d.Event = by.Event
	}
	d.Revision = by.Revision
	if d.Dead {
		d.Dead, d.Tries, d.Reason, d.Status = false, 0, "", 0
	}
	return d
}

// EventID names the news that a record stands as it does. It is the same however often it is delivered, so that a
// receiver can tell what it has seen.
func EventID(r Record) string {
	digits := strings.TrimPrefix(r.ID.String(), recordPrefix)
	if r.State == Done {
		return fmt.Sprintf("evt_%s_r%d", digits, r.Revision)
	}
	return fmt.Sprintf("evt_%s_a%d", digits, r.Attempts)
}

// DeliveryOutcome is how a try to deliver ended.
type DeliveryOutcome string

// The outcomes of a delivery.
const (
	Delivered   DeliveryOutcome = "delivered"   // the destination has it
	Skipped     DeliveryOutcome = "skipped"     // there is nothing to deliver: a filter, or an erased record
	NotTaken    DeliveryOutcome = "not_taken"   // the destination did not take this one: tried again later
	Unreachable DeliveryOutcome = "unreachable" // nor would it take another: the destination is held as well
	Undelivered DeliveryOutcome = "undelivered" // it never can be delivered as it is
	Gone        DeliveryOutcome = "gone"        // the destination wants nothing more: it is disabled
	Unsettled   DeliveryOutcome = "unsettled"   // it was not tried
)

// DeliveryAnswer is how a claimed delivery went.
type DeliveryAnswer struct {
	Seq        int64
	Outcome    DeliveryOutcome
	Revision   int // of the result that was sent
	Status     int
	Reason     string        // for people; "" for what was delivered
	RetryAfter time.Duration // the delay that the destination asked for; 0 for none
	Jitter     float64       // uniform in [0,1)
}

// DeliveryChange is what an answer does to its delivery.
type DeliveryChange struct {
	Delivery Delivery
	Over     bool          // nothing is left to deliver
	Due      time.Duration // from now until the next try; Never for one that is dead
	Lane     Signal        // what it says about the destination's pace
	Disable  string        // why the destination is to be disabled; "" when it is not
}

// deliveryDelays are those that Standard Webhooks 1.0 gives as its example: ten tries over three days.
var deliveryDelays = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// MaxDeliveries is how many tries a delivery has.
var MaxDeliveries = len(deliveryDelays) + 1

// Answer applies an answer to a delivery. Like [Decide] it reads no clock.
func (d Delivery) Answer(a DeliveryAnswer) DeliveryChange {
	c := DeliveryChange{Delivery: d, Lane: Signal{Kind: Flowing, Jitter: a.Jitter, Age: d.SinceClaim}}
	c.Delivery.Reason, c.Delivery.Status = a.Reason, a.Status
	switch a.Outcome {
	case Delivered:
		c.Over = true
	case Skipped:
		c.Over, c.Lane.Kind = true, Unused
	case Undelivered:
		return c.dead()
	case Gone:
		c.Disable = a.Reason
	case Unsettled:
		c.Delivery, c.Lane.Kind = d, Unused
	default:
		return c.failed(a)
	}
	return c
}

func (c DeliveryChange) dead() DeliveryChange {
	c.Delivery.Dead, c.Due = true, Never
	return c
}

func (c DeliveryChange) failed(a DeliveryAnswer) DeliveryChange {
	if a.Outcome == Unreachable {
		c.Lane.Kind, c.Lane.RetryAfter = Blocked, a.RetryAfter
	}
	c.Delivery.Tries++
	if c.Delivery.Tries >= MaxDeliveries {
		c.Delivery.Reason = fmt.Sprintf("%s (tried %d times)", a.Reason, c.Delivery.Tries)
		return c.dead()
	}
	delay := deliveryDelays[c.Delivery.Tries-1]
	c.Due = max(time.Duration(float64(delay)*(0.8+0.4*a.Jitter)), min(a.RetryAfter, maxRetryAfter))
	return c
}

// Destinations lists where a target's records go.
func (t Target) Destinations() []string {
	var names []string
	for _, o := range t.Forward {
		if !slices.Contains(names, o.Destination) {
			names = append(names, o.Destination)
		}
	}
	return names
}
