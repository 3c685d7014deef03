package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

// redeliverMost is how many records one request forwards again.
const redeliverMost = 500

func newRecordsRedeliver(s Streams, f *gatewayFlags) *cobra.Command {
	var to string
	var undelivered bool
	c := &cobra.Command{
		Use: "redeliver [ID …]", Short: "Forward records again to their destinations: it costs nothing at Clay",
		Example: "  claygate records redeliver rec_… --to crm\n  claygate records redeliver --to crm --undelivered",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case undelivered == (len(args) > 0):
				return &usageError{message: "name records, or say --undelivered", hint: "--undelivered with --to tries again what was given up"}
			case undelivered && to == "":
				return &usageError{message: "--undelivered needs a destination", hint: "name it with --to; `claygate destinations list` shows them"}
			}
			return operate(f, s, func(ctx context.Context, g *gateway, ids []string) error {
				n, err := redeliver(ctx, g, to, ids)
				if err != nil {
					return err
				}
				l := newListing(s, f.json, "deliveries")
				if err := l.add(map[string]int{"deliveries": n}, n); err != nil {
					return err
				}
				return l.end()
			})(c, args)
		},
	}
	c.Flags().StringVar(&to, "to", "", "only to this destination (default: to all of each record's)")
	c.Flags().BoolVar(&undelivered, "undelivered", false, "everything that was given up for the destination")
	return c
}

func redeliver(ctx context.Context, g *gateway, to string, ids []string) (n int, err error) {
	if len(ids) == 0 {
		return g.RedeliverUndelivered(ctx, to)
	}
	for part := range slices.Chunk(ids, redeliverMost) {
		m, err := g.Redeliver(ctx, to, part...)
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

func newDestinations(s Streams) *cobra.Command {
	var f gatewayFlags
	var reason string
	c := &cobra.Command{Use: "destinations", Short: "List, disable and enable destinations", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	f.add(c)
	disable := &cobra.Command{
		Use: "disable NAME", Short: "Deliver nothing more; what ends meanwhile is kept", Args: oneArg("a destination", "e.g. claygate destinations disable crm"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			if err := g.DisableDestination(ctx, args[0], reason); err != nil {
				return err
			}
			return listDestinations(ctx, s, g, f.json)
		}),
	}
	disable.Flags().StringVar(&reason, "reason", "disabled by hand", "why, for those who read it later")
	c.AddCommand(disable, &cobra.Command{
		Use: "enable NAME", Short: "Let deliveries go on, also after a 410", Args: oneArg("a destination", "e.g. claygate destinations enable crm"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			if err := g.EnableDestination(ctx, args[0]); err != nil {
				return err
			}
			return listDestinations(ctx, s, g, f.json)
		}),
	}, &cobra.Command{
		Use: "list", Short: "Show what waits for each destination, and what was given up", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error { return listDestinations(ctx, s, g, f.json) }),
	})
	return c
}

func listDestinations(ctx context.Context, s Streams, g *gateway, asJSON bool) error {
	all, err := g.Destinations(ctx)
	if err != nil {
		return err
	}
	l := newListing(s, asJSON, "destination", "waiting", "undelivered", "disabled")
	for _, d := range all {
		if err := l.add(d, d.Name, d.Waiting, d.Undelivered, whyDisabled(d)); err != nil {
			return err
		}
	}
	return l.end()
}

func whyDisabled(d client.Destination) string {
	if d.Disabled == nil {
		return ""
	}
	return oneLine(*d.Disabled)
}
