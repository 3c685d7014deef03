package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func newSend(s Streams) *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "send FILE | - | field=value …",
		Short: "Send the rows of a file to a table, without awaiting results",
		Long: "send puts each row into a Clay table, once, at the pace Clay allows. Interrupted and run again, it goes on\n" +
			"where it stopped.",
		Example: "  claygate send leads.csv --emulate\n  claygate send leads.jsonl",
		RunE: func(c *cobra.Command, args []string) error {
			f.dedupeBy = "none" // Clay does not dedupe rows, and there is no result to share
			return inJSON(f.json, send(c.Context(), s, f, args))
		},
	}
	f.addLoad(c)
	return c
}

func send(ctx context.Context, s Streams, f loadFlags, args []string) (err error) {
	l, err := newLoad(s, f, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.await, l.show.worked = false, "in Clay"
	return l.work(ctx, l.tally)
}
