package sheet

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Verdicts beyond those of a single scan.
const (
	tooLong verdict = iota + 100 // a line that does not end within maxRecord
	broken                       // the source failed
)

// record reads the next record into s. What cannot be understood costs one physical line: the record may span many only because a quote
// stands where none should, so reading goes on with the line after its first.
func (w *window) record(s *scanner) verdict {
	for {
		size, v := s.scan(w.bytes(), w.whole())
		switch {
		case v == complete:
			w.advance(size)
			return complete
		case v == needMore && (w.more() || w.whole()):
			continue
		case w.err != nil:
			return broken
		case v == needMore && s.open:
			v = unclosed
		case v == needMore:
			v = tooLong
		}
		w.skipLine()
		return v
	}
}

// readHeader reads the line that names the columns.
func (r *Reader) readHeader() error {
	if !r.window.skipBlank() {
		return r.nothing(KindEmpty, "no line names the columns", "")
	}
	switch v := r.window.record(&r.scan); {
	case v == broken:
		return r.readError()
	case v != complete:
		reason, hint := r.scanFault(v)
		return &Error{Kind: KindHeader, Reason: "the first line cannot be read: " + reason, Hint: hint}
	case !utf8.Valid(r.scan.text):
		reason, hint := r.encodingFault()
		return &Error{Kind: KindEncoding, Reason: "the first line is " + reason, Hint: hint}
	}
	var err error
	r.header, err = parseHeader(r.scan.cells())
	return err
}

// readCells reads a row of a CSV file.
func (r *Reader) readCells() (Row, error) {
	if !r.window.skipBlank() {
		return Row{}, r.end()
	}
	line := r.window.line
	v := r.window.record(&r.scan)
	switch {
	case v == broken:
		return Row{}, r.readError()
	case v != complete:
		reason, hint := r.scanFault(v)
		return Row{}, r.bad(line, reason, hint)
	case !utf8.Valid(r.scan.text):
		reason, hint := r.encodingFault()
		bad := r.bad(line, reason, hint)
		bad.Row.Cells, _ = r.header.fit(r.scan.cells())
		for i, cell := range bad.Row.Cells {
			bad.Row.Cells[i] = strings.ToValidUTF8(cell, "\uFFFD")
		}
		return Row{}, bad
	}
	cells, reason := r.header.fit(r.scan.cells())
	if reason != "" {
		bad := r.bad(line, reason, fmt.Sprintf("put quotes around a cell that holds a %q", r.options.Delimiter))
		bad.Row.Cells = cells
		return Row{}, bad
	}
	r.number++
	return Row{Line: line, Number: r.number, Cells: cells, header: r.header}, nil
}

// scanFault describes why a record could not be split.
func (r *Reader) scanFault(v verdict) (reason, hint string) {
	cell := fmt.Sprintf("cell %d", len(r.scan.ends)+1)
	if r.header != nil && len(r.scan.ends) < len(r.header.names) {
		cell += fmt.Sprintf(" (%s)", r.header.names[len(r.scan.ends)])
	}
	switch v {
	case strayText:
		return "text follows the closing quote of " + cell, "write a quote inside a quoted cell twice"
	case unclosed:
		return "the quote that opens " + cell + " is never closed", "close it, or take it away"
	}
	return "the line is longer than 1 MiB", "is this a table? Clay takes 100 KB a row"
}

// end is io.EOF, or the reason why the source stopped before its end.
func (r *Reader) end() error {
	if r.window.err != nil {
		return r.readError()
	}
	return io.EOF
}
