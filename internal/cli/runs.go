package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newRuns(s Streams) *cobra.Command {
	var f gatewayFlags
	var q client.RunQuery
	var limit int
	c := &cobra.Command{Use: "runs", Short: "List the runs of routines at Clay", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	f.add(c)
	list := &cobra.Command{
		Use: "list", Short: "List runs, the newest first, with Clay's name for each", Args: noArgs,
		Example: "  claygate runs list --state uncertain,lost   # those to look for in Clay",
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			q.Page = min(max(limit, 1), 500)
			l := newListing(s, f.json, "run", "target", "at Clay", "kind", "state", "records", "started", "why")
			n := 0
			for r, err := range g.Runs(ctx, q) {
				if err != nil {
					return err
				}
				if err := l.add(r, r.ID, text(r.Target), text(r.ClayID), r.Kind, r.State, r.Records, ago(r.StartedAt), oneLine(text(r.Reason))); err != nil {
					return err
				}
				if n++; limit > 0 && n == limit {
					break
				}
			}
			return l.end()
		}),
	}
	list.Flags().StringVarP(&q.Target, "target", "t", "", "only this target's")
	list.Flags().StringSliceVar(&q.States, "state", nil, "only those in these states, such as uncertain,lost")
	list.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	c.AddCommand(list)
	return c
}

// text is what a text is that may be missing.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
