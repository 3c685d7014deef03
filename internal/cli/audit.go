package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

func newAudit(s Streams) *cobra.Command {
	var f gatewayFlags
	var limit int
	c := &cobra.Command{
		Use: "audit", Short: "List who did what to the gateway, the newest first", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			l := newListing(s, f.json, "when", "who", "what", "to", "of")
			n := 0
			for d, err := range g.Audit(ctx) {
				if err != nil {
					return err
				}
				if err := l.add(d, d.At.Local().Format(time.DateTime), d.Who, d.What, d.On, d.N); err != nil {
					return err
				}
				if n++; limit > 0 && n == limit {
					break
				}
			}
			return l.end()
		}),
	}
	f.add(c)
	c.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return c
}
