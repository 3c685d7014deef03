package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newUsage(s Streams) *cobra.Command {
	var f gatewayFlags
	var q client.UsageQuery
	var output string
	c := &cobra.Command{
		Use: "usage", Short: "Show what was spent and saved, and how the budgets stand", Args: noArgs,
		Long: "usage counts what was sent to Clay and may have arrived there. Actions and data credits are by the cost that the\n" +
			"configuration says of each target: Clay tells none.",
		Example: "  claygate usage\n  claygate usage --by target,key --month 2026-12 -o csv",
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			if !slices.Contains([]string{"", "csv", "json"}, output) {
				return &usageError{message: "-o: there is no " + output, hint: "it takes csv and json; left out, people get a table and pipes JSON lines"}
			}
			u, err := g.Usage(ctx, q)
			switch {
			case err != nil:
				return err
			case output == "csv":
				return usageCSV(s, q.By, u)
			}
			return usageTable(s, f.json || output == "json", q.By, u)
		}),
	}
	f.add(c)
	c.Flags().StringSliceVar(&q.By, "by", []string{"workspace"}, "what to tell it apart by: day, workspace, target, key")
	c.Flags().StringVar(&q.Month, "month", "", "which month, such as 2026-12 (default: this one)")
	c.Flags().StringVar(&q.From, "from", "", "or from this day on, such as 2026-12-01")
	c.Flags().StringVar(&q.To, "to", "", "to this day (default: today)")
	c.Flags().StringVar(&q.Workspace, "workspace", "", "only this workspace")
	c.Flags().StringVarP(&q.Target, "target", "t", "", "only this target")
	c.Flags().StringVar(&q.Key, "key", "", "only this API key, by its ID")
	c.Flags().StringVarP(&output, "output", "o", "", "csv or json (default: a table for people, JSON lines in a pipe)")
	return c
}

// usageAmounts are the columns of what was spent and saved.
var usageAmounts = []string{"records", "actions", "data_credits", "saved_records", "saved_actions", "saved_data_credits", "maybe_double"}

func usageCells(by []string, r client.UsageRow) []string {
	var cells []string
	for _, part := range by {
		cells = append(cells, map[string]string{"day": r.Day, "workspace": r.Workspace, "target": r.Target, "key": r.Key}[part])
	}
	for _, cost := range []client.Cost{r.Spent, r.Saved} {
		cells = append(cells, strconv.FormatInt(cost.Records, 10), decimal(cost.Actions), decimal(cost.DataCredits))
	}
	return append(cells, strconv.FormatInt(r.MaybeDouble, 10))
}

// decimal writes a number as spreadsheets read it.
func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func usageCSV(s Streams, by []string, u client.Usage) error {
	w := csv.NewWriter(s.Out)
	if err := w.Write(append(slices.Clone(by), usageAmounts...)); err != nil {
		return err
	}
	for _, r := range u.Rows {
		if err := w.Write(usageCells(by, r)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func usageTable(s Streams, asJSON bool, by []string, u client.Usage) error {
	columns := append(slices.Clone(by), usageAmounts...)
	for i := range columns {
		columns[i] = strings.ReplaceAll(columns[i], "_", " ")
	}
	l := newListing(s, asJSON, columns...)
	for _, r := range u.Rows {
		cells := make([]any, 0, len(columns))
		for _, cell := range usageCells(by, r) {
			cells = append(cells, cell)
		}
		if err := l.add(r, cells...); err != nil {
			return err
		}
	}
	if err := l.end(); err != nil || asJSON || !s.outTerminal() {
		return err
	}
	s.tell(fmt.Sprintf("%s to %s: spent %s; saved %s; maybe double: %d\n", u.From, u.To, spellCost(u.Total.Spent), spellCost(u.Total.Saved), u.Total.MaybeDouble))
	for _, b := range u.Budgets {
		s.tell(spellBudget(b))
	}
	return nil
}

// spellCost writes a cost for people, without the meters in which it is nothing.
func spellCost(c client.Cost) string {
	text := plural(int(c.Records), "record")
	if amounts := spellAmounts(c); amounts != "" {
		text += ", " + amounts
	}
	return text
}

// spellAmounts writes a cost in actions and data credits; "" for nothing.
func spellAmounts(c client.Cost) string {
	var parts []string
	if c.Actions > 0 {
		parts = append(parts, number(c.Actions)+" actions")
	}
	if c.DataCredits > 0 {
		parts = append(parts, number(c.DataCredits)+" data credits")
	}
	return strings.Join(parts, ", ")
}

// spellBudget writes how a budget stands, in those meters that it limits.
func spellBudget(b client.Budget) string {
	var parts []string
	for _, w := range []struct {
		name string
		client.Spending
	}{{"today", b.Day}, {"this month", b.Month}} {
		for _, m := range []struct {
			spent, limit float64
			unit         string
		}{
			{float64(w.Spent.Records), float64(w.Limit.Records), "records"}, {w.Spent.Actions, w.Limit.Actions, "actions"},
			{w.Spent.DataCredits, w.Limit.DataCredits, "data credits"},
		} {
			if m.limit > 0 {
				parts = append(parts, fmt.Sprintf("%s of %s %s %s", number(m.spent), number(m.limit), m.unit, w.name))
			}
		}
	}
	text := fmt.Sprintf("budget of the %s %s: %s", b.Of, b.Name, strings.Join(parts, ", "))
	if b.Held != nil {
		text += "; spent until " + b.Held.Until.Local().Format("2006-01-02 15:04")
	}
	return text + "\n"
}
