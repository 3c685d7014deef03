package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newErase(s Streams) *cobra.Command {
	var f gatewayFlags
	var workspace string
	var yes bool
	c := &cobra.Command{
		Use: "erase --workspace NAME", Short: "Erase all that the ledger holds of a workspace", Args: noArgs,
		Long: "erase empties every record of all targets of a workspace, configured or not, and whatever else the ledger holds of it, as\n" +
			"`claygate records erase` does for a person. Records that have not ended are canceled. Clay keeps its rows, and\n" +
			"destinations what they were given. Take the client's keys and its configuration away first, or more comes in.",
		Example: "  claygate export --workspace acme -o acme.ndjson\n  claygate erase --workspace acme --yes",
		RunE: func(c *cobra.Command, args []string) error {
			if workspace == "" {
				return &usageError{message: "say which workspace: --workspace NAME", hint: "`claygate records erase` is for a person, or for one target"}
			}
			return operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
				if !yes {
					return wouldErase(ctx, g, workspace)
				}
				return eraseAll(ctx, s, &f, g, client.Erasing{Workspace: workspace, All: true}, nil)
			})(c, args)
		},
	}
	f.add(c)
	c.Flags().StringVar(&workspace, "workspace", "", "the workspace")
	c.Flags().BoolVar(&yes, "yes", false, "do it: there is no way back")
	return c
}

// wouldErase says what would go.
func wouldErase(ctx context.Context, g *gateway, workspace string) error {
	all, err := g.Targets(ctx)
	if err != nil {
		return err
	}
	records, names := 0, []string{}
	for _, t := range all.Targets {
		if of, _, named := strings.Cut(t.Name, "/"); named && of == workspace || !named && workspace == "main" {
			names = append(names, t.Name)
			for _, n := range t.Counts {
				records += n
			}
		}
	}
	if len(names) == 0 {
		return &usageError{message: "there is no target of a workspace " + workspace, hint: "`claygate targets list` shows those that there are"}
	}
	return &usageError{
		message: "this erases " + plural(records, "record") + " of " + strings.Join(names, ", ") + ", and there is no way back",
		hint:    "claygate export --workspace " + workspace + " keeps a copy; then say --yes",
	}
}
