package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
)

// routineFlags are the flags of a load whose rows go to a routine of the Public API.
type routineFlags struct {
	id           string            // "" for a table
	mappings     []string          // Input=column, as given
	inputs       map[string]string // for each input its column; nil when each column is an input
	maxRecords   int
	yes          bool
	undocumented bool
}

func (f *routineFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.id, "routine", "", "run this function or workflow of Clay in place of a table: its id (function:t_…) or its address in Clay")
	c.Flags().StringArrayVar(&f.mappings, "input", nil, `the column for one of the routine's inputs, as "Input=column"; once for each (default: by name)`)
	f.addMoney(c)
}

// addMoney adds what bounds the cost.
func (f *routineFlags) addMoney(c *cobra.Command) {
	c.Flags().IntVar(&f.maxRecords, "max-records", 0, "with --routine: refuse to send more rows than this in one run (default: no bound)")
	c.Flags().BoolVar(&f.undocumented, "undocumented", false, "with --routine: ask Clay for its inputs and price too, at an address that Clay does not document")
}

// asked reports whether rows go to a routine.
func (f *routineFlags) asked() bool { return f.id != "" }

// checkRoutine refuses what cannot work with or without a routine, and brings what was given into its form.
func (f *loadFlags) checkRoutine() (err error) {
	r := &f.routine
	if !r.asked() {
		for flag, set := range map[string]bool{"--input": len(r.mappings) > 0, "--max-records": r.maxRecords != 0, "--undocumented": r.undocumented} {
			if set {
				return &usageError{message: flag + " is for routines", hint: "name one with --routine"}
			}
		}
		return nil
	}
	if r.id, err = routineID(r.id); err != nil {
		return err
	}
	if f.target == defaultTarget {
		f.target = r.id
	}
	switch {
	case r.maxRecords < 0:
		return &usageError{message: fmt.Sprintf("--max-records: %d is less than 1", r.maxRecords), hint: "leave it out for no bound"}
	case f.publicURL != "" || f.listens:
		return &usageError{message: "--public-url and --callback-listen are for tables", hint: "leave them out: Clay is asked for the results of a routine"}
	}
	return nil
}

// mapInputs reads --input against the columns. Without it each column is an input by its name.
func (r *routineFlags) mapInputs(columns []string) error {
	for _, mapping := range r.mappings {
		input, column, ok := strings.Cut(mapping, "=")
		input, column = strings.TrimSpace(input), strings.TrimSpace(column)
		if !ok || input == "" || column == "" {
			return &usageError{message: "--input: " + quote(mapping) + " is not of the form Input=column", hint: `e.g. --input "Work Email=email"`}
		}
		found := matching(column, columns)
		if found == "" {
			return &usageError{message: "--input: there is no column " + quote(column), hint: "the columns are: " + strings.Join(columns, ", ")}
		}
		if _, twice := r.inputs[input]; twice {
			return &usageError{message: "--input: " + quote(input) + " is given twice", hint: "each input has one column"}
		}
		if r.inputs == nil {
			r.inputs = map[string]string{}
		}
		r.inputs[input] = found
	}
	return nil
}

// matching returns the column of that name, else the only one whose letters and digits are the same; "" for none.
func matching(name string, columns []string) string {
	if slices.Contains(columns, name) {
		return name
	}
	found := ""
	for _, column := range columns {
		if foldName(column) == foldName(name) {
			if found != "" {
				return "" // nobody can tell which
			}
			found = column
		}
	}
	return found
}

// version tells results of one way to fill the inputs from those of another: "" when each column is an input.
func (r *routineFlags) version() string {
	if len(r.inputs) == 0 {
		return ""
	}
	text, _ := json.Marshal(r.inputs) // sorted by input
	sum := sha256.Sum256(text)
	return "inputs " + hex.EncodeToString(sum[:8])
}

// routineTarget is the routine as a target, and how it is reached.
func (f *loadFlags) routineTarget(s Streams) (app.Target, app.PublicAPI, error) {
	t := app.Target{Name: f.target, Version: f.routine.version(), Routine: &app.Routine{ID: f.routine.id, Inputs: f.routine.inputs}}
	api := app.PublicAPI{BaseURL: clayURL(s)}
	if f.pace != 0 {
		api.Pace = ledger.Pace{PerSecond: f.pace, Burst: int(math.Ceil(f.pace))}
	}
	if f.emulate {
		return t, api, nil
	}
	var err error
	api.Key, err = neededKey(s)
	return t, api, err
}

// neededKey is the key of the Public API, without which no routine runs.
func neededKey(s Streams) (string, error) {
	key, _ := publicKey(s)
	if key == "" {
		return "", &usageError{
			message: "no key of Clay's Public API: CLAY_PUBLIC_API_KEY is not set",
			hint:    "make one in Clay under Settings, Account, API keys, and export it; or try --emulate, which needs no account",
		}
	}
	return key, nil
}

// routinePace is how fast rows leave to a routine, for guesses: one call in a handful starts a run of 100 rows.
var routinePace = ledger.Pace{PerSecond: 100, Burst: 100}

// emulatedRunTimeout bounds the wait for the emulator's runs, which take seconds and may wait for each other.
const emulatedRunTimeout = 2 * time.Minute

// defaultTarget is the name of a table that nobody has named.
const defaultTarget = "default"

// filled returns, for each input, the column that fills it.
func (r *routineFlags) filled(columns []string) map[string]string {
	if len(r.inputs) > 0 {
		return r.inputs
	}
	own := make(map[string]string, len(columns))
	for _, column := range columns {
		own[column] = column
	}
	return own
}

// spellInputs says how the inputs are filled.
func (r *routineFlags) spellInputs(columns []string) string {
	if len(r.inputs) == 0 {
		return strings.Join(columns, ", ") + ` (each column under its own name; --input "Input=column" names them otherwise)`
	}
	var pairs []string
	for _, input := range slices.Sorted(maps.Keys(r.inputs)) {
		pair := input
		if column := r.inputs[input]; column != input {
			pair += " from " + column
		}
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, ", ")
}
