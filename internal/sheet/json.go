package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"unicode/utf8"
)

var errNotObject = errors.New("not a JSON object")

// compactObject checks that text is one JSON object and gives it without blanks, its members as they stand.
func compactObject(text []byte) (json.RawMessage, error) {
	var compact bytes.Buffer
	compact.Grow(len(text))
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	if compact.Len() == 0 || compact.Bytes()[0] != '{' {
		return nil, errNotObject
	}
	return compact.Bytes(), nil
}

// members walks through the members of a compact, valid JSON object in their order. A name may come more than once.
// encoding/json has no way to do this without decoding every value on the way.
func members(object json.RawMessage) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		at := 1
		for at < len(object) && object[at] != '}' {
			end := skipString(object, at)
			name := unquote(object[at:end])
			from := end + 1 // the colon
			at = skipValue(object, from)
			if !yield(name, object[from:at]) {
				return
			}
			if object[at] == ',' {
				at++
			}
		}
	}
}

// skipString gives the place after the string that starts at the quote at from.
func skipString(data []byte, from int) int {
	for at := from + 1; ; at++ {
		switch data[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
}

// skipValue gives the place after the value that starts at from.
func skipValue(data []byte, from int) int {
	depth := 0
	for at := from; ; {
		switch data[at] {
		case '"':
			at = skipString(data, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at // the end of what holds the value
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
}

// unquote decodes a valid JSON string.
func unquote(text []byte) string {
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var decoded string
	if err := json.Unmarshal(text, &decoded); err != nil {
		return strings.ToValidUTF8(string(inner), "\uFFFD")
	}
	return decoded
}

// cellText is how a compact JSON value looks in a cell: strings decoded, numbers digit by digit, null empty, the rest as JSON.
func cellText(value json.RawMessage) string {
	switch {
	case len(value) == 0 || bytes.Equal(value, []byte("null")):
		return ""
	case value[0] == '"':
		return unquote(value)
	}
	return strings.ToValidUTF8(string(value), "\uFFFD")
}

// appendString writes text as a JSON string. Unlike json.Marshal it leaves <, > and & alone: the bytes count against Clay's limit for a row.
func appendString(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for at := 0; at < len(text); {
		b := text[at]
		if b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			at++
			continue
		}
		if b >= utf8.RuneSelf {
			char, size := utf8.DecodeRuneInString(text[at:])
			if char == utf8.RuneError && size == 1 {
				dst = append(append(dst, text[from:at]...), `\ufffd`...)
				from = at + 1
			}
			at += size
			continue
		}
		dst = append(dst, text[from:at]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xF])
		}
		at++
		from = at
	}
	return append(append(dst, text[from:]...), '"')
}
