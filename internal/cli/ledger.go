package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
)

func newLedger(s Streams) *cobra.Command {
	c := &cobra.Command{Use: "ledger", Short: "Move the ledger"}
	c.AddCommand(newLedgerCopy(s))
	return c
}

func newLedgerCopy(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "copy sqlite:FILE postgres://…|env:NAME",
		Short: "Copy a ledger from its file into a PostgreSQL database",
		Long: "copy moves a ledger into an empty database, row by row, and then compares the two: every table's rows and their\n" +
			"checksum. No gateway may have the file in use, and none opens the database before all of it is there. Broken\n" +
			"off, the same command goes on from where it was.\n\n" +
			"The file stays as it is, but for one thing: it sends nothing any more, because the database's gateways do.",
		Example: "  claygate ledger copy sqlite:ledger.db env:LEDGER_DSN",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{message: "`" + c.CommandPath() + "` takes a file and a database", hint: "e.g. claygate ledger copy sqlite:ledger.db env:LEDGER_DSN"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, err := moveOf(s, args[0], args[1])
			if err != nil {
				return err
			}
			m.Tell = func(table string, rows int) {
				if rows >= worthTelling {
					s.tell(fmt.Sprintf("%s: %d\n", table, rows))
				}
			}
			done, err := app.CopyLedger(c.Context(), m)
			if err != nil {
				return err
			}
			for _, t := range done {
				if t.Rows > 0 {
					fmt.Fprintf(s.Out, "%-14s %d\n", t.Table, t.Rows)
				}
			}
			s.print("%s holds all that %s held. Serve with it: `ledger: env:NAME`. Keep the file until you are content; it sends nothing any more.\n", m.Name, m.From)
			return nil
		},
	}
}

// worthTelling is how many rows of a table must have been copied before it is told how far it is.
const worthTelling = 10_000

// moveOf reads where a ledger is to be copied from and to.
func moveOf(s Streams, from, to string) (m app.Move, err error) {
	path, isFile := strings.CutPrefix(from, "sqlite:")
	if !isFile {
		return m, &usageError{message: "a ledger is copied from a file, written sqlite:FILE", hint: "e.g. sqlite:ledger.db"}
	}
	if _, err := os.Stat(path); err != nil {
		return m, &usageError{message: "there is no ledger " + path}
	}
	found, err := config.LoadLedger(config.Source{Flags: config.Overrides{Ledger: to}, Getenv: s.Getenv})
	if err != nil {
		return m, err
	}
	if !found.Database.IsSet() {
		return m, &usageError{message: "a ledger is copied into a database, written postgres://… or env:NAME", hint: "e.g. env:LEDGER_DSN"}
	}
	return app.Move{From: path, To: found.Database.Reveal(), Name: found.Ledger}, nil
}
