package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/ledger"
)

// setupFlags are the flags of setup.
type setupFlags struct {
	doctorFlags
	results []string
	yes     bool
	wait    span
}

func newSetup(s Streams) *cobra.Command {
	var f setupFlags
	c := &cobra.Command{
		Use: "setup TARGET field=value … | FILE", Short: "Set a table's column up, step by step, and check what it sends back",
		Long: "setup goes through Clay's own order: it sends one row with your columns and claygate_id, so that Clay shows them,\n" +
			"says which columns to add and how the HTTP API column is to be filled in, waits for the column's call, and names\n" +
			"what is wrong with it. The row may cost what the table's enrichments cost, so it asks first.\n\n" +
			"Exit codes: 0 the column is right, 7 it calls and some fields are wrong, 1 it did not call in time, 2 the command\n" +
			"line or the configuration is wrong, 3 Clay refuses the row, 130 interrupted.",
		Example: "  claygate setup default email=you@your-company.com --results name,title,work_email\n  claygate setup people leads.csv --config claygate.yaml",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return inJSON(f.json, setup(c.Context(), s, &f, args))
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.publicURL, "public-url", "", "the URL under which Clay reaches --callback-listen (or CLAYGATE_PUBLIC_URL)")
	c.Flags().StringVar(&f.callbackListen, "callback-listen", "", "where Clay's callbacks are taken (default "+config.DefaultCallbackListen+")")
	c.Flags().StringSliceVar(&f.results, "results", []string{"result"}, "the fields that the table is to send back")
	c.Flags().BoolVar(&f.yes, "yes", false, "send the row without asking")
	c.Flags().Var(&f.wait, "wait", "how long to wait for the column's call (default 30m)")
	return c
}

// setup sets one table up.
func setup(ctx context.Context, s Streams, f *setupFlags, args []string) (err error) {
	if len(args) < 2 {
		return &usageError{message: "`claygate setup` takes a target, and one row with your columns", hint: "e.g. claygate setup default email=you@your-company.com"}
	}
	row, err := firstRow(s, args[1:])
	if err != nil {
		return err
	}
	session := &setupSession{streams: s, flags: f, name: args[0], row: row, refused: make(chan app.Refusal, 16)}
	defer func() { err = errors.Join(err, session.close()) }()
	if err := session.find(ctx); err != nil {
		return err
	}
	if err := session.permission(ctx); err != nil {
		return err
	}
	stopped, cancel := interruptible(ctx, s)
	defer cancel()
	if err = session.send(stopped); err == nil {
		err = session.watch(stopped)
	}
	if stopped.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	return err
}

// firstRow returns the row of the arguments, or the first of a file.
func firstRow(s Streams, args []string) (json.RawMessage, error) {
	in, err := openInput(s, args, "")
	if err != nil {
		return nil, err
	}
	defer in.close()
	rows, err := in.read()
	if err != nil {
		return nil, err
	}
	row, err := rows.Next()
	if err != nil {
		return nil, &usageError{message: in.short() + " has no row to send", hint: "one row with your columns is enough"}
	}
	return row.JSON(), nil
}

// setupSession is one run of setup.
type setupSession struct {
	streams Streams
	flags   *setupFlags
	name    string // of the target, as it was said
	row     json.RawMessage
	refused chan app.Refusal

	config  config.Config // where it is known
	target  string        // by the name under which it is stored
	column  column
	local   bool // Clay is emulated on this machine
	gateway *gateway
	record  string
	own     bool   // this process sends the row and takes the callbacks
	called  string // what was wrong with the column's last call; "" while nothing was
}

// replaced makes the target's settings right for trying: each call counts, and nothing of it is forwarded or reused.
func replaced(c app.Config, name string, wait time.Duration) app.Config {
	for i := range c.Targets {
		if t := &c.Targets[i]; t.Name == name {
			t.DedupeBy, t.Destinations, t.CompleteWhen = nil, nil, nil
			t.OnUpdate, t.ResultTimeout = ledger.Replace, wait
		}
	}
	return c
}
