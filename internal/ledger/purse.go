package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// PurseKind says whose money a purse holds.
type PurseKind string

// The kinds of purse.
const (
	OfWorkspace PurseKind = "workspace"
	OfTarget    PurseKind = "target"
	OfKey       PurseKind = "key"
)

// Purse is somebody's money: a workspace's, a target's or an API key's.
type Purse struct {
	Of   PurseKind
	Name string
}

// String names it for people.
func (p Purse) String() string { return string(p.Of) + " " + p.Name }

// Account is a purse with its budget.
type Account struct {
	Purse
	Budget Budget
}

// From returns the day from which on it must be known what the account paid: a budget without a limit for the month need
// not add the month up.
func (a Account) From(c Calendar, now time.Time) string {
	if (a.Budget.Month == Cost{}) {
		return c.Day(now)
	}
	return c.FirstOfMonth(now)
}

// Pays reports whether something in the usage was paid from the account.
func (p Purse) Pays(of UsageOf) bool {
	switch p.Of {
	case OfWorkspace:
		return of.Workspace == p.Name
	case OfTarget:
		return of.Target == p.Name
	}
	return of.APIKey == p.Name
}

// Budgets are the budgets beside those of the targets.
type Budgets struct {
	Workspaces map[string]Budget
	Keys       map[string]Budget // by the key's ID
	Calendar   Calendar          // says when days and months begin
}

// WithBudgets returns the catalog with budgets.
func (c *Catalog) WithBudgets(b Budgets) *Catalog {
	with := *c
	with.budgets = b
	return &with
}

// Calendar returns the one by which days and months are counted.
func (c *Catalog) Calendar() Calendar { return c.budgets.Calendar }

// Paying returns the accounts that pay for a record of a target but for its API key's, those with a budget only.
func (c *Catalog) Paying(target string) (accounts []Account) {
	workspace := WorkspaceOf(target)
	if b := c.budgets.Workspaces[workspace]; !b.IsZero() {
		accounts = append(accounts, Account{Purse{OfWorkspace, workspace}, b})
	}
	if b := c.targets[target].Budget; !b.IsZero() {
		accounts = append(accounts, Account{Purse{OfTarget, target}, b})
	}
	return accounts
}

// PayingKey returns an API key's account; ok is false when it has no budget.
func (c *Catalog) PayingKey(key string) (a Account, ok bool) {
	b := c.budgets.Keys[key]
	return Account{Purse{OfKey, key}, b}, key != "" && !b.IsZero()
}

// PayingAll returns the accounts that pay for what a key hands in for a target.
func (c *Catalog) PayingAll(target, key string) []Account {
	accounts := c.Paying(target)
	if a, ok := c.PayingKey(key); ok {
		accounts = append(accounts, a)
	}
	return accounts
}

// Candidates returns how many queued records to look at for n to be claimed: where API keys have budgets some of them may
// have to be held back, and those behind them come in their place.
func (c *Catalog) Candidates(n int) int {
	const spare = 256
	if len(c.budgets.Keys) > 0 && n > 0 {
		n += spare
	}
	return n
}

// Accounts returns all accounts with a budget: the workspaces', the targets' and the keys', each in order.
func (c *Catalog) Accounts() (all []Account) {
	for _, name := range slices.Sorted(maps.Keys(c.budgets.Workspaces)) {
		all = append(all, Account{Purse{OfWorkspace, name}, c.budgets.Workspaces[name]})
	}
	for _, name := range c.order {
		all = append(all, Account{Purse{OfTarget, name}, c.targets[name].Budget})
	}
	for _, id := range slices.Sorted(maps.Keys(c.budgets.Keys)) {
		all = append(all, Account{Purse{OfKey, id}, c.budgets.Keys[id]})
	}
	return slices.DeleteFunc(all, func(a Account) bool { return a.Budget.IsZero() })
}

// Short is a budget that is spent, as it is told.
type Short struct {
	Purse
	Shortage
	Until time.Time // when its window turns
}

// Short returns what a shortage means now.
func (c *Catalog) Short(p Purse, s Shortage, now time.Time) Short {
	return Short{p, s, c.Calendar().Turn(s.Window, now)}
}

// Room returns for how many of n records at a price the accounts have something left, by what each has spent. When it is for
// none, short says whose budget is spent: of several the one that holds longest.
func (c *Catalog) Room(accounts []Account, price Cost, n int, now time.Time, spent func(Account) (Spent, error)) (room int, short *Short, err error) {
	room = n
	for _, a := range accounts {
		s, err := spent(a)
		if err != nil {
			return 0, nil, err
		}
		got, shortage := a.Budget.Room(s, price, n)
		if room = min(room, got); got > 0 || n == 0 {
			continue
		}
		short = short.Longer(c.Short(a.Purse, shortage, now))
	}
	return room, short, nil
}

// Longer returns which of two holds longer; s may be nil for none.
func (s *Short) Longer(than Short) *Short {
	if s == nil || than.Until.After(s.Until) {
		return &than
	}
	return s
}

// Reason says it for people.
func (s Short) Reason() string {
	return fmt.Sprintf("the budget of the %s is spent: %s; it goes on at %s", s.Purse, s.Shortage, s.Until.Format(time.RFC3339))
}

// Error returns what is said to those whose record is turned away.
func (s Short) Error(now time.Time) *Error {
	return &Error{
		Kind: Overdrawn, Op: "accept", Message: s.Reason(), RetryAfter: max(s.Until.Sub(now), time.Second),
		Hint: "raise the budget, or wait until then",
	}
}

// HoldStep is how long a record is held back whose API key's budget is spent, at most: after it the budget is looked at
// again, which may have been raised.
const HoldStep = 5 * time.Minute

// Postponed returns the event for a record that is held back.
func (s Short) Postponed(now time.Time) Postpone {
	return Postpone{For: min(s.Until.Sub(now), HoldStep), Reason: s.Reason()}
}
