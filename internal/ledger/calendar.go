package ledger

import "time"

// Calendar says when days and months begin: those of a time zone. The zero Calendar is UTC's.
type Calendar struct{ Zone *time.Location }

const (
	dayForm   = "2006-01-02"
	monthForm = "2006-01"
)

func (c Calendar) in(now time.Time) time.Time {
	if c.Zone == nil {
		return now.UTC()
	}
	return now.In(c.Zone)
}

// Now returns the time as the calendar has it.
func (c Calendar) Now(now time.Time) time.Time { return c.in(now) }

// Day names the day, as 2026-12-01.
func (c Calendar) Day(now time.Time) string { return c.in(now).Format(dayForm) }

// FirstOfMonth names the first day of the month.
func (c Calendar) FirstOfMonth(now time.Time) string { return c.in(now).Format(monthForm) + "-01" }

// Window is the time that a limit is for.
type Window string

// The windows of a budget.
const (
	PerDay   Window = "day"
	PerMonth Window = "month"
)

// Turn returns when the next window begins.
func (c Calendar) Turn(w Window, now time.Time) time.Time {
	at := c.in(now)
	year, month, day := at.Date()
	if w == PerMonth {
		return time.Date(year, month+1, 1, 0, 0, 0, 0, at.Location())
	}
	return time.Date(year, month, day+1, 0, 0, 0, 0, at.Location())
}

// Name names the window that now is in: the day, or the month.
func (c Calendar) Name(w Window, now time.Time) string {
	if w == PerMonth {
		return c.in(now).Format(monthForm)
	}
	return c.Day(now)
}
