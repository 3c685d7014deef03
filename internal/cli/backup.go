package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

func newBackup(s Streams) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Copy the ledger to a new file, also while it is in use",
		Example: "  claygate backup ledger-2026-11-23.db",
		Args:    oneArg("a file to write", "e.g. claygate backup ledger-copy.db"),
		RunE: func(c *cobra.Command, args []string) error {
			from, err := ledgerPath(s, path, false)
			if err != nil {
				return err
			}
			if err := app.Backup(c.Context(), from, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s is a copy of %s. It holds personal data and secrets: keep it as you keep the ledger.\n", args[0], from)
			return nil
		},
	}
	c.Flags().StringVar(&path, "ledger", "", "the ledger's file (default: in the user's state folder; or CLAYGATE_LEDGER)")
	return c
}

func newRestore(s Streams) *cobra.Command {
	var path string
	var release bool
	c := &cobra.Command{
		Use:   "restore FILE | --release",
		Short: "Make a ledger of a backup; it sends nothing until it is released",
		Long: "restore makes a new ledger of a backup. What the backup shows as unfinished may have been sent after it was\n" +
			"made, so nothing is sent until you have looked and release it.",
		Example: "  claygate restore ledger-2026-11-23.db --ledger ledger.db\n  claygate restore --release --ledger ledger.db",
		RunE: func(c *cobra.Command, args []string) error {
			to, err := ledgerPath(s, path, false)
			if err != nil {
				return err
			}
			if release {
				n, err := app.Release(c.Context(), to)
				if ledger.KindOf(err) == ledger.Busy {
					return &exitError{
						code: exitOther, message: "a gateway has " + to + " in use already",
						hint: "`claygate start --all --ledger " + to + "` has it send, which is all that releasing does",
					}
				}
				if err == nil {
					fmt.Fprintf(s.Out, "released: %s of %s may be sent\n", plural(n, "unfinished record"), to)
				}
				return err
			}
			if err := oneArg("a backup", "e.g. claygate restore ledger-copy.db")(c, args); err != nil {
				return err
			}
			if _, err := os.Stat(args[0]); err != nil {
				return err
			}
			n, err := app.Restore(c.Context(), args[0], to)
			if err == nil {
				fmt.Fprintf(s.Out, "%s is restored; %s held. Look at them, then run `claygate restore --release`.\n", to, plural(n, "unfinished record"))
			}
			return err
		},
	}
	c.Flags().StringVar(&path, "ledger", "", "the ledger to make (default: in the user's state folder; or CLAYGATE_LEDGER)")
	c.Flags().BoolVar(&release, "release", false, "let the restored ledger send")
	return c
}

// oneArg asks for exactly one argument, with a message of our own.
func oneArg(what, example string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return &usageError{message: "`" + c.CommandPath() + "` takes " + what, hint: example}
	}
}
