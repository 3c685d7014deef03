package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/doctor"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	gatewayFlags
	publicURL, callbackListen string
}

func newDoctor(s Streams) *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use: "doctor", Short: "Examine the set-up: what is broken, and what to do about it", Args: noArgs,
		Long: "doctor examines the configuration, the keys, the way to Clay and the way back, the clock, the webhooks' use, the\n" +
			"disk and the permissions. It sends no row, costs nothing, changes nothing, and shows neither secrets nor people's\n" +
			"data. A gateway that has the ledger in use is asked, and goes on.\n\n" +
			"Exit codes: 0 nothing is broken (there may be warnings), 1 something is, 2 the command line is wrong.",
		Example: "  claygate doctor\n  claygate doctor --config claygate.yaml --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return inJSON(f.json, examine(c.Context(), s, &f))
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.publicURL, "public-url", "", "the URL under which Clay reaches --callback-listen (or CLAYGATE_PUBLIC_URL)")
	c.Flags().StringVar(&f.callbackListen, "callback-listen", "", "where Clay's callbacks are taken (default "+config.DefaultCallbackListen+")")
	return c
}

// examine makes every examination, shows what was found worst first, and fails when something is broken.
func examine(ctx context.Context, s Streams, f *doctorFlags) error {
	ctx, cancel := interruptible(ctx, s)
	defer cancel()
	e := &examination{streams: s, flags: f}
	e.run(ctx)
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	found := doctor.Sorted(e.findings)
	if err := showFindings(s, f.json, found); err != nil {
		return err
	}
	if doctor.Count(found, doctor.Broken) > 0 {
		return &exitError{code: exitOther} // what was found says it all
	}
	return nil
}

// showFindings prints findings: a table to people, with what to do below each, and JSON lines to pipes and on request.
func showFindings(s Streams, asJSON bool, found []doctor.Finding) error {
	if asJSON || !s.outTerminal() {
		out := json.NewEncoder(s.Out)
		for _, f := range found {
			if err := out.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.State, printable(f.Check), printable(f.Says))
		if f.Do != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", printable(f.Do))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	broken, warnings := doctor.Count(found, doctor.Broken), doctor.Count(found, doctor.Warning)
	switch {
	case broken > 0:
		s.print("\n%s broken, %s. Mend the topmost first: what is below may follow from it.\n", plural(broken, "thing"), plural(warnings, "warning"))
	case warnings > 0:
		s.print("\nNothing is broken; %s.\n", plural(warnings, "warning"))
	default:
		s.print("\nAll is well.\n")
	}
	return nil
}
