package sqlite

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// Charge implements [ledger.Money].
func (s *Store) Charge(ctx context.Context, c ledger.Charge) (ledger.Charge, error) {
	paid := make(chan ledger.Charge, 1) // see Claim
	err := s.do(ctx, "charge", func(t *tx) error {
		c := c
		c.Day = t.catalog.Calendar().Day(t.now)
		price, accounts, err := t.catalog.Bill(c)
		if err != nil {
			return err
		}
		c.Items = max(c.Items, 0)
		room, short, err := t.catalog.Room(accounts, price, c.Items, t.now, t.spent)
		if err != nil {
			return err
		}
		if room < c.Items {
			return t.catalog.TooDear(c, short, t.now)
		}
		t.addUsage(c.Of(), ledger.Usage{Spent: price.Times(c.Items)})
		select {
		case <-paid: // of a run that was rolled back
		default:
		}
		paid <- c
		return nil
	})
	if err != nil {
		return ledger.Charge{}, err
	}
	return <-paid, nil
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
