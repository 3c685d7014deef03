package sheet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// header is the first record of a CSV file, or the columns a JSONL file has shown so far.
type header struct {
	names []string
	index map[string]int
	keys  [][]byte // the names as JSON strings
	spare int      // columns at the end that have no name; a row may have cells for them as long as these are empty
}

func newHeader(names []string) *header {
	h := &header{index: make(map[string]int, len(names))}
	for _, name := range names {
		h.add(name)
	}
	return h
}

// add appends a column unless it is there.
func (h *header) add(name string) {
	if _, known := h.index[name]; known {
		return
	}
	h.index[name] = len(h.names)
	h.names = append(h.names, name)
	h.keys = append(h.keys, appendString(nil, name))
}

// parseHeader makes a header of the first record. Names are trimmed, because `email` and ` email` are meant to be the same column. Columns at the
// end without a name are left out: spreadsheets export them from columns that were once touched.
func parseHeader(cells []string) (*header, error) {
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = strings.TrimSpace(cell)
	}
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	if len(names) == 0 {
		return nil, &Error{Kind: KindHeader, Reason: "no column has a name", Hint: "the first line must name the columns"}
	}
	if unnamed := positions(names, ""); len(unnamed) > 0 {
		return nil, &Error{Kind: KindHeader, Reason: counted(unnamed) + " without a name in the first line", Hint: "name every column"}
	}
	if doubled := doubles(names); len(doubled) > 0 {
		return nil, &Error{Kind: KindHeader, Reason: "the first line names a column more than once: " + strings.Join(doubled, ", "), Hint: "give every column a name of its own"}
	}
	h := newHeader(names)
	h.spare = len(cells) - len(names)
	return h, nil
}

// positions lists where name stands, counted from 1.
func positions(names []string, name string) []string {
	var found []string
	for i, n := range names {
		if n == name {
			found = append(found, strconv.Itoa(i+1))
		}
	}
	return found
}

func counted(columns []string) string {
	if len(columns) == 1 {
		return "column " + columns[0] + " is"
	}
	last := len(columns) - 1
	return "columns " + strings.Join(columns[:last], ", ") + " and " + columns[last] + " are"
}

// doubles describes the names that occur more than once, in the order of their first appearance.
func doubles(names []string) []string {
	var found, seen []string
	for _, name := range names {
		if at := positions(names, name); len(at) > 1 && !slices.Contains(seen, name) {
			seen = append(seen, name)
			found = append(found, fmt.Sprintf("%q (%s)", name, strings.Join(at, ", ")))
		}
	}
	return found
}

// fit checks a row against the header and gives its cells without those of unnamed columns; reason is empty when it fits.
func (h *header) fit(cells []string) (fitting []string, reason string) {
	columns := len(h.names)
	if len(cells) == columns {
		return cells, ""
	}
	if len(cells) != columns+h.spare {
		return cells[:min(len(cells), columns)], fmt.Sprintf("%s where the header names %s", plural(len(cells), "cell"), plural(columns, "column"))
	}
	for i, cell := range cells[columns:] {
		if cell != "" {
			return cells[:columns], fmt.Sprintf("cell %d of %d is not empty, and its column has no name", columns+i+1, len(cells))
		}
	}
	return cells[:columns], ""
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
