package ledger

import (
	"fmt"
	"math"
	"strconv"
)

// Meter names what money is counted in.
type Meter string

// The meters.
const (
	MeterRecords Meter = "records"      // records sent: needs no estimate
	MeterActions Meter = "actions"      // Clay's actions, by what the target is said to cost
	MeterCredits Meter = "data_credits" // Clay's data credits, likewise
)

// Meters lists every meter.
var Meters = []Meter{MeterRecords, MeterActions, MeterCredits}

// Amount is a number of actions or data credits in thousandths: what a record costs on average is rarely whole, and sums
// of binary fractions drift.
type Amount int64

// AmountOf returns the amount nearest to a number. What is no number, or beyond all counting, is the most there is.
func AmountOf(n float64) Amount {
	const most = int64(math.MaxInt64 / 1_000_000) // so that sums of many do not overflow
	if scaled := math.Round(n * 1000); math.Abs(scaled) < float64(most) {
		return Amount(scaled)
	}
	return Amount(most)
}

// Float returns the number.
func (a Amount) Float() float64 { return float64(a) / 1000 }

// String returns the number as people write it.
func (a Amount) String() string { return strconv.FormatFloat(a.Float(), 'f', -1, 64) }

// Cost is what something costs, in every meter.
type Cost struct {
	Records int64
	Actions Amount
	Credits Amount
}

// Plus returns the sum of two costs.
func (c Cost) Plus(d Cost) Cost {
	return Cost{c.Records + d.Records, c.Actions + d.Actions, c.Credits + d.Credits}
}

// Times returns the cost of n of what costs c.
func (c Cost) Times(n int) Cost {
	return Cost{c.Records * int64(n), c.Actions * Amount(n), c.Credits * Amount(n)}
}

// Minus returns what is left of a cost, at least nothing in each meter: what a record was said to cost may have changed
// since it was paid.
func (c Cost) Minus(d Cost) Cost {
	return Cost{max(c.Records-d.Records, 0), max(c.Actions-d.Actions, 0), max(c.Credits-d.Credits, 0)}
}

// In returns the cost in one meter, in the meter's own unit.
func (c Cost) In(m Meter) int64 {
	switch m {
	case MeterActions:
		return int64(c.Actions)
	case MeterCredits:
		return int64(c.Credits)
	}
	return c.Records
}

// Say returns the cost in one meter for people: "10 records".
func (c Cost) Say(m Meter) string {
	switch m {
	case MeterActions:
		return c.Actions.String() + " actions"
	case MeterCredits:
		return c.Credits.String() + " data credits"
	}
	return fmt.Sprintf("%d records", c.Records)
}

// Price returns what one record of the target costs.
func (t Target) Price() Cost {
	return Cost{Records: 1, Actions: t.Cost.Actions, Credits: t.Cost.Credits}
}

// Charged reports whether an attempt with this verdict is paid. What Clay dropped, or refused before it worked on
// anything, costs nothing; what may have arrived is counted as if it had.
func (v Verdict) Charged() bool {
	switch v {
	case Unsent, Throttled, Rejected, Refused, Divided, Exhausted:
		return false
	}
	return true
}
