package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

// filling is a webhook among those of all targets.
type filling struct {
	Target string `json:"target"`
	N      int    `json:"webhook"` // which of the target's, from 1: its URL is a secret
	client.Webhook
}

func newWebhooks(s Streams, f *gatewayFlags) *cobra.Command {
	return &cobra.Command{
		Use: "webhooks", Short: "Show which webhooks will be used up first", Args: noArgs,
		Long: "webhooks lists the webhooks of all targets, the one that will be used up first at the top: how many submissions of\n" +
			"its limit each has taken, how many a day lately, and when it will take no more at that rate. A target goes on with\n" +
			"its next webhook then, and pauses when it has none.",
		RunE: operate(f, s, func(ctx context.Context, g *gateway, _ []string) error {
			all, err := g.Targets(ctx)
			if err != nil {
				return err
			}
			l := newListing(s, f.json, "target", "webhook", "used", "a day", "used up")
			for _, w := range fillings(all.Targets) {
				if err := l.add(w, w.Target, w.N, used(w.Webhook), w.rate(), w.end()); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}
}

// fillings returns all webhooks, the first to be used up first. Of those of which that is not known the fuller comes first,
// and at the end are those without a limit.
func fillings(targets []client.Target) []filling {
	var all []filling
	for _, t := range targets {
		for i, w := range t.Webhooks {
			all = append(all, filling{t.Name, i + 1, w})
		}
	}
	slices.SortStableFunc(all, func(a, b filling) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.FullAt.Compare(b.FullAt), cmp.Compare(b.part(), a.part()))
	})
	return all
}

func (w filling) rank() int {
	switch {
	case !w.FullAt.IsZero():
		return 0
	case w.Limit > 0:
		return 1
	}
	return 2
}

// part returns how much of the webhook is used up, 1 for all of it.
func (w filling) part() float64 { return float64(w.Used) / float64(max(w.Limit, 1)) }

func (w filling) rate() string {
	if w.PerDay == nil {
		return "not known yet"
	}
	return fmt.Sprintf("%.0f", *w.PerDay)
}

func (w filling) end() string {
	switch left := time.Until(w.FullAt); {
	case w.FullAt.IsZero():
		return ""
	case left < time.Minute:
		return "now"
	case left < 48*time.Hour:
		return "in " + spell(left.Truncate(time.Hour)+time.Hour)
	}
	return w.FullAt.Local().Format("2006-01-02")
}
