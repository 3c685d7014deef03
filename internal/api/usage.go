package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Usage is what was spent and saved.
type Usage struct {
	From    string       `json:"from"` // days, both included, in the gateway's time zone
	To      string       `json:"to"`
	Rows    []UsageRow   `json:"rows"`
	Total   UsageSum     `json:"total"`
	Budgets []BudgetView `json:"budgets"` // as they stand now
}

// UsageRow is one part of the usage. Those members say whose it is that the question named.
type UsageRow struct {
	Day       string  `json:"day,omitempty"`
	Workspace string  `json:"workspace,omitempty"`
	Target    *string `json:"target,omitempty"` // "" for calls that were passed through and are no target's
	Key       *string `json:"key,omitempty"`    // an API key's ID; "" for none
	UsageSum
}

// UsageSum is a sum of usage.
type UsageSum struct {
	Spent       Cost  `json:"spent"`
	Saved       Cost  `json:"saved"`
	MaybeDouble int64 `json:"maybe_double"`
}

// BudgetView is how a budget stands.
type BudgetView struct {
	Of    ledger.PurseKind `json:"of"` // "workspace", "target" or "key"
	Name  string           `json:"name"`
	Day   Spending         `json:"day"`
	Month Spending         `json:"month"`
	Held  *Held            `json:"held"` // why nothing more is paid from it; null while something is
}

// Spending is what was spent of a limit. A limit that is 0 is none.
type Spending struct {
	Spent Cost `json:"spent"`
	Limit Cost `json:"limit"`
}

// Held says why records wait for a budget, and until when.
type Held struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

func heldView(s *ledger.Short) *Held {
	if s == nil || s.IsZero() {
		return nil
	}
	return &Held{Reason: s.Reason(), Until: s.Until.UTC()}
}

// usageParts are what usage can be told apart by.
var usageParts = []string{"day", "workspace", "target", "key"}

// usage answers GET /v1/usage.
func (s *server) usage(c *call) error {
	params, err := c.params("by", "month", "from", "to", "workspace", "target", "key")
	if err != nil {
		return err
	}
	by, err := usageBy(params)
	if err != nil {
		return err
	}
	q, err := s.usageQuery(params)
	if err != nil {
		return err
	}
	rows, err := s.Ledger.Usage(c.Context(), q)
	if err != nil {
		return err
	}
	standings, err := s.Ledger.Standings(c.Context())
	if err != nil {
		return err
	}
	u := Usage{From: q.From, To: q.To, Budgets: []BudgetView{}}
	u.Rows, u.Total = sumUsage(slices.DeleteFunc(rows, func(r ledger.UsageRow) bool { return !c.who.seesUsage(r.UsageOf) }), by)
	for _, is := range standings {
		if c.who.seesBudget(is.Purse) {
			u.Budgets = append(u.Budgets, budgetView(is))
		}
	}
	return c.answer(http.StatusOK, u)
}

// seesUsage reports whether some usage is of what the caller reaches.
func (c caller) seesUsage(of ledger.UsageOf) bool {
	if of.Target == "" {
		return c.key == nil || c.key.Whole(of.Workspace)
	}
	return c.reaches(of.Target)
}

// seesBudget reports whether a budget is of what the caller reaches, or his own.
func (c caller) seesBudget(p ledger.Purse) bool {
	switch p.Of {
	case ledger.OfTarget:
		return c.reaches(p.Name)
	case ledger.OfWorkspace:
		return c.key == nil || c.key.Whole(p.Name)
	}
	return c.key == nil || !c.key.Bound() || c.key.ID == p.Name
}

func usageBy(params url.Values) ([]string, error) {
	if !params.Has("by") {
		return []string{"workspace"}, nil
	}
	by := strings.Split(params.Get("by"), ",")
	for _, part := range by {
		if !slices.Contains(usageParts, part) {
			return nil, refusal(invalid, `"by": %.40q is none of %s`, part, strings.Join(usageParts, ", "))
		}
	}
	return by, nil
}

// usageQuery reads the days that are asked for: a month, or from one day to another; this month by default.
func (s *server) usageQuery(params url.Values) (q ledger.UsageQuery, err error) {
	month, err := usageDay(params, "month", "2006-01")
	if err != nil {
		return q, err
	}
	q = ledger.UsageQuery{Workspace: params.Get("workspace"), Target: params.Get("target"), APIKey: params.Get("key")}
	if target, ok := strings.CutPrefix(q.Target, ledger.MainWorkspace+"/"); ok {
		q.Target = target
	}
	now := time.Now()
	if s.Calendar != nil {
		now = s.Calendar().Now(now)
	}
	if params.Has("month") && (params.Has("from") || params.Has("to")) {
		return q, refusal(invalid, `name a "month", or days with "from" and "to"`)
	}
	first := cmp.Or(month, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC))
	q.From, q.To = first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
	for name, day := range map[string]*string{"from": &q.From, "to": &q.To} {
		at, err := usageDay(params, name, time.DateOnly)
		if err != nil {
			return q, err
		}
		if !at.IsZero() {
			*day = at.Format(time.DateOnly)
		}
	}
	if params.Has("from") && !params.Has("to") {
		q.To = now.Format(time.DateOnly)
	}
	if q.From > q.To {
		return q, refusal(invalid, "%s comes after %s", q.From, q.To)
	}
	return q, nil
}

func usageDay(params url.Values, name, form string) (time.Time, error) {
	if !params.Has(name) {
		return time.Time{}, nil
	}
	at, err := time.Parse(form, params.Get(name))
	if err != nil {
		return at, refusal(invalid, "%q must be like %s", name, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).Format(form))
	}
	return at, nil
}

// sumUsage adds up what is the same in the parts that are asked for, in the order of these.
func sumUsage(rows []ledger.UsageRow, by []string) ([]UsageRow, UsageSum) {
	sums, total := map[ledger.UsageOf]ledger.Usage{}, ledger.Usage{}
	var order []ledger.UsageOf
	for _, r := range rows {
		var of ledger.UsageOf
		for _, part := range by {
			switch part {
			case "day":
				of.Day = r.Day
			case "workspace":
				of.Workspace = r.Workspace
			case "target":
				of.Workspace, of.Target = r.Workspace, r.Target
			case "key":
				of.APIKey = r.APIKey
			}
		}
		if _, known := sums[of]; !known {
			order = append(order, of)
		}
		sums[of], total = sums[of].Plus(r.Usage), total.Plus(r.Usage)
	}
	slices.SortFunc(order, func(a, b ledger.UsageOf) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Target, b.Target), cmp.Compare(a.APIKey, b.APIKey))
	})
	views := make([]UsageRow, len(order))
	for i, of := range order {
		views[i] = usageRow(of, by)
		views[i].UsageSum = usageSum(sums[of])
	}
	return views, usageSum(total)
}

func usageRow(of ledger.UsageOf, by []string) (r UsageRow) {
	r.Day, r.Workspace = of.Day, of.Workspace
	if slices.Contains(by, "target") {
		r.Target = &of.Target
	}
	if slices.Contains(by, "key") {
		r.Key = &of.APIKey
	}
	return r
}

func usageSum(u ledger.Usage) UsageSum {
	return UsageSum{Spent: costView(u.Spent), Saved: costView(u.Saved), MaybeDouble: u.Doubled}
}

func budgetView(s ledger.Standing) BudgetView {
	return BudgetView{
		Of: s.Of, Name: s.Name, Held: heldView(&s.Short),
		Day:   Spending{Spent: costView(s.Spent.Day), Limit: costView(s.Budget.Day)},
		Month: Spending{Spent: costView(s.Spent.Month), Limit: costView(s.Budget.Month)},
	}
}
