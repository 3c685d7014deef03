package sheet

import "fmt"

// Kind says what an Error is about.
type Kind int

// The kinds of Error.
const (
	KindEmpty    Kind = iota + 1 // nothing in the file
	KindNoRows                   // a header and nothing below it
	KindHeader                   // columns without a name, names that occur twice, a header line that cannot be read
	KindFormat                   // not a table of rows: a JSON array, a spreadsheet, an unknown format
	KindEncoding                 // an unknown character encoding, or a header that is not in the one expected
	KindRead                     // the source failed
	KindWrite                    // the output cannot be written
	KindColumn                   // a result has a field that the output has no column for
)

// Error is about a table as a whole: it cannot be read, or not be written.
type Error struct {
	Kind   Kind
	Name   string // the file, where known
	Reason string // what happened
	Hint   string // what to do about it; may be empty
	Err    error  // the cause; may be nil
}

// Error puts the reason and the hint into one line.
func (e *Error) Error() string {
	text := e.Reason
	if e.Name != "" {
		text = e.Name + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// RowError is about one row; the rows after it can be read.
type RowError struct {
	Line   int    // the physical line where the row starts, from 1
	Number int    // the data row, from 1; rows in error count
	Reason string // what is wrong with the row
	Hint   string // what to do about it; may be empty
	Row    Row    // as much of the row as could be read, so that it can stand in the output
}

// Error names the line, the reason and the hint in one line.
func (e *RowError) Error() string {
	text := fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}
