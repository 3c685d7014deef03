package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/sheet"
)

func newEnrich(s Streams) *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "enrich FILE | - | field=value …",
		Short: "Enrich the rows of a CSV, TSV or JSONL file",
		Long: "enrich runs a function or a workflow of Clay over the rows (--routine), or sends each row to a Clay table and\n" +
			"waits for what the table's HTTP API column sends back, and writes the rows with their results, in their\n" +
			"order. Interrupted and run again, it goes on where it stopped: what was paid for is not paid for again.",
		Example: "  claygate enrich leads.csv --emulate -o enriched.csv\n" +
			"  claygate enrich leads.csv --routine function:t_… -o enriched.csv\n" +
			"  claygate enrich leads.csv --public-url https://hooks.example.com -o enriched.csv\n" +
			"  claygate enrich email=jo@example.com --emulate",
		RunE: func(c *cobra.Command, args []string) error {
			f.listens = c.Flags().Changed("callback-listen")
			if f.emulate && !c.Flags().Changed("callback-listen") {
				f.callbackListen = "127.0.0.1:0" // nobody else needs to know the port
			}
			return inJSON(f.json, enrich(c.Context(), s, f, args))
		},
	}
	f.addLoad(c)
	f.addEnrich(c)
	return c
}

func enrich(ctx context.Context, s Streams, f loadFlags, args []string) (err error) {
	l, err := newLoad(s, f, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	if f.output != sheet.Stdio {
		if err := sheet.CheckOutput(f.output, l.input.path()); err != nil {
			message, hint, _ := explain(err)
			return &usageError{message: message, hint: hint}
		}
	}
	return l.work(ctx, l.write)
}
