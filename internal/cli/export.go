package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/sheet"
)

func newExport(s Streams) *cobra.Command {
	var f gatewayFlags
	var what client.Export
	var path string
	c := &cobra.Command{
		Use: "export --workspace NAME|--target NAME", Short: "Write all records of a workspace or a target, with what came back", Args: noArgs,
		Long: "export writes one JSON object a line for each record: what was handed in, its result, its metadata and every try at\n" +
			"Clay. It holds personal data: keep it as you keep the ledger.",
		Example: "  claygate export --workspace acme -o acme.ndjson",
		RunE: func(c *cobra.Command, args []string) error {
			if (what.Workspace == "") == (what.Target == "") {
				return &usageError{message: "say what to export: either --workspace or --target", hint: "e.g. claygate export --workspace acme -o acme.ndjson"}
			}
			return operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
				if path == "" || path == sheet.Stdio {
					return g.Export(ctx, what, s.Out)
				}
				return writeWhole(path, func(to io.Writer) error { return g.Export(ctx, what, to) })
			})(c, args)
		},
	}
	f.add(c)
	c.Flags().StringVar(&what.Workspace, "workspace", "", "all targets of this workspace, configured or not")
	c.Flags().StringVarP(&what.Target, "target", "t", "", "this target alone")
	c.Flags().StringVarP(&path, "output", "o", "", "the `file` to write, which appears when it is whole (default: standard output)")
	return c
}

// writeWhole writes a file that is there only once it is whole.
func writeWhole(path string, write func(io.Writer) error) error {
	out, err := sheet.CreateOutput(path, "")
	if err != nil {
		return err
	}
	if err := write(out); err != nil {
		return errors.Join(err, out.Discard())
	}
	return out.Commit()
}
