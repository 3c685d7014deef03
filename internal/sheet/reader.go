package sheet

import (
	"bufio"
	"errors"
	"io"
	"slices"
)

// Options of a Reader. The zero value finds everything out by itself.
type Options struct {
	// Name of the file, for the format (by its extension) and for messages. Empty: unknown, as on standard input.
	Name string
	// Format of the file. Zero: by Name, else by the first bytes.
	Format Format
	// Encoding of the text: utf-8, utf-16, utf-16le, utf-16be, windows-1252 or another encoding with one byte a character
	// (windows-125x, iso-8859-x, koi8-r, …). Empty or "auto": UTF-16 by its mark or its zero bytes, else UTF-8. An encoding with one
	// byte a character is never guessed: any bytes are valid in it, and a wrong guess would send broken names to Clay.
	Encoding string
	// Delimiter between the cells of a CSV file. Zero: the one among , ; tab | that fits, or that a first line "sep=;" names.
	Delimiter rune
}

// Reader reads rows one after the other.
type Reader struct {
	options  Options
	encoding encoding
	window   *window
	header   *header
	scan     scanner
	read     func() (Row, error) // the next row, by format
	number   int                 // of the last row
	ahead    func() (Row, error) // the first row, which has been read to know that there is one
	failed   error               // what ended the reading
}

// NewReader reads the header and looks at the first row. The error is an *Error: the file is empty, has no rows, has no usable header, or is no table at
// all. It blocks until the first row has arrived.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	reader := &Reader{options: o}
	if err := reader.start(r); err != nil {
		return nil, reader.named(err)
	}
	return reader, nil
}

func (r *Reader) start(source io.Reader) error {
	raw := bufio.NewReader(source)
	text, enc, err := decode(sample(raw), raw, r.options.Encoding)
	if err != nil {
		return err
	}
	r.encoding, r.window = enc, newWindow(text)
	if !r.window.skipBlank() {
		return r.nothing(KindEmpty, "the file is empty", "it needs a line that names the columns, and rows below it")
	}
	if err := r.settle(); err != nil {
		return err
	}
	row, err := r.read()
	switch {
	case errors.Is(err, io.EOF) && r.options.Format == JSONL:
		return r.nothing(KindEmpty, "the file is empty", "it needs one JSON object a line")
	case errors.Is(err, io.EOF):
		return r.nothing(KindNoRows, "there is a header but no row below it", "")
	case errors.As(err, new(*Error)):
		return err
	}
	r.ahead = func() (Row, error) { return row, err }
	return nil
}

// sample looks at the first bytes: enough to tell the encoding, without waiting for more than the first line.
func sample(raw *bufio.Reader) []byte {
	for size := 4; ; size++ {
		known, err := raw.Peek(size)
		if err != nil || size == sampleSize || known[size-1] == '\n' {
			return known
		}
	}
}

// settle finds out the format and reads what stands before the rows.
func (r *Reader) settle() error {
	format := r.options.Format
	if format == Auto {
		format = FormatOf(r.options.Name)
	}
	r.window.readAhead(format)
	if format == Auto {
		format = sniffFormat(r.window)
	}
	r.options.Format = format
	if format == JSONL {
		r.header, r.read = newHeader(nil), r.readObject
		return refuseOtherJSON(r.window)
	}
	if err := r.settleDelimiter(); err != nil {
		return err
	}
	r.read = r.readCells
	return r.readHeader()
}

func (r *Reader) settleDelimiter() error {
	if err := checkDelimiter(r.options.Delimiter); err != nil {
		return err
	}
	declared := declaredDelimiter(r.window)
	switch {
	case r.options.Delimiter != 0:
	case r.options.Format == TSV:
		r.options.Delimiter = '\t'
	case declared != 0:
		r.options.Delimiter = rune(declared)
	default:
		r.options.Delimiter = rune(sniffDelimiter(r.window))
	}
	r.scan.comma = byte(r.options.Delimiter)
	return nil
}

// nothing is the error for a file without content, unless reading failed before there was any.
func (r *Reader) nothing(kind Kind, reason, hint string) error {
	if r.window.err != nil {
		return r.readError()
	}
	return &Error{Kind: kind, Reason: reason, Hint: hint}
}

func (r *Reader) readError() error {
	return &Error{Kind: KindRead, Reason: "reading failed", Err: r.window.err}
}

// named puts the file's name into an error.
func (r *Reader) named(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Name == "" {
		e.Name = r.options.Name
	}
	return err
}

// Format is the format found or given.
func (r *Reader) Format() Format { return r.options.Format }

// Delimiter is the delimiter found or given; 0 for JSONL.
func (r *Reader) Delimiter() rune {
	if r.options.Format == JSONL {
		return 0
	}
	return r.options.Delimiter
}

// Encoding is the name of the encoding found or given.
func (r *Reader) Encoding() string { return r.encoding.name }

// Columns are the names of the columns in their order. For JSONL they are known row by row: those of the rows read so far, in the
// order of their first appearance.
func (r *Reader) Columns() []string { return slices.Clone(r.header.names) }

// Next reads the next row. At the end the error is io.EOF; a *RowError is about this row only, and reading may go on; an *Error of
// KindRead ends the reading.
func (r *Reader) Next() (Row, error) {
	if ahead := r.ahead; ahead != nil {
		r.ahead = nil
		return ahead()
	}
	if r.failed != nil {
		return Row{}, r.failed
	}
	row, err := r.read()
	if err != nil && !errors.As(err, new(*RowError)) {
		r.failed = r.named(err)
	}
	return row, err
}

// bad makes the error for a row that has been consumed.
func (r *Reader) bad(line int, reason, hint string) *RowError {
	r.number++
	row := Row{Line: line, Number: r.number}
	if r.options.Format != JSONL { // whose header still grows, while rows may be in other goroutines
		row.header = r.header
	}
	return &RowError{Line: line, Number: r.number, Reason: reason, Hint: hint, Row: row}
}

// encodingFault says what to do about bytes that are not valid in the encoding of the file.
func (r *Reader) encodingFault() (reason, hint string) {
	if r.encoding.decoder != nil {
		return "not valid " + r.encoding.name + " text", "check the encoding: --encoding"
	}
	return "not valid UTF-8 text", "if the file comes from Excel on Windows, try --encoding windows-1252"
}
