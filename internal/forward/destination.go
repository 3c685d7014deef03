package forward

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/claygate/claygate/internal/ledger"
)

// Condition is an expression that is true or false.
type Condition interface {
	Holds(fields json.RawMessage) (bool, error)
}

// Value is an expression that comes to a JSON value.
type Value interface {
	Of(fields json.RawMessage) (any, error)
}

// Settings are what every kind of destination has.
type Settings struct {
	// Name addresses it in the ledger.
	Name string
	// When holds of what is to be forwarded; nil for everything. It sees the event, see [Forwarder].
	When Condition
	// Compute are fields that are made for the message, by their name.
	Compute map[string]Value
	// Concurrency is how many requests may be under way. Default [DefaultConcurrency]; files have one.
	Concurrency int
}

// DefaultConcurrency is how many requests to one destination may be under way.
const DefaultConcurrency = 16

// Destination is where messages go.
type Destination struct {
	name        string
	settings    Settings
	driver      driver
	concurrency int
	batch       int  // how many messages go together
	inputs      bool // expressions want them
}

// driver delivers to one kind of destination.
type driver interface {
	// deliver makes one try for messages together and says how each of them ended.
	deliver(ctx context.Context, batch []message) []ledger.DeliveryAnswer
	// close gives back what it holds while nothing is delivered. It may deliver again.
	close()
}

func newDestination(s Settings, d driver, batch int) *Destination {
	return &Destination{name: s.Name, settings: s, driver: d, concurrency: cmp.Or(s.Concurrency, DefaultConcurrency), batch: max(batch, 1)}
}

// room is how many deliveries are claimed at once.
func (d *Destination) room() int { return d.concurrency * d.batch * ahead }

// message is one record's end as it is delivered.
type message struct {
	delivery ledger.Delivery
	record   *ledger.Record
	id       string          // of the event
	via      string          // the ledger that it comes from
	body     json.RawMessage // the event, one JSON object
	inputs   json.RawMessage // what expressions see; nil where there is none
}

// message makes the message of a delivery, or says why there is none.
func (d *Destination) message(view func(*ledger.Record) json.RawMessage, of ledger.Delivery, r *ledger.Record) (message, ledger.DeliveryAnswer) {
	if r == nil || r.Erased {
		return message{}, ledger.DeliveryAnswer{Outcome: ledger.Skipped, Reason: "the record was erased"}
	}
	m := message{delivery: of, record: r, id: ledger.EventID(*r)}
	seen := view(r)
	if d.settings.When != nil || len(d.settings.Compute) > 0 || d.inputs {
		m.inputs = inputs(m, seen)
	}
	if d.settings.When != nil {
		holds, err := d.settings.When.Holds(m.inputs)
		if err == nil && !holds {
			return m, ledger.DeliveryAnswer{Outcome: ledger.Skipped}
		}
		if err != nil { // better one too many than a result that is lost
			return m, unsuitable("when", err)
		}
	}
	computed, answer := d.compute(m.inputs)
	if answer.Outcome != "" {
		return m, answer
	}
	m.body = event(m, seen, computed)
	return m, ledger.DeliveryAnswer{}
}

// unsuitable says that an expression does not suit a record: a person must mend it and ask for it again.
func unsuitable(what string, err error) ledger.DeliveryAnswer {
	return ledger.DeliveryAnswer{Outcome: ledger.Undelivered, Reason: fmt.Sprintf("the expression %s: %s", what, err)}
}

// compute evaluates the computed fields; nil when there are none.
func (d *Destination) compute(inputs json.RawMessage) (json.RawMessage, ledger.DeliveryAnswer) {
	if len(d.settings.Compute) == 0 {
		return nil, ledger.DeliveryAnswer{}
	}
	values := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(d.settings.Compute)) {
		value, err := d.settings.Compute[name].Of(inputs)
		if err != nil {
			return nil, unsuitable("compute."+name, err)
		}
		values[name] = value
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, unsuitable("compute", err)
	}
	return text, ledger.DeliveryAnswer{}
}
