package sheet

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriterOptions say what the output looks like.
type WriterOptions struct {
	Format        Format   // zero is CSV
	Delimiter     rune     // CSV only; zero is the comma
	InputColumns  []string // Reader.Columns, after the last row for JSONL input
	ResultColumns []string // Collector.Columns of the same format; JSONL can do without, but names may then depend on the rows' order
	// EscapeFormulas puts ' before cells of CSV and TSV that a spreadsheet would take for a formula. Off, cells are what they are: right for
	// programs, while enriched text in a spreadsheet may then be a formula that someone else wrote.
	EscapeFormulas bool
}

// Outcome is what became of a row.
type Outcome struct {
	Result json.RawMessage // a JSON object; nil or null for none
	Status string          // for the column claygate_status
	Error  string          // for the column claygate_error; empty where there is none
}

// Writer writes rows with their outcomes: the input's columns, the result's, claygate_status and claygate_error.
type Writer struct {
	options WriterOptions
	input   []string
	naming  *naming
	results []string // in the order of the output
	out     *bufio.Writer
	table   *csv.Writer
	cells   []string // reused
}

// NewWriter begins the output; CSV and TSV get their header line. Nothing is sure to have been written before Flush.
func NewWriter(w io.Writer, o WriterOptions) (*Writer, error) {
	o.InputColumns = slices.DeleteFunc(slices.Clone(o.InputColumns), ours)
	writer := &Writer{options: o, input: o.InputColumns, naming: newNaming(o.InputColumns, o.ResultColumns), out: bufio.NewWriter(w)}
	writer.results = slices.Compact(slices.Sorted(slices.Values(o.ResultColumns)))
	if o.Format == JSONL {
		return writer, nil
	}
	writer.table = csv.NewWriter(writer.out)
	switch {
	case o.Format == TSV:
		writer.table.Comma = '\t'
	case o.Delimiter != 0:
		writer.table.Comma = o.Delimiter
	}
	cells := slices.Clone(o.InputColumns)
	for _, name := range writer.results {
		cells = append(cells, writer.naming.names[name])
	}
	return writer, writer.line(append(cells, StatusColumn, ErrorColumn))
}

// ours tells the columns that claygate itself writes.
func ours(column string) bool { return column == StatusColumn || column == ErrorColumn }

// Write writes one row. A result field without a column is an error of KindColumn, because it may have been paid for: collect the columns again.
func (w *Writer) Write(row Row, o Outcome) error {
	if w.table == nil {
		return w.writeObject(row, o)
	}
	cells := w.cells[:0]
	for _, column := range w.input {
		cells = append(cells, row.Value(column))
	}
	fields, err := Flatten(o.Result)
	if err != nil {
		return w.badResult(row, err)
	}
	at := 0
	for _, column := range w.results {
		value := ""
		if at < len(fields) && fields[at].Name == column {
			value = fields[at].Value
			at++
		}
		cells = append(cells, value)
	}
	if at < len(fields) {
		return &Error{Kind: KindColumn, Reason: fmt.Sprintf("the result of the row on line %d has the field %q, for which there is no column", row.Line, fields[at].Name)}
	}
	w.cells = append(cells, o.Status, o.Error)
	return w.line(w.cells)
}

func (w *Writer) badResult(row Row, err error) error {
	return &Error{Kind: KindWrite, Reason: fmt.Sprintf("the result of the row on line %d is not a JSON object", row.Line), Err: err}
}

// line writes cells, escaped if asked for.
func (w *Writer) line(cells []string) error {
	if w.options.EscapeFormulas {
		for i, cell := range cells {
			cells[i] = escapeFormula(cell)
		}
	}
	return writeError(w.table.Write(cells))
}

// writeObject writes a row as a JSON object: the input's members in their order, the result's by name, nested as they are, and ours.
func (w *Writer) writeObject(row Row, o Outcome) error {
	result, err := topLevel(o.Result)
	if err != nil {
		return w.badResult(row, err)
	}
	line := []byte{'{'}
	for name, value := range row.members {
		if !ours(name) {
			line = appendMember(line, name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(result)) {
		line = appendMember(line, w.naming.add(name), result[name])
	}
	line = appendMember(line, StatusColumn, appendString(nil, o.Status))
	line = appendMember(line, ErrorColumn, appendString(nil, o.Error))
	_, err = w.out.Write(append(line, "}\n"...))
	return writeError(err)
}

func appendMember(object []byte, name string, value json.RawMessage) []byte {
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = append(appendString(object, name), ':')
	return append(object, value...)
}

// Flush hands everything to the underlying writer.
func (w *Writer) Flush() error {
	if w.table != nil {
		w.table.Flush()
		if err := w.table.Error(); err != nil {
			return writeError(err)
		}
	}
	return writeError(w.out.Flush())
}

func writeError(err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return &Error{Kind: KindWrite, Reason: "the output cannot be written", Err: err}
}
