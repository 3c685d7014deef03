package ledger

import "fmt"

// Budget bounds what is spent. The zero Budget bounds nothing.
type Budget struct {
	Day   Cost // the most in a day; 0 in a meter for no limit
	Month Cost // the most in a month, likewise
	// Refuses turns new records away while it is spent. Else they are taken, and wait until the window turns.
	Refuses bool
}

// IsZero reports whether it bounds nothing.
func (b Budget) IsZero() bool { return b.Day == Cost{} && b.Month == Cost{} }

// Spent is what was spent in the day and in the month that is now.
type Spent struct{ Day, Month Cost }

// Plus returns what is spent once a cost was paid today.
func (s Spent) Plus(c Cost) Spent { return Spent{s.Day.Plus(c), s.Month.Plus(c)} }

// Shortage says what of a budget is spent. The zero Shortage says that nothing is.
type Shortage struct {
	Meter  Meter
	Window Window // until whose end nothing more is paid
	Limit  Cost   // the budget's, in that window
	Spent  Cost   // what was spent in it
}

// IsZero reports whether nothing is short.
func (s Shortage) IsZero() bool { return s == Shortage{} }

// String says it for people: "10 of 10 records in a day".
func (s Shortage) String() string {
	return fmt.Sprintf("%s spent of %s in a %s", s.Spent.Say(s.Meter), s.Limit.Say(s.Meter), s.Window)
}

// Room returns how many of n records at a price the budget still pays, and, when it is none, what is spent of it. Of
// several limits that are reached it is the one that holds longest.
func (b Budget) Room(s Spent, price Cost, n int) (room int, short Shortage) {
	room = n
	for _, of := range []struct {
		window       Window
		limit, spent Cost
	}{{PerDay, b.Day, s.Day}, {PerMonth, b.Month, s.Month}} {
		for _, m := range Meters {
			limit, each := of.limit.In(m), price.In(m)
			if limit <= 0 || each <= 0 {
				continue
			}
			left := max(limit-of.spent.In(m), 0) / each
			if left == 0 && (short.IsZero() || short.Window != of.window) {
				short = Shortage{Meter: m, Window: of.window, Limit: of.limit, Spent: of.spent}
			}
			room = int(min(int64(room), left))
		}
	}
	return room, short
}

// Take pays for as many of n records as it can, and returns what is spent then.
func (b Budget) Take(s Spent, price Cost, n int) (next Spent, granted int, short Shortage) {
	granted, short = b.Room(s, price, n)
	return s.Plus(price.Times(granted)), granted, short
}
