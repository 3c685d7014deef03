package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// listing prints things: as a table to people, as JSON lines to pipes and on request.
type listing struct {
	json  *json.Encoder
	table *tabwriter.Writer
	out   io.Writer
}

// newListing begins a listing. The columns are the table's.
func newListing(s Streams, asJSON bool, columns ...string) *listing {
	if asJSON || !s.outTerminal() {
		return &listing{json: json.NewEncoder(s.Out)}
	}
	l := &listing{table: tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0), out: s.Out}
	fmt.Fprintln(l.table, strings.ToUpper(strings.Join(columns, "\t")))
	return l
}

// add prints one thing: whole as JSON, or these cells.
func (l *listing) add(thing any, cells ...any) error {
	if l.json != nil {
		return l.json.Encode(thing)
	}
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(l.table, "\t")
		}
		fmt.Fprint(l.table, printable(fmt.Sprint(cell)))
	}
	_, err := fmt.Fprintln(l.table)
	return err
}

// end prints what is left, and says so when there was nothing.
func (l *listing) end() error {
	if l.table == nil {
		return nil
	}
	return l.table.Flush()
}

// printable keeps what came from elsewhere from driving the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
