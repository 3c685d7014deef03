package collect

import (
	"bytes"
	"encoding/json"
	"strings"
)

// parts is a JSON object, parted into its members in their order. A name may stand there twice: the last one counts.
type parts []member

// member is one member as it came, a view of the object's text.
type member struct {
	name string
	text []byte // name, colon and value
	from int    // where in it the value begins
}

// members parts one JSON object, which must be valid UTF-8; ok is false for any other text.
func members(text []byte) (p parts, ok bool) {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return nil, false
	}
	p = make(parts, 0, 16)
	for rest := text[1:]; ; { // it is valid, so that only quotes and nesting need be seen
		start := bytes.IndexByte(rest, '"')
		if start < 0 {
			return p, true // it has no members
		}
		rest = rest[start:]
		m := member{from: quoted(rest)}
		m.name = string(rest[1 : m.from-1])
		if strings.IndexByte(m.name, '\\') >= 0 {
			_ = json.Unmarshal(rest[:m.from], &m.name) // it is valid
		}
		m.from += bytes.IndexByte(rest[m.from:], ':') + 1
		end := m.from + length(rest[m.from:])
		m.text = bytes.TrimRight(rest[:end], " \t\r\n")
		p = append(p, m)
		if rest[end] == '}' {
			return p, true
		}
		rest = rest[end+1:]
	}
}

// quoted returns the length of the text in quotes that begins here.
func quoted(text []byte) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// length returns how far it is to the comma or brace that ends the value that begins here.
func length(text []byte) int {
	for i, depth := 0, 0; ; i++ {
		switch c := text[i]; {
		case c == '"':
			i += quoted(text[i:]) - 1
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == '}'):
			return i
		case c == '}' || c == ']':
			depth--
		}
	}
}

// without returns the value of a name, nil where it is missing, and the object without it.
func (p parts) without(name string) (value, rest json.RawMessage) {
	size := len("{}")
	for _, m := range p {
		size += len(m.text) + len(",")
	}
	rest = append(make([]byte, 0, size), '{')
	for _, m := range p {
		if m.name == name {
			value = bytes.TrimLeft(m.text[m.from:], " \t\r\n")
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(rest, m.text...)
	}
	return value, append(rest, '}')
}
