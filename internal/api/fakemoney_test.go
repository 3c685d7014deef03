package api_test

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
)

// charges are what a fake was charged; overdrawn is what it then says.
type charges struct {
	paid      []ledger.Charge
	refunded  []ledger.Charge
	overdrawn error
	used      []ledger.UsageRow
	standings []ledger.Standing
}

func (f *fake) Charge(ctx context.Context, c ledger.Charge) (ledger.Charge, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	if err == nil {
		err = f.overdrawn
	}
	if err == nil {
		c.Day = "2026-12-01"
		f.charges.paid = append(f.charges.paid, c)
	}
	return c, err
}

func (f *fake) Refund(ctx context.Context, paid ledger.Charge) error {
	unlock, err := f.begin(ctx)
	defer unlock()
	f.refunded = append(f.refunded, paid)
	return err
}

func (f *fake) Usage(ctx context.Context, q ledger.UsageQuery) (rows []ledger.UsageRow, err error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	for _, r := range f.used {
		if r.Day >= q.From && r.Day <= q.To && (q.Target == "" || r.Target == q.Target) {
			rows = append(rows, r)
		}
	}
	return rows, err
}

func (f *fake) Standings(ctx context.Context) ([]ledger.Standing, error) {
	unlock, err := f.begin(ctx)
	defer unlock()
	return f.standings, err
}
