package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/config"
)

func newMigrate(s Streams) *cobra.Command {
	var path, file string
	var yes bool
	c := &cobra.Command{
		Use: "migrate", Short: "Show what an upgrade does to the ledger's database, and do it with --yes", Args: noArgs,
		Long: "migrate shows which steps bring the schema of the ledger's PostgreSQL database up to this version, and runs them with\n" +
			"--yes. A replica runs them as well when it starts: this is for doing it first, with a role that may, or for looking.",
		Example: "  claygate migrate --ledger env:LEDGER_DSN\n  claygate migrate --ledger env:LEDGER_DSN --yes",
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := config.LoadLedger(config.Source{Path: file, Flags: config.Overrides{Ledger: path}, Getenv: s.Getenv})
			if err != nil {
				return err
			}
			if !found.Database.IsSet() {
				s.print("The ledger is a file: it is brought up to date when it is opened, after a copy of it was made.\n")
				return nil
			}
			return migrate(c.Context(), s, found, yes)
		},
	}
	c.Flags().StringVar(&path, "ledger", "", "the database, as env:NAME, file:PATH or postgres://… (default: the configuration's; or CLAYGATE_LEDGER)")
	c.Flags().StringVarP(&file, "config", "c", "", "the configuration that names it")
	c.Flags().BoolVar(&yes, "yes", false, "run the steps")
	return c
}

func migrate(ctx context.Context, s Streams, of config.Config, yes bool) error {
	plan, err := app.PlanMigration(ctx, of.Database.Reveal())
	if err != nil {
		return err
	}
	if len(plan.Steps) == 0 {
		s.print("%s has schema %d, which is this version's: there is nothing to do.\n", of.Ledger, plan.Have)
		return nil
	}
	s.print("%s has schema %d; this version's is %d. To run, in this order:\n", of.Ledger, plan.Have, plan.Want)
	for _, step := range plan.Steps {
		s.print("  %s\n", step)
	}
	if !yes {
		s.print("Nothing was changed: --yes runs them.\n")
		return nil
	}
	if err := app.Migrate(ctx, of.Database.Reveal()); err != nil {
		return err
	}
	s.print("Done.\n")
	return nil
}
