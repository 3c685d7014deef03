package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/routine"
)

// account is what is known of a routine's cost before it runs.
type account struct {
	balance *clay.Balance    // nil when it is not known
	routine *routine.Routine // nil when nobody asked for it
}

// consult asks Clay what is known before a routine runs, once. It costs nothing, and tells early that a key is wrong.
func (l *load) consult(ctx context.Context) error {
	r := &l.flags.routine
	if !r.asked() || l.account != nil {
		return nil
	}
	l.account = &account{}
	if l.flags.emulate {
		return nil
	}
	key, err := neededKey(l.streams)
	_, from := publicKey(l.streams)
	if err != nil || l.flags.dryRun && !r.undocumented {
		return err
	}
	client, err := publicClient(clayURL(l.streams), key)
	if err != nil {
		return err
	}
	defer client.Close()
	if l.account.balance, err = balanceOf(ctx, client); err != nil || !r.undocumented {
		return refusedKey(from, err)
	}
	who, err := client.Me(ctx)
	if err != nil {
		return refusedKey(from, err)
	}
	found, err := routine.Source{BaseURL: clayURL(l.streams), Key: key, Workspace: who.WorkspaceID}.Find(ctx, r.id)
	if err != nil {
		_, _, code := explain(err)
		return &exitError{
			code: code, early: true, message: "--undocumented: Clay does not describe " + r.id + ": " + answered(err),
			hint: "check the id; or leave --undocumented out, and name the inputs with --input",
		}
	}
	l.account.routine = &found
	return r.match(found.Inputs, l.columns)
}

// match fills the routine's inputs from the columns of their names. Those given stay.
func (r *routineFlags) match(inputs []routine.Input, columns []string) error {
	if len(inputs) == 0 {
		return nil // Clay does not say what it takes
	}
	var names []string
	matched := map[string]string{}
	for _, in := range inputs {
		names = append(names, in.Name)
		column, given := r.inputs[in.Name]
		if !given {
			column = matching(in.Name, columns)
		}
		switch {
		case column != "":
			matched[in.Name] = column
		case in.Required:
			return &usageError{
				message: "the routine needs the input " + quote(in.Name) + ", and no column has that name",
				hint:    fmt.Sprintf(`name its column with --input "%s=…"; the columns are: %s`, in.Name, strings.Join(columns, ", ")),
			}
		}
	}
	for input := range r.inputs {
		if !slices.Contains(names, input) {
			return &usageError{message: "--input: the routine has no input " + quote(input), hint: "it has: " + strings.Join(names, ", ")}
		}
	}
	if len(matched) == 0 {
		return &usageError{
			message: "none of the routine's inputs has a column of its name: " + strings.Join(names, ", "),
			hint:    `name one with --input "Input=column"; the columns are: ` + strings.Join(columns, ", "),
		}
	}
	r.inputs = matched
	return nil
}
