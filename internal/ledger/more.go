package ledger

import (
	"bytes"
	"encoding/json"
)

// bringsMore reports whether a result surely has a field with a value that was not sent. Nearly every result has one near
// its beginning, and this is asked inside the transaction of every callback, where reading both objects was a tenth of all
// the work. Where it is not sure, as with escapes, it says no.
func bringsMore(input, output json.RawMessage) bool {
	if bytes.IndexByte(input, '\\') >= 0 || bytes.IndexByte(output, '\\') >= 0 || !json.Valid(output) {
		return false
	}
	rest, ok := bytes.CutPrefix(output, []byte("{"))
	for ok {
		var name, value []byte
		if name, rest, ok = quoted(bytes.TrimLeft(rest, " \t\r\n,")); !ok {
			return false // the end, or a blank before the object
		}
		if value, rest, ok = plain(bytes.TrimLeft(rest, " \t\r\n:")); !ok {
			return false // it nests
		}
		if !blank(value) && !bytes.Contains(input, name) {
			return true
		}
	}
	return false
}

// quoted parts a text, with its quotes, from what follows. There are no escapes.
func quoted(raw []byte) (text, rest []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return nil, raw, false
	}
	n := bytes.IndexByte(raw[1:], '"') + 2
	return raw[:n], raw[n:], true
}

// plain parts a value that does not nest from what follows.
func plain(raw []byte) (value, rest []byte, ok bool) {
	switch raw[0] {
	case '"':
		return quoted(raw)
	case '{', '[':
		return nil, raw, false
	}
	n := bytes.IndexAny(raw, ",} \t\r\n")
	return raw[:n], raw[n:], true
}
