package postgres

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// Charge implements [ledger.Money]. It pays where claims do: after the lanes are locked.
func (s *Store) Charge(ctx context.Context, c ledger.Charge) (ledger.Charge, error) {
	return ask(ctx, s, "charge", &call{phase: claiming}, func(t *tx) (ledger.Charge, error) {
		paid := c
		paid.Day = t.catalog.Calendar().Day(t.now)
		price, accounts, err := t.catalog.Bill(paid)
		if err != nil {
			return paid, err
		}
		paid.Items = max(paid.Items, 0)
		if len(accounts) > 0 {
			if err := t.pay(); err != nil {
				return paid, err
			}
		}
		room, short, err := t.catalog.Room(accounts, price, paid.Items, t.now, t.spent)
		if err != nil {
			return paid, err
		}
		if room < paid.Items {
			return paid, t.catalog.TooDear(paid, short, t.now)
		}
		t.addUsage(paid.Of(), ledger.Usage{Spent: price.Times(paid.Items)})
		return paid, nil
	})
}

// Refund implements [ledger.Money].
func (s *Store) Refund(ctx context.Context, paid ledger.Charge) error {
	return s.do(ctx, "refund", func(t *tx) error {
		price, _, _ := t.catalog.Bill(paid) // it was paid
		t.addUsage(paid.Of(), ledger.Usage{Spent: price.Times(-paid.Items)})
		t.relieve()
		return nil
	})
}
