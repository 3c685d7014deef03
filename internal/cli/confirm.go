package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/claygate/claygate/client"
)

// bound is what a load may cost before somebody is asked. The zero bound asks nobody.
type bound struct {
	client.Cost
	set string // where it was: the flag, or the target's configuration; "" for nowhere
}

// boundOf is the bound that a target's configuration says.
func boundOf(t client.Target) bound {
	if t.ConfirmAbove == (client.Cost{}) {
		return bound{}
	}
	return bound{t.ConfirmAbove, "confirm_above of " + t.Name}
}

const boundHint = "write a number of rows, or records=1000,actions=500,data_credits=50"

// parseBound reads 1000, or records=1000,data_credits=50.
func parseBound(text string) (b bound, err error) {
	if text == "" {
		return b, nil
	}
	refuse := func(what string) (bound, error) {
		return bound{}, &usageError{message: "--confirm-above: " + what, hint: boundHint}
	}
	for part := range strings.SplitSeq(text, ",") {
		meter, value, named := strings.Cut(part, "=")
		if !named {
			meter, value = "records", part
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(n >= 0 && n < 1e12) {
			return refuse(fmt.Sprintf("%q is no number", value))
		}
		switch strings.TrimSpace(meter) {
		case "records":
			b.Records = int64(n)
		case "actions":
			b.Actions = n
		case "data_credits":
			b.DataCredits = n
		default:
			return refuse(fmt.Sprintf("there is no %q", meter))
		}
		b.set = "--confirm-above"
	}
	return b, nil
}

// exceeds says in which meter a cost is above the bound; "" in none. A meter that the bound does not name has none.
func (b bound) exceeds(c client.Cost) string {
	switch {
	case b.Records > 0 && c.Records > b.Records:
		return fmt.Sprintf("%s is more than %d", plural(int(c.Records), "row"), b.Records)
	case b.Actions > 0 && c.Actions > b.Actions:
		return fmt.Sprintf("%s actions is more than %s", number(c.Actions), number(b.Actions))
	case b.DataCredits > 0 && c.DataCredits > b.DataCredits:
		return fmt.Sprintf("%s data credits is more than %s", number(c.DataCredits), number(b.DataCredits))
	}
	return ""
}

// costs returns what so many rows are said to cost.
func (l *load) costs(rows int) client.Cost {
	n := float64(rows)
	return client.Cost{Records: int64(rows), Actions: n * l.price.Actions, DataCredits: n * l.price.DataCredits}
}

// confirm asks before a load that is to cost more than --confirm-above or the target's configuration says, before any of its rows is handed in. It asks
// once in a run; an emulated Clay charges nothing.
func (l *load) confirm(ctx context.Context) error {
	if l.bound.set == "" || l.confirmed || l.show.emulated || l.flags.routine.yes {
		return nil
	}
	t, err := l.prospects(ctx)
	if err != nil {
		return err
	}
	l.confirmed = true
	why := l.bound.exceeds(l.costs(t.send))
	if why == "" {
		return nil
	}
	s := l.streams
	if !s.Terminal || !s.Keyboard || l.input.stdin || l.flags.json {
		return &usageError{
			message: l.bound.set + ": " + why + ", and there is nobody to ask: none was sent",
			hint:    "say --yes to send them without being asked; --dry-run says what would be sent, --limit takes fewer rows",
		}
	}
	yes, err := s.ask(ctx, fmt.Sprintf("%s would be sent, which costs about %s: %s. Send them? [y/N] ", plural(t.send, "row"), spellCost(l.costs(t.send)), why))
	if err == nil && !yes {
		return &exitError{code: exitOther, early: true, message: "nothing was sent", hint: "--yes sends without asking; --limit 10 takes the first ten rows only"}
	}
	return err
}
