package clay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxRecordBytes is the largest record Clay takes, as encoded JSON. Clay says
// "100 KB" and does not say whether that is 100,000 or 102,400 bytes
// (docs/clay.md); the smaller reading is the safe one. Anything larger is refused
// before it is sent, because Clay answers 400 and stores nothing.
const MaxRecordBytes = 100_000

// encodeRecord returns the JSON object to POST for a record, or an *Error that
// says why it cannot be one.
func encodeRecord(op string, record any) ([]byte, error) {
	body, err := marshal(record)
	if err != nil {
		return nil, refused(op, KindInvalid, "the record must be something that encodes as a JSON object", err)
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' {
		return nil, refused(op, KindInvalid, notAnObject(body), errors.New("the record is not a JSON object"))
	}
	if len(body) > MaxRecordBytes {
		return nil, refused(op, KindInvalid, "send less per record, e.g. a link in place of a long text",
			fmt.Errorf("the record has %d bytes of JSON, Clay takes at most %d", len(body), MaxRecordBytes))
	}
	return body, nil
}

func marshal(record any) ([]byte, error) {
	if raw, ok := record.(json.RawMessage); ok {
		if !json.Valid(raw) {
			return nil, errors.New("the raw record is not valid JSON")
		}
		return raw, nil // as it is: not compacted, not reordered
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<" as itself: fewer bytes against the limit, the same value
	if err := enc.Encode(record); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func notAnObject(body []byte) string {
	switch {
	case len(body) > 0 && body[0] == '[':
		return "Clay does not split arrays: one POST makes one row holding the whole array; send each element by itself"
	case len(body) > 0 && body[0] == '"':
		return "send a struct or a map; to send encoded JSON, wrap the bytes in json.RawMessage"
	default:
		return "send a struct, a map with string keys, or json.RawMessage holding an object"
	}
}
