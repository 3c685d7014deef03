package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newTargets(s Streams) *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{Use: "targets", Short: "List, pause and resume targets", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	f.add(c)
	var reason string
	pause := &cobra.Command{
		Use: "pause TARGET", Short: "Send nothing more to a target", Args: oneArg("a target", "e.g. claygate targets pause people"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			t, err := g.Pause(ctx, args[0], reason)
			return listTargets(s, f.json, err, t)
		}),
	}
	pause.Flags().StringVar(&reason, "reason", "paused by hand", "why, for those who read it later")
	c.AddCommand(pause, newWebhooks(s, &f), &cobra.Command{
		Use: "resume TARGET", Short: "Let a target go on", Args: oneArg("a target", "e.g. claygate targets resume people"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			t, err := g.Resume(ctx, args[0])
			return listTargets(s, f.json, err, t)
		}),
	}, &cobra.Command{
		Use: "list", Short: "Show every target with its counts, its webhooks and what holds it back", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			all, err := g.Targets(ctx)
			if err == nil {
				stillStopped(s, client.Stopped{Stopped: all.Stopped, Workspaces: all.StoppedWorkspaces})
			}
			return listTargets(s, f.json, err, all.Targets...)
		}),
	})
	return c
}

func listTargets(s Streams, asJSON bool, err error, targets ...client.Target) error {
	if err != nil {
		return err
	}
	l := newListing(s, asJSON, "target", "kind", "records", "webhooks", "paused")
	for _, t := range targets {
		var counts, webhooks []string
		for _, state := range slices.Sorted(maps.Keys(t.Counts)) {
			counts = append(counts, fmt.Sprintf("%d %s", t.Counts[state], state))
		}
		for _, w := range t.Webhooks {
			webhooks = append(webhooks, used(w))
		}
		paused := ""
		switch {
		case t.Paused != nil:
			paused = oneLine(t.Paused.Reason)
		case t.Breaker != nil:
			paused = "failing: " + oneLine(t.Breaker.Reason)
		}
		if err := l.add(t, t.Name, t.Kind, strings.Join(counts, ", "), strings.Join(webhooks, ", "), paused); err != nil {
			return err
		}
	}
	return l.end()
}

// used says how much of a webhook is used up.
func used(w client.Webhook) string {
	if w.Limit == 0 {
		return fmt.Sprintf("%d, no limit", w.Used)
	}
	return fmt.Sprintf("%d of %d", w.Used, w.Limit)
}

// binding says what a key is bound to: a whole workspace as "acme/*".
func binding(k client.APIKey) string {
	if k.Ingest != "" {
		return k.Ingest
	}
	var all []string
	for _, w := range k.Workspaces {
		all = append(all, w+"/*")
	}
	return strings.Join(append(all, k.Targets...), ",")
}

func newKeys(s Streams) *cobra.Command {
	var f gatewayFlags
	var k client.NewKey
	c := &cobra.Command{Use: "keys", Short: "Create, list and revoke API keys", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	f.add(c)
	create := &cobra.Command{
		Use: "create NAME", Short: "Create an API key; it is shown once", Args: oneArg("a name", "e.g. claygate keys create crm --scope send"),
		Example: "  claygate keys create crm --scope send,read --target people\n" +
			"  claygate keys create acme --scope send,read --workspace acme\n  claygate keys create n8n --ingest people",
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			k.Name = args[0]
			key, err := g.CreateKey(ctx, k)
			if err != nil {
				return err
			}
			if f.json {
				return newListing(s, true).add(key)
			}
			_, err = fmt.Fprintf(s.Out, "%s\n", key.Key)
			s.tell("That is the key " + key.ID + ". It is shown this once: only its hash is kept.\n")
			if key.IngestPath != "" {
				s.tell("Clients that send no header post their rows to the gateway's " + key.IngestPath + ", which is as secret as the key.\n")
			}
			return err
		}),
	}
	create.Flags().StringSliceVar(&k.Scopes, "scope", nil, "what it may do: send, read, replay, admin")
	create.Flags().StringSliceVar(&k.Workspaces, "workspace", nil, "bind it to a workspace: to all of its targets, and no others")
	create.Flags().StringSliceVar(&k.Targets, "target", nil, "bind it to a target (default, with no --workspace: everything)")
	create.Flags().StringVar(&k.Ingest, "ingest", "", "the one target that it feeds, for a client that can do no more")
	c.AddCommand(create, &cobra.Command{
		Use: "list", Short: "List the API keys", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			keys, err := g.Keys(ctx)
			if err != nil {
				return err
			}
			l := newListing(s, f.json, "id", "name", "scopes", "bound to", "created", "revoked")
			for _, key := range keys {
				revoked := ""
				if !key.RevokedAt.IsZero() {
					revoked = ago(key.RevokedAt)
				}
				if err := l.add(key, key.ID, key.Name, strings.Join(key.Scopes, ","), binding(key), ago(key.CreatedAt), revoked); err != nil {
					return err
				}
			}
			return l.end()
		}),
	}, &cobra.Command{
		Use: "rotate-tickets", Short: "Sign rows with another secret, in two minutes; the former one proves results for 30 days", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error { return g.RotateTickets(ctx) }),
	}, &cobra.Command{
		Use: "revoke ID", Short: "End an API key for ever", Args: oneArg("a key's ID", "e.g. claygate keys revoke key_…"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error { return g.RevokeKey(ctx, args[0]) }),
	})
	return c
}
