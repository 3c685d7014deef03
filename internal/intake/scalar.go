package intake

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// text reads a string and returns what it holds.
func (s *scanner) text() ([]byte, *fault) {
	start := s.pos
	s.pos++
	escaped := false
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return unquote(s.data[start:s.pos], escaped), nil
		case c == '\\':
			escaped = true
			if f := s.escape(); f != nil {
				return nil, f
			}
		case c < ' ':
			return nil, broken("the control character %q stands in a text: escape it", c)
		}
	}
	return nil, broken("it ends too early")
}

// escape reads an escape sequence up to its last character.
func (s *scanner) escape() *fault {
	s.pos++
	if s.pos >= len(s.data) {
		return broken("it ends too early")
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return broken(`\%c is no escape sequence`, s.char())
	}
	if len(s.data)-s.pos < 5 {
		return broken("it ends too early")
	}
	digits := s.data[s.pos+1 : s.pos+5]
	for _, c := range digits {
		if !hex(c) {
			return broken(`\u is not followed by four hexadecimal digits`)
		}
	}
	s.pos += 4
	if !s.loose && string(digits) == "0000" {
		return &fault{message: `the text holds a NUL character (\u0000): no table keeps one, leave it out`}
	}
	return nil
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unquote(quoted []byte, escaped bool) []byte {
	if !escaped {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // its syntax was checked
	return []byte(text)
}

// number reads a number.
func (s *scanner) number() *fault {
	start := s.pos
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return broken("a number without digits")
	}
	if s.skip('.') && !s.digits() {
		return broken("a number without digits after its point")
	}
	exponent := s.skip('e') || s.skip('E')
	if exponent {
		_ = s.skip('+') || s.skip('-')
		if !s.digits() {
			return broken("a number without digits in its exponent")
		}
	}
	if s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		return broken("a number that begins with 0")
	}
	text := s.data[start:s.pos]
	if s.loose || !exponent && len(text) < 300 {
		return nil
	}
	if _, err := strconv.ParseFloat(string(text), 64); err != nil {
		return &fault{message: fmt.Sprintf("the number %.20s is too large: send it as text", text)}
	}
	return nil
}

func (s *scanner) skip(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}
