package sheet

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// physicalLine consumes a line and gives it without its ending, valid until the window moves. It fails when the line does not fit or the source does.
func (w *window) physicalLine() (text []byte, found bool) {
	from := 0
	for {
		data := w.bytes()
		at := bytes.IndexAny(data[from:], "\r\n")
		if at >= 0 {
			from += at
			if size, known := lineEnd(data[from:], w.ended); known {
				w.advance(from + size)
				return data[:from], true
			}
		} else {
			from = len(data)
		}
		switch {
		case w.more():
		case !w.whole():
			return nil, false
		case at < 0:
			data = w.bytes() // more has moved them
			w.advance(len(data))
			return data, true
		}
	}
}

// readObject reads a row of a JSONL file.
func (r *Reader) readObject() (Row, error) {
	for r.window.skipBlank() {
		line := r.window.line
		text, found := r.window.physicalLine()
		if r.window.err != nil && !found {
			return Row{}, r.readError()
		}
		if !found {
			r.window.skipLine()
			return Row{}, r.bad(line, "the line is longer than 1 MiB", "Clay takes 100 KB a row")
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return r.parseObject(line, text)
		}
	}
	return Row{}, r.end()
}

func (r *Reader) parseObject(line int, text []byte) (Row, error) {
	if !utf8.Valid(text) {
		reason, hint := r.encodingFault()
		return Row{}, r.bad(line, reason, hint)
	}
	object, err := compactObject(text)
	switch {
	case errors.Is(err, errNotObject):
		return Row{}, r.bad(line, "valid JSON, but not an object", "each line must be an object: {\"email\": \"ada@acme.example\"}")
	case err != nil:
		return Row{}, r.bad(line, "not valid JSON: "+err.Error(), "each line must be one whole JSON object")
	}
	for name := range members(object) {
		r.header.add(name)
	}
	r.number++
	return Row{Line: line, Number: r.number, object: object}, nil
}
