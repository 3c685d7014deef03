package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/client"
)

func newRecords(s Streams) *cobra.Command {
	var f gatewayFlags
	c := &cobra.Command{Use: "records", Short: "List, show, replay, resolve, cancel, redeliver and erase records", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	f.add(c)
	c.AddCommand(newRecordsList(s, &f), newRecordsShow(s, &f), newRecordsResolve(s, &f), newRecordsCancel(s, &f), newRecordsRedeliver(s, &f), newRecordsErase(s, &f),
		&cobra.Command{
			Use: "replay ID …", Short: "Send records again that failed, expired or were canceled: it may cost", Args: someArgs("records"),
			RunE: operate(&f, s, func(ctx context.Context, g *gateway, ids []string) error {
				return forEach(s, f.json, ids, func(id string) (client.Record, error) { return g.Replay(ctx, id) })
			}),
		})
	return c
}

func newRecordsList(s Streams, f *gatewayFlags) *cobra.Command {
	var q client.Query
	var states []string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List records, the newest first", Args: noArgs,
		Example: "  claygate records list --state dead,expired,uncertain\n  claygate records list -t people --key ada@example.com",
		RunE: operate(f, s, func(ctx context.Context, g *gateway, _ []string) error {
			for _, state := range states {
				q.States = append(q.States, client.State(state))
			}
			q.Page = min(max(limit, 1), 500)
			l := newListing(s, f.json, "id", "target", "state", "created", "why")
			n := 0
			for r, err := range g.Records(ctx, q) {
				if err != nil {
					return err
				}
				if err := l.add(r, r.ID, r.Target, stateOf(r), ago(r.CreatedAt), why(r)); err != nil {
					return err
				}
				if n++; limit > 0 && n == limit {
					break
				}
			}
			return l.end()
		}),
	}
	c.Flags().StringVarP(&q.Target, "target", "t", "", "only this target's")
	c.Flags().StringSliceVar(&states, "state", nil, "only those in these states, such as dead,expired,uncertain")
	c.Flags().StringVar(&q.Key, "key", "", "only those of this dedupe key, such as an e-mail address; needs --target")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return c
}

func newRecordsShow(s Streams, f *gatewayFlags) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a record with every try at Clay", Args: oneArg("a record's ID", "e.g. claygate records show rec_…"),
		RunE: operate(f, s, func(ctx context.Context, g *gateway, args []string) error {
			r, err := g.Record(ctx, args[0], client.Look{Attempts: true})
			if err != nil {
				return err
			}
			out, err := json.MarshalIndent(r, "", "  ")
			if err == nil {
				_, err = fmt.Fprintf(s.Out, "%s\n", out)
			}
			return err
		}),
	}
}

func newRecordsResolve(s Streams, f *gatewayFlags) *cobra.Command {
	var arrived, lost bool
	c := &cobra.Command{
		Use: "resolve ID …", Short: "Say whether a doubtful record reached Clay, after a look in the table", Args: someArgs("records"),
		Example: "  claygate records resolve rec_… --arrived   # its result is awaited again\n  claygate records resolve rec_… --lost      # it is sent again",
		RunE: func(c *cobra.Command, args []string) error {
			if arrived == lost {
				return &usageError{message: "say what you found: --arrived or --lost", hint: "--arrived awaits its result again, --lost sends it again"}
			}
			return operate(f, s, func(ctx context.Context, g *gateway, ids []string) error {
				return forEach(s, f.json, ids, func(id string) (client.Record, error) { return g.Resolve(ctx, id, arrived) })
			})(c, args)
		},
	}
	c.Flags().BoolVar(&arrived, "arrived", false, "the row is in the table")
	c.Flags().BoolVar(&lost, "lost", false, "the row is not in the table")
	return c
}

func newRecordsCancel(s Streams, f *gatewayFlags) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "cancel ID …", Short: "Give up records that have not left yet", Args: someArgs("records"),
		RunE: operate(f, s, func(ctx context.Context, g *gateway, ids []string) error {
			return forEach(s, f.json, ids, func(id string) (client.Record, error) { return g.Cancel(ctx, id, reason) })
		}),
	}
	c.Flags().StringVar(&reason, "reason", "canceled by hand", "why, for those who read it later")
	return c
}

// forEach does something to each record and lists what became of them.
func forEach(s Streams, asJSON bool, ids []string, do func(id string) (client.Record, error)) error {
	l := newListing(s, asJSON, "id", "state")
	for _, id := range ids {
		r, err := do(id)
		if err != nil {
			return err
		}
		if err := l.add(r, r.ID, r.State); err != nil {
			return err
		}
	}
	return l.end()
}

func stateOf(r client.Record) string {
	if r.Cached {
		return string(r.State) + ", cached"
	}
	return string(r.State)
}

func why(r client.Record) string {
	if r.Error == nil {
		return ""
	}
	return oneLine(r.Error.Reason)
}

// ago spells a time as people look at it.
func ago(at time.Time) string {
	switch d := time.Since(at); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return spell(d.Truncate(time.Minute)) + " ago"
	case d < 24*time.Hour:
		return spell(d.Truncate(time.Hour)) + " ago"
	}
	return at.Local().Format("2006-01-02 15:04")
}

// someArgs asks for at least one argument.
func someArgs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return &usageError{message: "`" + c.CommandPath() + "` takes one or more " + what, hint: "see `" + c.CommandPath() + " --help`"}
	}
}

func newTail(s Streams) *cobra.Command {
	var f gatewayFlags
	var follow client.Follow
	c := &cobra.Command{
		Use: "tail", Short: "Print what happens, as it happens", Args: noArgs,
		RunE: operate(&f, s, func(ctx context.Context, g *gateway, _ []string) error {
			if g.app != nil {
				return &usageError{message: "nothing happens in a ledger that no process has in use", hint: "start `claygate serve`, or name a gateway with --gateway"}
			}
			for e, err := range g.Events(ctx, follow) {
				if err != nil {
					return err
				}
				if err := printEvent(s, f.json, e); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	f.add(c)
	c.Flags().StringVarP(&follow.Target, "target", "t", "", "only this target's")
	return c
}

// printEvent prints one event: people wait for it, so it is not held back to align a table.
func printEvent(s Streams, asJSON bool, e client.Event) error {
	l := newListing(s, asJSON)
	if l.json != nil {
		return l.json.Encode(e)
	}
	what := cmp.Or(e.Target, "everything")
	if e.Record != nil {
		what = e.Record.ID + " " + e.Record.Target + " " + why(*e.Record)
	}
	_, err := fmt.Fprintln(s.Out, printable(strings.Join([]string{time.Now().Format(time.TimeOnly), e.Kind, what, e.Reason}, "  ")))
	return err
}
