package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// The largest bodies. Clay takes 100 KB a record; what is said around one is little.
const (
	maxRecord = 1 << 20  // one record, or any other single request
	maxArray  = 64 << 20 // an array of records
)

// format is how a body is written.
type format int

const (
	jsonBody format = iota
	lineBody        // one JSON object a line
)

// bodyFormat returns how the body is written.
func bodyFormat(r *http.Request) (format, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return 0, refusal(unsupported, "the body is compressed with %.40q", e)
	}
	given := r.Header.Get("Content-Type")
	if given == "application/json" {
		return jsonBody, nil
	}
	kind, _, err := mime.ParseMediaType(given)
	switch {
	case err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")):
		return jsonBody, nil
	case err == nil && (kind == "application/x-ndjson" || kind == "application/ndjson" || kind == "application/jsonl"):
		return lineBody, nil
	case given == "":
		return 0, refusal(unsupported, "the Content-Type is missing")
	}
	return 0, refusal(unsupported, "the Content-Type is %.80q", given)
}

// body reads a body of at most so many bytes.
func (c *call) body(limit int64) ([]byte, error) {
	if c.ContentLength > limit {
		return nil, refusal(tooLarge, "the body is %d bytes, and %d is the most", c.ContentLength, limit)
	}
	var text []byte
	var err error
	from := http.MaxBytesReader(c.w, c.Body, limit)
	if c.ContentLength > 0 && c.ContentLength <= maxRecord { // a length that is only claimed must not cost much memory
		text = make([]byte, c.ContentLength)
		_, err = io.ReadFull(from, text)
	} else {
		text, err = io.ReadAll(from)
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return text, nil
}

// bodyError returns what a caller is told whose body could not be read.
func bodyError(err error) error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refusal(tooLarge, "the body is larger than %d bytes", tooLong.Limit)
	}
	return refusal(invalid, "the body ended too early or came too slowly")
}
