package sheet

import (
	"bytes"
	"io"
)

const (
	// firstWindow is the size of the first buffer: larger than nearly every row, small enough to forget about.
	firstWindow = 64 << 10
	// maxRecord bounds one row. Clay takes 100 KB a row (docs/clay.md), so a longer one is a quote that is never closed, or no table.
	maxRecord = 1 << 20
)

// window is the part of a text that is in memory. What lies before pos has been consumed; a record that turns out to be broken can
// be read again from pos in another way, because nothing is consumed before it is understood.
type window struct {
	source   io.Reader
	buffer   []byte
	pos, end int
	line     int   // number of the physical line at pos, from 1
	ended    bool  // the source has no more
	err      error // why the source stopped before its end
}

func newWindow(source io.Reader) *window {
	return &window{source: source, buffer: make([]byte, firstWindow), line: 1}
}

// bytes is what is in memory and not consumed.
func (w *window) bytes() []byte { return w.buffer[w.pos:w.end] }

// whole tells that bytes reaches to the true end of the text.
func (w *window) whole() bool { return w.ended && w.err == nil }

// full tells that no more fits.
func (w *window) full() bool { return w.end-w.pos >= maxRecord }

// more reads on; false when there is nothing more, or no room. bytes is another slice afterwards.
func (w *window) more() bool {
	if w.ended || w.full() {
		return false
	}
	if w.pos > 0 {
		w.end = copy(w.buffer, w.bytes())
		w.pos = 0
	}
	if w.end == len(w.buffer) {
		w.buffer = append(w.buffer, make([]byte, len(w.buffer))...)
	}
	for range 100 { // io.Reader may return nothing without an error; bufio gives up after as many
		n, err := w.source.Read(w.buffer[w.end:])
		w.end += n
		if err != nil {
			w.ended = true
			if err != io.EOF {
				w.err = err
			}
		}
		if n > 0 || w.ended {
			return n > 0
		}
	}
	w.ended, w.err = true, io.ErrNoProgress
	return false
}

// advance consumes n bytes.
func (w *window) advance(n int) {
	w.line += lineEnds(w.buffer[w.pos : w.pos+n])
	w.pos += n
}

// skipBlank consumes empty lines; false at the end of the text.
func (w *window) skipBlank() bool {
	for {
		if len(w.bytes()) == 0 {
			if !w.more() {
				return false
			}
			continue
		}
		size, known := lineEnd(w.bytes(), w.ended)
		switch {
		case !known:
			w.more()
		case size == 0:
			return true
		default:
			w.advance(size)
		}
	}
}

// skipLine consumes the rest of the physical line, however long.
func (w *window) skipLine() {
	for {
		data := w.bytes()
		at := bytes.IndexAny(data, "\r\n")
		if at < 0 {
			w.pos = w.end
			if !w.more() {
				return
			}
			continue
		}
		size, known := lineEnd(data[at:], w.ended)
		if known {
			w.advance(at + size)
			return
		}
		w.pos += at
		w.more()
	}
}

// lineEnd gives the size of the line ending that data starts with: LF, CRLF or a lone CR; 0 for none. A CR that is the last byte
// of what is known so far may be half of a CRLF.
func lineEnd(data []byte, ended bool) (size int, known bool) {
	switch {
	case len(data) == 0:
		return 0, true
	case data[0] == '\n':
		return 1, true
	case data[0] != '\r':
		return 0, true
	case len(data) == 1:
		return 1, ended
	case data[1] == '\n':
		return 2, true
	}
	return 1, true
}

// lineEnds counts the line endings in data, of any kind.
func lineEnds(data []byte) int {
	count := bytes.Count(data, []byte("\n"))
	for {
		at := bytes.IndexByte(data, '\r')
		if at < 0 {
			return count
		}
		if at+1 == len(data) || data[at+1] != '\n' {
			count++
		}
		data = data[at+1:]
	}
}
