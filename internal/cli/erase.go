package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

// eraseMost is how many records one request erases.
const eraseMost = 500

func newRecordsErase(s Streams, f *gatewayFlags) *cobra.Command {
	var target string
	var fields []string
	var all, keyOnly bool
	c := &cobra.Command{
		Use: "erase [ID …]", Short: "Erase somebody's data: by what is known of them, or record by record",
		Long: `Removes what the ledger holds of a person from records, results, tries, callbacks, what is still to be forwarded, and every
file of the ledger. Records that have not ended are canceled. What stays is empty, so that what Clay still sends for it
is taken and not kept. Clay keeps its rows, and destinations what they were given: erase it there as well.

A field's value can be read from standard input, so that it is in no shell history: --field email=-`,
		Example: "  claygate records erase -t people --field email=ada@example.com\n  claygate records erase rec_…",
		RunE: func(c *cobra.Command, args []string) error {
			ways := 0
			for _, chosen := range []bool{len(args) > 0, len(fields) > 0, all} {
				if chosen {
					ways++
				}
			}
			if ways != 1 || (target == "") != (len(args) > 0) {
				return &usageError{
					message: "say whose data: IDs of records, or --target with --field name=value or with --all",
					hint:    "e.g. claygate records erase -t people --field email=ada@example.com",
				}
			}
			known, err := readFields(fields, s.In)
			if err != nil {
				return err
			}
			what := client.Erasing{Target: target, KeyOnly: keyOnly, All: all}
			if known != nil {
				what.Fields = known
			}
			return operate(f, s, func(ctx context.Context, g *gateway, ids []string) error { return eraseAll(ctx, s, f, g, what, ids) })(c, args)
		},
	}
	c.Flags().StringVarP(&target, "target", "t", "", "where the person's records are")
	c.Flags().StringArrayVar(&fields, "field", nil, "what is known of the person, name=value; several must all hold; a value of - is read from standard input")
	c.Flags().BoolVar(&keyOnly, "key-only", false, "only by the dedupe key, without looking through all records of the target")
	c.Flags().BoolVar(&all, "all", false, "everything of the target")
	return c
}

// readFields reads name=value pairs; nil for none.
func readFields(pairs []string, in io.Reader) (map[string]string, error) {
	var fields map[string]string
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, &usageError{message: fmt.Sprintf("--field %s is not name=value", name), hint: "e.g. --field email=ada@example.com"}
		}
		if value == "-" {
			text, err := io.ReadAll(io.LimitReader(in, 64<<10))
			if err != nil {
				return nil, err
			}
			value = strings.TrimSpace(string(text))
		}
		if fields == nil {
			fields = map[string]string{}
		}
		fields[name] = value
	}
	return fields, nil
}

func eraseAll(ctx context.Context, s Streams, f *gatewayFlags, g *gateway, what client.Erasing, ids []string) error {
	var sum client.Erased
	parts := [][]string{nil}
	if len(ids) > 0 {
		parts = slices.Collect(slices.Chunk(ids, eraseMost))
	}
	for _, what.Records = range parts {
		e, err := g.Erase(ctx, what)
		if err != nil {
			return err
		}
		sum.Records, sum.Canceled, sum.AtClay, sum.Unmatched = sum.Records+e.Records, sum.Canceled+e.Canceled, sum.AtClay+e.AtClay, sum.Unmatched+e.Unmatched
		sum.StillHeld = e.StillHeld
	}
	l := newListing(s, f.json, "records", "canceled", "at Clay", "unmatched")
	if err := l.add(sum, sum.Records, sum.Canceled, sum.AtClay, sum.Unmatched); err != nil {
		return err
	}
	if err := l.end(); err != nil {
		return err
	}
	if l.json != nil {
		return nil
	}
	fmt.Fprintln(s.Err, "Not reached from here, and still to be erased there:")
	for _, who := range sum.StillHeld {
		fmt.Fprintln(s.Err, "  "+who)
	}
	return nil
}
