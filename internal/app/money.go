package app

import (
	"math"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// budgets returns the budgets that are no target's.
func budgets(c config.Config) ledger.Budgets {
	b := ledger.Budgets{
		Workspaces: map[string]ledger.Budget{}, Keys: map[string]ledger.Budget{}, Calendar: ledger.Calendar{Zone: c.Zone()},
	}
	for name, w := range c.Workspaces {
		b.Workspaces[name] = budget(w.Budget)
	}
	for id, of := range c.KeyBudgets {
		b.Keys[id] = budget(of)
	}
	return b
}

func budget(b config.Budget) ledger.Budget {
	amount := func(records, actions, credits float64) ledger.Cost {
		return ledger.Cost{Records: int64(math.Round(records)), Actions: ledger.AmountOf(actions), Credits: ledger.AmountOf(credits)}
	}
	return ledger.Budget{
		Day:     amount(b.Records.PerDay, b.Actions.PerDay, b.DataCredits.PerDay),
		Month:   amount(b.Records.PerMonth, b.Actions.PerMonth, b.DataCredits.PerMonth),
		Refuses: b.OnExhausted == config.TurnAway,
	}
}

// cost returns what a record of a target is said to cost.
func bound(b config.Bound) ledger.Cost {
	return ledger.Cost{Records: int64(b.Records), Actions: ledger.AmountOf(b.Actions), Credits: ledger.AmountOf(b.DataCredits)}
}

func cost(c config.Cost) ledger.Cost {
	return ledger.Cost{Actions: ledger.AmountOf(c.Actions), Credits: ledger.AmountOf(c.DataCredits)}
}

// calendar returns the one that budgets are counted by.
func (a *App) calendar() ledger.Calendar { return a.parts.Load().catalog.Calendar() }
