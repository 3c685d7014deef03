package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/config"
)

func newConfig(s Streams) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check a configuration, or print an example", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use: "example", Short: "Print a configuration with every key explained", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.Out, config.Example())
			return err
		},
	}, newConfigCheck(s), newReload(s))
	return c
}

// newConfigCheck takes the file as serve does as well: that is how it is typed.
func newConfigCheck(s Streams) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "check FILE", Short: "Say every mistake in a configuration, and what it leads to",
		RunE: func(_ *cobra.Command, args []string) error {
			return checkConfig(s, cmp.Or(file, strings.Join(args, "")))
		},
	}
	wanted := oneArg("a file", "e.g. claygate config check claygate.yaml")
	c.Args = func(c *cobra.Command, args []string) error {
		if file != "" {
			return noArgs(c, args)
		}
		return wanted(c, args)
	}
	c.Flags().StringVarP(&file, "config", "c", "", "the `file`, as claygate serve takes it")
	return c
}

func newReload(s Streams) *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{
		Use: "reload", Short: "Have a running gateway read its configuration again", Args: noArgs,
		Long: "reload has a running gateway read its configuration again, as SIGHUP does. With any mistake in it the one from\n" +
			"before goes on, and every mistake is shown.",
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			r, err := g.Reload(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "The gateway works by its configuration as it is now, with %s.\n", plural(r.Targets, "target"))
			for _, change := range []struct {
				what  string
				names []string
			}{{"new", r.Added}, {"removed (their records wait until they return)", r.Removed}, {"takes a restart", r.Restart}} {
				if len(change.names) > 0 {
					fmt.Fprintf(s.Out, "  %s: %s\n", change.what, strings.Join(change.names, ", "))
				}
			}
			return nil
		}),
	}
	f.add(c)
	return c
}

func checkConfig(s Streams, path string) error {
	c, err := config.Load(config.Source{Path: path, Getenv: s.Getenv})
	if err != nil {
		return err
	}
	for _, w := range c.Warnings() {
		fmt.Fprintln(s.Err, "warning: "+w.Error())
	}
	fmt.Fprintf(s.Out, "%s is right. It serves %s on %s and takes callbacks on %s.\n", path, plural(len(c.Targets()), "target"), c.Listen, c.CallbackListen)
	for _, t := range c.Targets() {
		fmt.Fprintf(s.Out, "  %s (%s)\n", t.Short(), t.Kind)
	}
	return nil
}
