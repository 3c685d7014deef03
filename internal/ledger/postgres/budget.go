package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// sum returns the query that adds up what a purse has spent from some day of the month on: today, and before.
func sum(p ledger.Purse, c ledger.Calendar, now time.Time, from string) (query string, args []any) {
	where := `api_key <> '' AND api_key = $4`
	args = []any{c.Day(now), from, from[:len("2026-12-")] + "31", text(p.Name)}
	switch p.Of {
	case ledger.OfWorkspace:
		where = `workspace = $4`
	case ledger.OfTarget:
		where = `target = $4 AND workspace = $5`
		args = append(args, text(ledger.WorkspaceOf(p.Name)))
	}
	return `SELECT day = $1, sum(records)::bigint, sum(actions)::bigint, sum(credits)::bigint FROM usage
		WHERE ` + where + ` AND day BETWEEN $2 AND $3 GROUP BY 1`, args
}

// part is a row of [sum].
type part struct {
	today bool
	cost  ledger.Cost
}

func scanPart(row pgx.Rows) (p part, err error) {
	err = row.Scan(&p.today, &p.cost.Records, &p.cost.Actions, &p.cost.Credits)
	return p, err
}

func (p part) to(s ledger.Spent) ledger.Spent {
	s.Month = s.Month.Plus(p.cost)
	if p.today {
		s.Day = s.Day.Plus(p.cost)
	}
	return s
}

// One transaction at a time pays from budgets, whichever they are: it takes this lock after its lanes, and what it then reads
// is all that was spent. Workspaces' and keys' budgets cross, so that several locks would need an order.
const lockPaying = `SELECT pg_advisory_xact_lock(7310868736)`

// pay takes the lock under which budgets are paid from.
func (t *tx) pay() error {
	if t.paying || t.dry {
		return nil
	}
	if _, err := t.exec(lockPaying); err != nil {
		return err
	}
	t.paying = true
	clear(t.purses) // what was read before may have changed
	return nil
}

// spent returns what an account has paid, what this transaction pays included: this month, where the budget asks for that,
// or else today.
func (t *tx) spent(a ledger.Account) (ledger.Spent, error) {
	calendar := t.catalog.Calendar()
	p := a.Purse
	day, from := calendar.Day(t.now), a.From(calendar, t.now)
	spent, known := t.purses[p]
	if !known {
		query, args := sum(p, calendar, t.now, from)
		err := t.look(query, args, func(row pgx.Rows) error {
			part, err := scanPart(row)
			spent = part.to(spent)
			return err
		})
		if err != nil {
			return spent, err
		}
		t.purses[p] = spent
	}
	for of, u := range t.usage {
		if p.Pays(of) && of.Day >= from {
			spent = part{of.Day == day, u.Spent}.to(spent)
		}
	}
	return spent, nil
}

// pays returns how many of n records that wait on a target its budget and its workspace's pay for, and when it is none how
// long it will be so.
func (t *tx) pays(target ledger.Target, n int) (room int, wait time.Duration, err error) {
	accounts := t.catalog.Paying(target.Name)
	if len(accounts) == 0 {
		return n, 0, nil
	}
	if err := t.pay(); err != nil {
		return 0, 0, err
	}
	room, short, err := t.catalog.Room(accounts, target.Price(), n, t.now, t.spent)
	if err != nil || short == nil {
		return room, 0, err
	}
	return 0, short.Until.Sub(t.now), t.overdrawn(target, *short)
}

// holdBack holds a record back that its API key's budget does not pay for, so that it stands in nobody's way.
func (t *tx) holdBack(target ledger.Target, r *row) (held bool, err error) {
	account, ok := t.catalog.PayingKey(r.APIKey)
	if !ok {
		return false, nil
	}
	if err := t.pay(); err != nil {
		return false, err
	}
	_, short, err := t.catalog.Room([]ledger.Account{account}, target.Price(), 1, t.now, t.spent)
	if err != nil || short == nil {
		return false, err
	}
	c, err := ledger.Decide(target, r.Record, short.Postponed(t.now))
	if err != nil {
		return false, err
	}
	if err := t.change(target, r, c, way{}); err != nil {
		return false, err
	}
	return true, t.overdrawn(target, *short)
}

// refusal returns why a new record is turned away; nil when it is not. Nothing is paid here, so nothing is locked.
func (t *tx) refusal(target ledger.Target, key string) (refused, err error) {
	for _, a := range t.catalog.PayingAll(target.Name, key) {
		if !a.Budget.Refuses {
			continue
		}
		_, short, err := t.catalog.Room([]ledger.Account{a}, target.Price(), 1, t.now, t.spent)
		if err != nil {
			return nil, err
		}
		if short != nil {
			return short.Error(t.now), t.overdrawn(target, *short)
		}
	}
	return nil, nil
}

// overdrawn tells that a budget is spent, once for each of its windows.
func (t *tx) overdrawn(target ledger.Target, s ledger.Short) error {
	if t.dry {
		return nil
	}
	span, told := t.catalog.Calendar().Name(s.Window, t.now), ""
	_, err := t.row(`SELECT span FROM overdrawn WHERE purse = $1 AND name = $2`, []any{string(s.Of), text(s.Name)}, &told)
	if err != nil || told == span {
		return err
	}
	changed, err := t.exec(`INSERT INTO overdrawn (purse, name, span) VALUES ($1, $2, $3) ON CONFLICT (purse, name)
		DO UPDATE SET span = excluded.span WHERE overdrawn.span <> excluded.span`, string(s.Of), text(s.Name), span)
	if err != nil || changed == 0 {
		return err
	}
	t.publish(ledger.Pauses)
	t.announce(ledger.Notice{Kind: ledger.BudgetExhausted, Target: target.Name, Reason: s.Reason()})
	return nil
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
	parts, err := read(ctx, s, query, args, scanPart)
	for _, part := range parts {
		spent = part.to(spent)
	}
	return spent, s.wrap("usage", err)
}
