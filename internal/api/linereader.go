package api

import (
	"bufio"
	"errors"
	"io"
	"time"
)

// lineReader parts a body into lines.
type lineReader struct {
	from *bufio.Reader
}

// errLongLine says that a line is longer than [maxRecord]. The next one can be read.
var errLongLine = errors.New("a line is too long")

// next returns the next line with its end, in memory of its own, or io.EOF after the last one.
func (l *lineReader) next() ([]byte, error) {
	var text []byte
	for {
		part, err := l.from.ReadSlice('\n')
		if len(text)+len(part) > maxRecord {
			return nil, l.pass(err)
		}
		text = append(text, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(text) > 0:
			return text, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// pass goes to the end of a line that is too long. Err is how its last part ended.
func (l *lineReader) pass(err error) error {
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.from.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return errLongLine
}

// slowReader reads a body that may take long, as long as something comes.
type slowReader struct {
	*call
	until time.Time // it ends then in any case
}

func (r slowReader) Read(p []byte) (int, error) {
	deadline := time.Now().Add(readTime)
	if deadline.After(r.until) {
		deadline = r.until
	}
	_ = r.control.SetReadDeadline(deadline)
	return r.Body.Read(p)
}

// slowWriter writes an answer that may take long, as long as somebody reads.
type slowWriter struct{ *call }

func (w slowWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTime))
	return w.w.Write(p)
}
