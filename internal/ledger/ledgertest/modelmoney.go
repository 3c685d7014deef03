package ledgertest

import (
	"reflect"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// someKeys are the API keys of random histories; the last one is without a budget.
var someKeys = []string{"", "", "key_a", "key_b"}

// someBudget draws a budget that is soon spent; mostly none.
func someBudget(rt *rapid.T, whose string) ledger.Budget {
	limit := func(name string) (c ledger.Cost) {
		switch n := rapid.IntRange(0, 8).Draw(rt, whose+" "+name); n {
		case 0:
			c.Records = int64(rapid.IntRange(1, 12).Draw(rt, "records"))
		case 1:
			c.Actions = ledger.Amount(rapid.IntRange(1, 9).Draw(rt, "actions")) * 1000
		case 2:
			c.Credits = ledger.Amount(rapid.IntRange(1, 9).Draw(rt, "credits")) * 1000
		}
		return c
	}
	return ledger.Budget{Day: limit("day"), Month: limit("month"), Refuses: rapid.Bool().Draw(rt, "refuses")}
}

func someBudgets(rt *rapid.T) ledger.Budgets {
	return ledger.Budgets{
		Workspaces: map[string]ledger.Budget{ledger.MainWorkspace: someBudget(rt, "workspace")},
		Keys:       map[string]ledger.Budget{"key_a": someBudget(rt, "key")},
	}
}

// compareMoney compares what was spent and how the budgets stand.
func (r *run) compareMoney() {
	got, err := r.Usage(r.Context(), ledger.UsageQuery{})
	r.must(err)
	if want := r.model.usageRows(); !reflect.DeepEqual(want, withoutNothing(got)) {
		r.T.Fatalf("usage: -model +store\n%s", cmp.Diff(want, got))
	}
	standings, err := r.Standings(r.Context())
	r.must(err)
	if want := r.model.standings(); !reflect.DeepEqual(want, standings) {
		r.T.Fatalf("budgets: -model +store\n%s", cmp.Diff(want, standings))
	}
	for _, row := range got {
		if row.Spent.Records < 0 || row.Spent.Actions < 0 || row.Spent.Credits < 0 {
			r.T.Fatalf("more was given back than was spent: %+v", row)
		}
	}
}

// withoutNothing drops rows that came to nothing: a store may keep them.
func withoutNothing(rows []ledger.UsageRow) (some []ledger.UsageRow) {
	for _, row := range rows {
		if !row.IsZero() {
			some = append(some, row)
		}
	}
	return some
}
