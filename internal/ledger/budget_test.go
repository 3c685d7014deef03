package ledger_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

func TestBudgetRoom(t *testing.T) {
	price := ledger.Cost{Records: 1, Actions: 1500, Credits: 300}
	for name, tt := range map[string]struct {
		budget ledger.Budget
		spent  ledger.Spent
		n      int
		room   int
		meter  ledger.Meter
		window ledger.Window
	}{
		"none":                      {n: 7, room: 7},
		"records":                   {ledger.Budget{Day: ledger.Cost{Records: 10}}, ledger.Spent{Day: ledger.Cost{Records: 6}}, 7, 4, "", ""},
		"spent":                     {ledger.Budget{Day: ledger.Cost{Records: 10}}, ledger.Spent{Day: ledger.Cost{Records: 10}}, 7, 0, ledger.MeterRecords, ledger.PerDay},
		"overdrawn":                 {ledger.Budget{Day: ledger.Cost{Records: 10}}, ledger.Spent{Day: ledger.Cost{Records: 12}}, 7, 0, ledger.MeterRecords, ledger.PerDay},
		"less than one is left":     {ledger.Budget{Day: ledger.Cost{Actions: 10_000}}, ledger.Spent{Day: ledger.Cost{Actions: 9000}}, 7, 0, ledger.MeterActions, ledger.PerDay},
		"exactly one is left":       {ledger.Budget{Day: ledger.Cost{Actions: 10_000}}, ledger.Spent{Day: ledger.Cost{Actions: 8500}}, 7, 1, "", ""},
		"the scarcest counts":       {ledger.Budget{Day: ledger.Cost{Records: 100, Credits: 900}}, ledger.Spent{}, 7, 3, "", ""},
		"the month holds longer":    {ledger.Budget{Day: ledger.Cost{Records: 1}, Month: ledger.Cost{Records: 5}}, ledger.Spent{Day: ledger.Cost{Records: 1}, Month: ledger.Cost{Records: 5}}, 7, 0, ledger.MeterRecords, ledger.PerMonth},
		"the month alone":           {ledger.Budget{Day: ledger.Cost{Records: 9}, Month: ledger.Cost{Records: 5}}, ledger.Spent{Month: ledger.Cost{Records: 5}}, 7, 0, ledger.MeterRecords, ledger.PerMonth},
		"nothing is asked for":      {ledger.Budget{Day: ledger.Cost{Records: 5}}, ledger.Spent{}, 0, 0, "", ""},
		"all that there could ever": {ledger.Budget{Day: ledger.Cost{Records: math.MaxInt64}}, ledger.Spent{}, math.MaxInt, math.MaxInt, "", ""},
	} {
		room, short := tt.budget.Room(tt.spent, price, tt.n)
		if room != tt.room || short.Meter != tt.meter || short.Window != tt.window {
			t.Errorf("%s: room %d, short %+v; want %d, %s a %s", name, room, short, tt.room, tt.meter, tt.window)
		}
	}
	// What costs nothing in a meter is not held by it.
	if room, _ := (ledger.Budget{Day: ledger.Cost{Actions: 1}}).Room(ledger.Spent{Day: ledger.Cost{Actions: 1}}, ledger.Cost{Records: 1}, 3); room != 3 {
		t.Errorf("room for %d of what takes no actions, want 3", room)
	}
}

// However it is asked for, no more is spent than the limits, and something is granted while there is room.
func TestBudgetIsNeverOverdrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := func(name string, most int) int64 { return int64(rapid.IntRange(0, most).Draw(t, name)) }
		cost := func(name string, most int) ledger.Cost {
			return ledger.Cost{Records: amount(name+" records", most), Actions: ledger.Amount(amount(name+" actions", 1000*most)), Credits: ledger.Amount(amount(name+" credits", 1000*most))}
		}
		b := ledger.Budget{Day: cost("day", 30), Month: cost("month", 90)}
		price := ledger.Cost{Records: 1, Actions: ledger.Amount(amount("actions", 3000)), Credits: ledger.Amount(amount("credits", 3000))}
		var spent ledger.Spent
		for range 20 {
			n := rapid.IntRange(0, 9).Draw(t, "n")
			next, granted, short := b.Take(spent, price, n)
			if granted > n || n > 0 && (granted == 0) == short.IsZero() {
				t.Fatalf("granted %d of %d, short %+v", granted, n, short)
			}
			for _, m := range ledger.Meters {
				if limit := b.Day.In(m); limit > 0 && next.Day.In(m) > limit {
					t.Fatalf("%d %s in a day, limit %d", next.Day.In(m), m, limit)
				}
				if limit := b.Month.In(m); limit > 0 && next.Month.In(m) > limit {
					t.Fatalf("%d %s in a month, limit %d", next.Month.In(m), m, limit)
				}
			}
			if spent = next; rapid.Bool().Draw(t, "next day") {
				spent.Day = ledger.Cost{}
			}
		}
	})
}

func TestCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, tt := range []struct {
		zone                     *time.Location
		now, day, turn, monthEnd string
	}{
		{nil, "2026-12-31T23:30:00Z", "2026-12-31", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{berlin, "2026-12-31T23:30:00Z", "2027-01-01", "2027-01-01T23:00:00Z", "2027-01-31T23:00:00Z"},
		{berlin, "2026-03-28T23:30:00Z", "2026-03-29", "2026-03-29T22:00:00Z", "2026-03-31T22:00:00Z"}, // a day of 23 hours
		{berlin, "2026-10-24T22:30:00Z", "2026-10-25", "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"}, // one of 25
		{nil, "2028-02-29T12:00:00Z", "2028-02-29", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"},
	} {
		c, now := ledger.Calendar{Zone: tt.zone}, at(tt.now)
		day, turn, end := c.Day(now), c.Turn(ledger.PerDay, now).UTC().Format(time.RFC3339), c.Turn(ledger.PerMonth, now).UTC().Format(time.RFC3339)
		if day != tt.day || turn != tt.turn || end != tt.monthEnd {
			t.Errorf("%s in %s: %s until %s, the month until %s; want %+v", tt.now, tt.zone, day, turn, end, tt)
		}
	}
}

// What an attempt was paid is given back once, and only where it surely did not arrive.
func TestSpentByVerdict(t *testing.T) {
	target := ledger.Target{Name: "people", Cost: ledger.Cost{Credits: 2500}}
	claimed, err := ledger.Decide(target, ledger.Record{Target: "people", State: ledger.Queued, Await: true}, ledger.Claim{})
	if err != nil || claimed.Record.Spent != target.Price() {
		t.Fatalf("claimed, it has spent %+v, %v", claimed.Record.Spent, err)
	}
	for verdict, free := range map[ledger.Verdict]bool{
		ledger.Accepted: false, ledger.Failed: false, ledger.Doubtful: false, ledger.Unsent: true, ledger.Throttled: true,
		ledger.Rejected: true, ledger.Refused: true, ledger.Divided: true, ledger.Exhausted: true,
	} {
		r := claimed.Record
		for range 2 { // the same answer, handed in again
			c, err := ledger.Decide(target, r, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: verdict})
			if err != nil {
				t.Fatal(err)
			}
			u, givenBack := target.Recount(&r, &c.Record)
			if first := r.State == ledger.Sending; givenBack != (free && first) || (u.Spent != ledger.Cost{}) != givenBack {
				t.Errorf("%s: given back %t, %+v", verdict, givenBack, u)
			}
			r = c.Record
		}
		if (r.Spent == ledger.Cost{}) != free {
			t.Errorf("%s: it has spent %+v", verdict, r.Spent)
		}
	}
}
