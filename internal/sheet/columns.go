package sheet

import (
	"encoding/json"
	"maps"
	"slices"
)

// The columns that claygate adds to every row, after all others. Input columns of these names, as in the output of a former run, are replaced.
const (
	StatusColumn = "claygate_status"
	ErrorColumn  = "claygate_error"
)

// prefix sets a result column apart from an input column of the same name.
const prefix = "clay_"

// Collector gathers the result columns of all rows, so that every row of the output can have the same ones. The zero value is empty.
type Collector struct {
	flat, top map[string]bool
}

// Add takes note of a row's result. A nil or null result is no error and adds nothing.
func (c *Collector) Add(result json.RawMessage) error {
	fields, err := Flatten(result)
	if err != nil || len(result) == 0 {
		return err
	}
	if c.flat == nil {
		c.flat, c.top = make(map[string]bool), make(map[string]bool)
	}
	for _, field := range fields {
		c.flat[field.Name] = true
	}
	names, err := topLevel(result)
	for name := range names {
		c.top[name] = true
	}
	return err
}

// Columns are the names of the result columns, sorted: flattened for CSV and TSV, as they stand for JSONL, where results stay nested.
func (c *Collector) Columns(format Format) []string {
	if format == JSONL {
		return slices.Sorted(maps.Keys(c.top))
	}
	return slices.Sorted(maps.Keys(c.flat))
}

// topLevel gives the members of a result by name; of several with one name the last.
func topLevel(result json.RawMessage) (map[string]json.RawMessage, error) {
	if isNull(result) {
		return nil, nil
	}
	object, err := compactObject(result)
	if err != nil {
		return nil, err
	}
	return maps.Collect(members(object)), nil
}

// naming gives result columns their names in the output.
type naming struct {
	taken map[string]bool
	names map[string]string // result column → output column
}

// newNaming names the result columns. One whose name the input has gets the prefix, again if that is taken too. Those that can keep their name
// do, whatever the order.
func newNaming(input, results []string) *naming {
	n := &naming{
		taken: map[string]bool{StatusColumn: true, ErrorColumn: true},
		names: make(map[string]string, len(results)),
	}
	for _, name := range input {
		n.taken[name] = true
	}
	var clashing []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(results))) {
		if n.taken[name] {
			clashing = append(clashing, name)
			continue
		}
		n.names[name] = name
	}
	for name := range n.names {
		n.taken[name] = true
	}
	for _, name := range clashing {
		n.add(name)
	}
	return n
}

// add names one more result column.
func (n *naming) add(name string) string {
	if known, found := n.names[name]; found {
		return known
	}
	unique := name
	for n.taken[unique] {
		unique = prefix + unique
	}
	n.taken[unique] = true
	n.names[name] = unique
	return unique
}
