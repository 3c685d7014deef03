package ledger

import (
	"context"
	"fmt"
	"time"
)

// UsageOf says whose usage it is, and of which day.
type UsageOf struct {
	Day       string // as the calendar names it: 2026-12-01
	Workspace string
	Target    string // "" for calls that were passed through and are no target's
	APIKey    string // the ID of the key that handed it in; "" for none
}

// Usage is what was spent and what was saved.
type Usage struct {
	Spent   Cost
	Saved   Cost  // what records would have cost that were answered from the cache, or with the one they joined
	Doubled int64 // attempts that may have made a second row, or charge
}

// IsZero reports whether nothing was.
func (u Usage) IsZero() bool { return u == Usage{} }

// Plus returns the sum of two.
func (u Usage) Plus(v Usage) Usage {
	return Usage{u.Spent.Plus(v.Spent), u.Saved.Plus(v.Saved), u.Doubled + v.Doubled}
}

// Recount returns what changes in the usage when a record of the target before becomes after, nil for one that is new.
// Stores keep their usage with it, in the transaction of the change. What is given back was paid on the day of the
// attempt.
func (t Target) Recount(before, after *Record) (u Usage, givenBack bool) {
	var was Record
	if before != nil {
		was = *before
	}
	u.Spent = after.Spent.Plus(was.Spent.Times(-1))
	if after.State == Done && after.Cached && !(was.State == Done && was.Cached) {
		u.Saved = t.Price()
	}
	u.Doubled = int64(after.MayDuplicate - was.MayDuplicate)
	return u, u.Spent.Records < 0
}

// UsageRow is the usage of one day, workspace, target and key.
type UsageRow struct {
	UsageOf
	Usage
}

// UsageQuery says which usage to read. Zero fields restrict nothing.
type UsageQuery struct {
	From, To  string // days, both included
	Workspace string
	Target    string
	APIKey    string
}

// Charge is what a call costs that is no record's: one that is passed through.
type Charge struct {
	Workspace string
	Target    string // whose budget and cost they are; "" for none
	APIKey    string
	Items     int    // [Uncounted] where nobody knows
	Day       string // when it was paid; filled in by the store
}

// Uncounted is the number of items of a call that nobody can count: they are in a file that goes past the gateway.
const Uncounted = -1

// Bill returns what an item of a call costs, and the accounts that pay. The error, kind Conflict, says that they have a
// budget in what nobody knows of the call.
func (c *Catalog) Bill(of Charge) (price Cost, accounts []Account, err error) {
	price, accounts = c.targets[of.Target].Price(), c.payingFor(of)
	switch {
	case of.Items < 0 && len(accounts) > 0:
		return price, accounts, &Error{
			Kind: Conflict, Op: "charge", Message: "how many items it has cannot be seen, and there is a budget to pay from: that of the " + accounts[0].String(),
			Hint: "start runs whose items are in the request, or hand the records in to the target",
		}
	case of.Target == "":
		for _, a := range accounts {
			if limits := a.Budget.Day.Plus(a.Budget.Month); limits.Actions > 0 || limits.Credits > 0 {
				return price, accounts, &Error{
					Kind: Conflict, Op: "charge", Message: "what it costs is not known, and there is a budget in actions or data credits: that of the " + a.String(),
					Hint: "make the routine a target of the configuration, with its cost",
				}
			}
		}
	}
	return price, accounts, nil
}

// payingFor returns the accounts that pay for a call.
func (c *Catalog) payingFor(of Charge) (accounts []Account) {
	if of.Target != "" {
		return c.PayingAll(of.Target, of.APIKey)
	}
	if b := c.budgets.Workspaces[of.Workspace]; !b.IsZero() {
		accounts = append(accounts, Account{Purse{OfWorkspace, of.Workspace}, b})
	}
	if a, ok := c.PayingKey(of.APIKey); ok {
		accounts = append(accounts, a)
	}
	return accounts
}

// TooDear returns why a call is not made; short is nil when the budgets would pay for some of its items.
func (c *Catalog) TooDear(of Charge, short *Short, now time.Time) *Error {
	if short != nil {
		return short.Error(now)
	}
	turn := c.Calendar().Turn(PerDay, now)
	return &Error{
		Kind: Overdrawn, Op: "charge", Message: fmt.Sprintf("the budgets that pay for it have less left than its %d items cost", of.Items),
		Hint: "start fewer at once, raise the budget, or wait until it turns", RetryAfter: max(turn.Sub(now), time.Second),
	}
}

// Of says whose usage it is.
func (c Charge) Of() UsageOf { return UsageOf{c.Day, c.Workspace, c.Target, c.APIKey} }

// Standing is how an account stands.
type Standing struct {
	Account
	Spent Spent
	Short Short // what of it is spent, so that not one more record is paid; zero for nothing
}

// Now completes a standing of which all is known that was spent.
func (s Standing) Now(c *Catalog, now time.Time) Standing {
	price := Cost{Records: 1, Actions: 1, Credits: 1} // not even the smallest part is left
	if s.Of == OfTarget {
		price = c.targets[s.Name].Price()
	}
	if _, short := s.Budget.Room(s.Spent, price, 1); !short.IsZero() {
		s.Short = c.Short(s.Purse, short, now)
	}
	return s
}

// Money keeps what was spent. What records cost is kept by the calls that claim and apply.
type Money interface {
	// Charge pays for all of a call's items, or fails with kind Overdrawn and pays for none.
	Charge(ctx context.Context, c Charge) (paid Charge, err error)
	// Refund gives back what was paid for a call that surely was not made.
	Refund(ctx context.Context, paid Charge) error
	// Usage returns the usage by day, workspace, target and key, in this order.
	Usage(ctx context.Context, q UsageQuery) ([]UsageRow, error)
	// Standings tells how every account with a budget stands, in the order of [Catalog.Accounts].
	Standings(ctx context.Context) ([]Standing, error)
}
