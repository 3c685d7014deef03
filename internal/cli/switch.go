package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newStop(s Streams) *cobra.Command {
	var f gatewayFlags
	var all bool
	var reason string
	c := &cobra.Command{
		Use: "stop WORKSPACE|--all", Short: "Stop all sending within a second; it stays stopped over restarts",
		Args: workspaceOrAll(&all, "claygate stop acme, or claygate stop --all"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			stopped, err := g.Stop(ctx, first(args), reason)
			if err != nil {
				return err
			}
			if all {
				_, err = fmt.Fprintln(s.Out, "all sending is stopped; callbacks are still taken. `claygate start --all` lets it go on.")
			} else {
				_, err = fmt.Fprintf(s.Out, "nothing more is sent of %s; callbacks are still taken. `claygate start %s` lets it go on.\n", args[0], args[0])
			}
			stillStopped(s, stopped)
			return err
		}),
	}
	f.add(c)
	c.Flags().BoolVar(&all, "all", false, "stop every workspace")
	c.Flags().StringVar(&reason, "reason", "stopped by hand", "why, for those who read it later")
	return c
}

func newStart(s Streams) *cobra.Command {
	var f gatewayFlags
	var all bool
	c := &cobra.Command{
		Use: "start WORKSPACE|--all", Short: "Let sending go on after a stop of the same name",
		Args: workspaceOrAll(&all, "claygate start acme, or claygate start --all"),
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, args []string) error {
			stopped, err := g.Start(ctx, first(args))
			if err != nil {
				return err
			}
			stillStopped(s, stopped)
			_, err = fmt.Fprintln(s.Out, "sending goes on")
			return err
		}),
	}
	f.add(c)
	c.Flags().BoolVar(&all, "all", false, "take back stop --all; workspaces that were stopped by name stay stopped")
	return c
}

// workspaceOrAll wants the name of a workspace, or the flag for all of them: a forgotten name must not stop everything.
func workspaceOrAll(all *bool, example string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 || (len(args) == 1) == *all || len(args) == 1 && args[0] == "" {
			return &usageError{message: "`" + c.CommandPath() + "` takes one workspace, or --all", hint: "e.g. " + example}
		}
		return nil
	}
}

// first returns the first argument, or "" for none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// stillStopped tells what is stopped.
func stillStopped(s Streams, stopped client.Stopped) {
	if stopped.Stopped != nil {
		s.tell("stopped: everything: " + oneLine(*stopped.Stopped) + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(stopped.Workspaces)) {
		s.tell("stopped: " + name + ": " + oneLine(stopped.Workspaces[name]) + "\n")
	}
}
