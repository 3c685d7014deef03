package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/routine"
)

func newRoutines(s Streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "routines [ID]", Short: "List what can be run, with inputs and prices",
		Long: "routines asks for the functions and workflows of the key's workspace, or for one of them. Clay does not document\n" +
			"the address that it asks: it is that of Clay's own command line, and may stop working any day. Nothing else needs it.",
		Example: "  claygate routines\n  claygate routines function:t_…",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{message: "`claygate routines` takes one routine at most", hint: "e.g. claygate routines function:t_…"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return inJSON(asJSON, routines(c.Context(), s, asJSON, args))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "JSON lines, as pipes get them")
	return c
}

func routines(ctx context.Context, s Streams, asJSON bool, args []string) error {
	var id string
	var err error
	if len(args) > 0 {
		if id, err = routineID(args[0]); err != nil {
			return err
		}
	}
	key, err := neededKey(s)
	if err != nil {
		return err
	}
	source, err := sourceOf(ctx, s, key)
	if err != nil {
		return err
	}
	if id != "" {
		one, err := source.Find(ctx, id)
		if err != nil {
			return unlisted(err)
		}
		return showRoutine(s, asJSON, one)
	}
	all, err := source.List(ctx)
	if err != nil {
		return unlisted(err)
	}
	l := newListing(s, asJSON, "id", "name", "a row costs", "inputs")
	for _, r := range all {
		if err := l.add(r, r.ID, r.Name, spellPrice(r.Price, 1), inputNames(r.Inputs)); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		s.tell("Clay lists no routine that the API may run: enable the API in a function's settings\n")
	}
	return l.end()
}

// sourceOf asks whose key it is, which tells a wrong one by what is documented.
func sourceOf(ctx context.Context, s Streams, key string) (routine.Source, error) {
	_, from := publicKey(s)
	client, err := publicClient(clayURL(s), key)
	if err != nil {
		return routine.Source{}, err
	}
	defer client.Close()
	who, err := client.Me(ctx)
	return routine.Source{BaseURL: clayURL(s), Key: key, Workspace: who.WorkspaceID}, refusedKey(from, err)
}

// showRoutine prints one with its inputs.
func showRoutine(s Streams, asJSON bool, r routine.Routine) error {
	if asJSON || !s.outTerminal() {
		return newListing(s, true).add(r)
	}
	s.print("%s  %s\n", r.ID, r.Name)
	if r.Description != "" {
		s.print("%s\n", r.Description)
	}
	s.print("a row costs: %s\n", spellPrice(r.Price, 1))
	if len(r.Inputs) == 0 {
		s.print("Clay does not say what its inputs are\n")
		return nil
	}
	l := newListing(s, false, "input", "type", "needed", "description")
	for _, in := range r.Inputs {
		needed := ""
		if in.Required {
			needed = "yes"
		}
		if err := l.add(in, in.Name, in.Type, needed, in.Description); err != nil {
			return err
		}
	}
	return l.end()
}

func inputNames(inputs []routine.Input) string {
	var names []string
	for _, in := range inputs {
		if names = append(names, in.Name); in.Required {
			names[len(names)-1] += "*"
		}
	}
	return strings.Join(names, ", ")
}

// unlisted says where else to find what Clay did not list here.
func unlisted(err error) error {
	if errors.Is(err, clay.KindNotSent) {
		return err
	}
	_, _, code := explain(err)
	message := answered(err)
	return &exitError{
		code: code, message: "Clay does not list its routines to this key at the address that its own command line uses: " + message,
		hint: "that address is not documented, and nothing needs it. Open the function in Clay: --routine takes its address as it is, and the page shows its inputs",
	}
}
