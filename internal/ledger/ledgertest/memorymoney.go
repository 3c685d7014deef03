package ledgertest

import (
	"cmp"
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// memoryMoney is what the model spent.
type memoryMoney struct {
	usage map[ledger.UsageOf]ledger.Usage
}

// account notes what a change of a record means for the usage.
func (m *memory) account(before, after *ledger.Record) {
	target, _ := m.catalog.Target(after.Target)
	u, givenBack := target.Recount(before, after)
	paid := m.now
	if givenBack {
		paid = paid.Add(-before.SinceSend)
	}
	of := ledger.UsageOf{Day: m.catalog.Calendar().Day(paid), Workspace: ledger.WorkspaceOf(after.Target), Target: after.Target, APIKey: after.APIKey}
	m.usage[of] = m.usage[of].Plus(u)
}

// spent adds up what a purse has spent.
func (m *memory) spent(p ledger.Purse) (s ledger.Spent) {
	day, month := m.catalog.Calendar().Name(ledger.PerDay, m.now), m.catalog.Calendar().Name(ledger.PerMonth, m.now)
	for of, u := range m.usage {
		if !p.Pays(of) {
			continue
		}
		if of.Day == day {
			s.Day = s.Day.Plus(u.Spent)
		}
		if of.Day[:len(month)] == month {
			s.Month = s.Month.Plus(u.Spent)
		}
	}
	return s
}

// room returns how many of n records of a target the accounts pay for, and who does not.
func (m *memory) room(accounts []ledger.Account, target string, n int) (int, *ledger.Short) {
	of, _ := m.catalog.Target(target)
	room, short := n, (*ledger.Short)(nil)
	for _, a := range accounts {
		got, shortage := a.Budget.Room(m.spent(a.Purse), of.Price(), n)
		room = min(room, got)
		if got == 0 && n > 0 {
			short = short.Longer(m.catalog.Short(a.Purse, shortage, m.now))
		}
	}
	return room, short
}

// pays returns how many of n records that wait on a target are paid for, or how long none is.
func (m *memory) pays(target ledger.Target, n int) (room int, wait time.Duration) {
	room, short := m.room(m.catalog.Paying(target.Name), target.Name, n)
	if short != nil {
		return 0, short.Until.Sub(m.now)
	}
	return room, 0
}

// holdBack holds a record back that its key's budget does not pay for.
func (m *memory) holdBack(id ledger.RecordID) bool {
	r := m.view(id)
	account, ok := m.catalog.PayingKey(r.APIKey)
	if !ok {
		return false
	}
	_, short := m.room([]ledger.Account{account}, r.Target, 1)
	if short == nil {
		return false
	}
	m.change(id, short.Postponed(m.now), ledger.Digest{})
	return true
}

// refusal returns why a new record is turned away.
func (m *memory) refusal(s ledger.Submission) error {
	for _, a := range m.catalog.PayingAll(s.Target, s.APIKey) {
		if _, short := m.room([]ledger.Account{a}, s.Target, 1); short != nil && a.Budget.Refuses {
			return short.Error(m.now)
		}
	}
	return nil
}

// usageRows returns the usage as a store lists it.
func (m *memory) usageRows() (rows []ledger.UsageRow) {
	for of, u := range m.usage {
		if !u.IsZero() {
			rows = append(rows, ledger.UsageRow{UsageOf: of, Usage: u})
		}
	}
	sortUsage(rows)
	return rows
}

func sortUsage(rows []ledger.UsageRow) {
	slices.SortFunc(rows, func(a, b ledger.UsageRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Target, b.Target), cmp.Compare(a.APIKey, b.APIKey))
	})
}

// standings tells how the accounts stand.
func (m *memory) standings() (all []ledger.Standing) {
	for _, a := range m.catalog.Accounts() {
		all = append(all, ledger.Standing{Account: a, Spent: m.spent(a.Purse)}.Now(m.catalog, m.now))
	}
	return all
}
