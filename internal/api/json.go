package api

import (
	"encoding/json"
	"time"
)

// appendText appends a text as JSON.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // texts always encode
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// appendObject appends an object that is JSON already; nil is null.
func appendObject(b []byte, object json.RawMessage) []byte {
	if object == nil {
		return append(b, "null"...)
	}
	return append(b, object...)
}

// appendMoment appends a time as callers see it: in UTC, and null for zero.
func appendMoment(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// moment returns a time as callers see it: in UTC, and none for zero.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
