package sqlite

import (
	"context"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// sums says how the usage of a purse is added up: the query, and its arguments before the days.
func sums(p ledger.Purse) (where string, args []any) {
	switch p.Of {
	case ledger.OfWorkspace:
		return `workspace = ?`, []any{p.Name}
	case ledger.OfTarget:
		return `workspace = ? AND target = ?`, []any{ledger.WorkspaceOf(p.Name), p.Name}
	}
	return `api_key <> '' AND api_key = ?`, []any{p.Name}
}

// sum returns the query that adds up what a purse has spent from some day of the month on: today, and before.
func sum(p ledger.Purse, c ledger.Calendar, now time.Time, from string) (query string, args []any) {
	where, args := sums(p)
	return `SELECT day = ?, sum(records), sum(actions), sum(credits) FROM usage WHERE ` + where + ` AND day BETWEEN ? AND ?
		GROUP BY 1`, append(append([]any{c.Day(now)}, args...), from, from[:len("2026-12-")]+"31")
}

// add adds a row of [sum].
func add(s ledger.Spent, today bool, c ledger.Cost) ledger.Spent {
	s.Month = s.Month.Plus(c)
	if today {
		s.Day = s.Day.Plus(c)
	}
	return s
}

// spent returns what an account has paid, what this transaction pays included: this month, where the budget asks for that,
// or else today.
func (t *tx) spent(a ledger.Account) (ledger.Spent, error) {
	calendar := t.catalog.Calendar()
	p := a.Purse
	day, from := calendar.Day(t.now), a.From(calendar, t.now)
	before, known := t.purses[p]
	if !known {
		query, args := sum(p, calendar, t.now, from)
		err := t.rows(query, args, func(row statement) (bool, error) {
			var today bool
			var c ledger.Cost
			err := row.Scan(&today, &c.Records, (*int64)(&c.Actions), (*int64)(&c.Credits))
			before = add(before, today, c)
			return true, err
		})
		if err != nil {
			return before, err
		}
		t.purses[p] = before
	}
	for of, u := range t.usage {
		if p.Pays(of) && of.Day >= from {
			before = add(before, of.Day == day, u.Spent)
		}
	}
	return before, nil
}

// pays returns how many of n records that wait on a target its budget and its workspace's pay for, and when it is none how
// long it will be so.
func (t *tx) pays(target ledger.Target, n int) (room int, wait time.Duration, err error) {
	room, short, err := t.catalog.Room(t.catalog.Paying(target.Name), target.Price(), n, t.now, t.spent)
	if err != nil || short == nil {
		return room, 0, err
	}
	return 0, short.Until.Sub(t.now), t.overdrawn(target, *short)
}

// holdBack holds a record back that its API key's budget does not pay for, so that it stands in nobody's way.
func (t *tx) holdBack(target ledger.Target, r ledger.Record) (held bool, err error) {
	account, ok := t.catalog.PayingKey(r.APIKey)
	if !ok {
		return false, nil
	}
	_, short, err := t.catalog.Room([]ledger.Account{account}, target.Price(), 1, t.now, t.spent)
	if err != nil || short == nil {
		return false, err
	}
	c, err := ledger.Decide(target, r, short.Postponed(t.now))
	if err != nil {
		return false, err
	}
	if err := t.write(target, r, c, way{}); err != nil {
		return false, err
	}
	return true, t.overdrawn(target, *short)
}

// refusal returns why a new record is turned away; nil when it is not.
func (t *tx) refusal(target, key string) (refused, err error) {
	for _, a := range t.catalog.PayingAll(target, key) {
		if !a.Budget.Refuses {
			continue
		}
		of, _ := t.catalog.Target(target)
		_, short, err := t.catalog.Room([]ledger.Account{a}, of.Price(), 1, t.now, t.spent)
		if err != nil {
			return nil, err
		}
		if short != nil {
			return short.Error(t.now), t.overdrawn(of, *short)
		}
	}
	return nil, nil
}

// overdrawn tells that a budget is spent, once for each of its windows.
func (t *tx) overdrawn(target ledger.Target, s ledger.Short) error {
	span := t.catalog.Calendar().Name(s.Window, t.now)
	told := ""
	if _, err := t.row(`SELECT span FROM overdrawn WHERE purse = ? AND name = ?`, []any{string(s.Of), s.Name}, &told); err != nil || told == span {
		return err
	}
	_, err := t.exec(`INSERT INTO overdrawn (purse, name, span) VALUES (?, ?, ?)
		ON CONFLICT (purse, name) DO UPDATE SET span = excluded.span`, string(s.Of), s.Name, span)
	if err != nil {
		return err
	}
	t.publish(ledger.Pauses)
	return t.announce(ledger.Notice{Kind: ledger.BudgetExhausted, Target: target.Name, Reason: s.Reason()})
}

// relieve wakes those who wait for a budget that was given something back.
func (t *tx) relieve() {
	if len(t.catalog.Accounts()) == 0 {
		return
	}
	for _, lane := range t.catalog.Lanes() {
		t.publish(lane)
	}
}

// Standings implements [ledger.Money].
func (s *Store) Standings(ctx context.Context) ([]ledger.Standing, error) {
	catalog, now := s.catalog.Load(), s.now()
	var all []ledger.Standing
	for _, a := range catalog.Accounts() {
		is := ledger.Standing{Account: a}
		var err error
		if is.Spent, err = s.spent(ctx, a.Purse, catalog.Calendar(), now); err != nil {
			return nil, err
		}
		all = append(all, is.Now(catalog, now))
	}
	return all, nil
}

// short returns the budget that is spent for one more record of a target; nil when none is.
func (s *Store) short(ctx context.Context, target string) (*ledger.Short, error) {
	catalog, now := s.catalog.Load(), s.now()
	of, _ := catalog.Target(target)
	_, short, err := catalog.Room(catalog.Paying(target), of.Price(), 1, now, func(a ledger.Account) (ledger.Spent, error) {
		return s.spent(ctx, a.Purse, catalog.Calendar(), now)
	})
	return short, err
}

// spent is [tx.spent] for readers.
func (s *Store) spent(ctx context.Context, p ledger.Purse, c ledger.Calendar, now time.Time) (spent ledger.Spent, err error) {
	query, args := sum(p, c, now, c.FirstOfMonth(now))
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return spent, s.wrap("usage", err)
	}
	defer rows.Close()
	for rows.Next() {
		var today bool
		var cost ledger.Cost
		if err := rows.Scan(&today, &cost.Records, &cost.Actions, &cost.Credits); err != nil {
			return spent, s.wrap("usage", err)
		}
		spent = add(spent, today, cost)
	}
	return spent, s.wrap("usage", rows.Err())
}
