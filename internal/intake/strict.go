package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Member is one member of a JSON object. Its value is as it came, a view of what was read.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members reads one JSON object, and nothing after it. It is stricter than encoding/json, because what a lenient reader
// lets pass is not what was meant once it is at Clay: it refuses invalid UTF-8, a name given twice, nesting deeper than 64
// levels, NUL characters, and numbers that no program can hold. Its errors name the member.
func Members(raw []byte) ([]Member, error) {
	s := scanner{data: raw, most: len(raw)}
	if err := s.document('{', "it must be one JSON object: Clay makes one row of each POST, whatever it holds"); err != nil {
		return nil, err
	}
	return s.outer, nil
}

// Elements parts a JSON array. Only its own syntax is checked; each element is to be read by [Members]. No more than most
// elements are returned, as members without a name, and how many there are.
func Elements(raw []byte, most int) (elements []Member, n int, err error) {
	s := scanner{data: raw, loose: true, most: most}
	if err := s.document('[', "it must be a JSON array"); err != nil {
		return nil, 0, err
	}
	return s.outer, s.n, nil
}

// maxDepth bounds the nesting of a record. Clay shows two or three levels; what nests deeper is an accident or an attack.
const maxDepth = 64

// looseDepth bounds the nesting of what is only parted, so that one deep element fails alone.
const looseDepth = 1000

// scanner walks over one JSON text.
type scanner struct {
	data  []byte
	pos   int
	loose bool // check the syntax only

	outer []Member // of the outermost value
	n     int      // how many there are
	most  int      // how many of them to keep

	names [][]byte // of the objects that are being read, the innermost last
}

// keep keeps a member or an element of the outermost value.
func (s *scanner) keep(name, value []byte) {
	if s.n++; s.n > s.most {
		return
	}
	if s.outer == nil {
		s.outer = make([]Member, 0, 8)
	}
	s.outer = append(s.outer, Member{Name: string(name), Value: value})
}

// fault is what is wrong with a JSON text, and where.
type fault struct {
	path    string // of the member, as in "person.emails[2]"; "" for the whole text
	message string // begins with "it" or "the"
}

func (f *fault) Error() string {
	if f.path == "" {
		return f.message
	}
	return fmt.Sprintf("%q: %s", f.path, f.message)
}

// in says that the fault is within a member or an element.
func (f *fault) in(step string) *fault {
	switch {
	case len(f.path) > 200: // long enough to be found
	case f.path == "":
		f.path = step
	case f.path[0] == '[':
		f.path = step + f.path
	default:
		f.path = step + "." + f.path
	}
	return f
}

func broken(format string, args ...any) *fault {
	return &fault{message: "it is not valid JSON: " + fmt.Sprintf(format, args...)}
}

// document reads the whole text, which has to be an object or an array.
func (s *scanner) document(opening byte, otherwise string) error {
	if !utf8.Valid(s.data) {
		return &fault{message: "it is not valid UTF-8"}
	}
	s.blanks()
	if s.pos == len(s.data) {
		return broken("it is empty")
	}
	if s.data[s.pos] != opening {
		if f := s.value(1); f != nil {
			return f
		}
		return &fault{message: otherwise}
	}
	if f := s.value(1); f != nil {
		return f
	}
	s.blanks()
	if s.pos < len(s.data) {
		if c := s.data[s.pos]; c == '}' || c == ']' {
			return broken("a %q too many", c)
		}
		return errors.New("something follows the JSON " + map[byte]string{'{': "object", '[': "array"}[opening])
	}
	return nil
}

func (s *scanner) blanks() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads one value. The outermost has depth 1.
func (s *scanner) value(depth int) *fault {
	if s.pos >= len(s.data) {
		return broken("it ends too early")
	}
	switch c := s.data[s.pos]; {
	case c == '{' || c == '[':
		if depth > looseDepth || depth > maxDepth && !s.loose {
			return &fault{message: fmt.Sprintf("it nests deeper than %d levels", maxDepth)}
		}
		s.pos++
		if c == '{' {
			return s.object(depth)
		}
		return s.array(depth)
	case c == '"':
		_, f := s.text()
		return f
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if len(s.data)-s.pos >= len(word) && string(s.data[s.pos:s.pos+len(word)]) == word {
			s.pos += len(word)
			return nil
		}
	}
	return broken("%q cannot begin a value", s.char())
}

// object reads an object after its brace.
func (s *scanner) object(depth int) *fault {
	seen := names{scanner: s, first: len(s.names)}
	defer seen.forget()
	for first := true; ; first = false {
		if done, f := s.next('}', first); done || f != nil {
			return f
		}
		if s.data[s.pos] != '"' {
			return broken("%q stands where a name in quotes must", s.char())
		}
		name, f := s.text()
		if f != nil {
			return f
		}
		if !s.loose && !seen.add(name) {
			return &fault{message: fmt.Sprintf("the field %.40q is given twice", name)}
		}
		s.blanks()
		if s.pos >= len(s.data) || s.data[s.pos] != ':' {
			return broken("a colon is missing after %.40q", name)
		}
		s.pos++
		s.blanks()
		start := s.pos
		if f := s.value(depth + 1); f != nil {
			return f.in(string(name[:min(len(name), 40)]))
		}
		if depth == 1 {
			s.keep(name, s.data[start:s.pos:s.pos])
		}
	}
}

// array reads an array after its bracket.
func (s *scanner) array(depth int) *fault {
	for n := 0; ; n++ {
		if done, f := s.next(']', n == 0); done || f != nil {
			return f
		}
		start := s.pos
		if f := s.value(depth + 1); f != nil {
			return f.in("[" + strconv.Itoa(n) + "]")
		}
		if depth == 1 {
			s.keep(nil, s.data[start:s.pos:s.pos])
		}
	}
}

// next goes to the next member or element, or past the end of the object or array.
func (s *scanner) next(closing byte, first bool) (done bool, f *fault) {
	s.blanks()
	switch {
	case s.pos >= len(s.data):
		return false, broken("it ends too early")
	case s.data[s.pos] == closing:
		s.pos++
		return true, nil
	case first:
		return false, nil
	case s.data[s.pos] != ',':
		return false, broken("%q stands where a comma must", s.char())
	}
	s.pos++
	s.blanks()
	if s.pos >= len(s.data) {
		return false, broken("it ends too early")
	}
	if s.data[s.pos] == closing {
		return false, broken("a comma too many before %q", closing)
	}
	return false, nil
}

// char returns what stands at the scanner's place, for messages.
func (s *scanner) char() rune {
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	return r
}

// names are the names of one object. Most objects have few, which lie on the scanner's stack.
type names struct {
	*scanner
	first int // where they begin
	many  map[string]bool
}

// fewNames is how many names are looked through one by one.
const fewNames = 16

// add reports whether the name is new.
func (n *names) add(name []byte) bool {
	few := n.names[n.first:]
	if n.many == nil && len(few) == fewNames {
		n.many = make(map[string]bool, 4*fewNames)
		for _, known := range few {
			n.many[string(known)] = true
		}
	}
	if n.many != nil {
		if n.many[string(name)] {
			return false
		}
		n.many[string(name)] = true
		return true
	}
	for _, known := range few {
		if string(known) == string(name) {
			return false
		}
	}
	if n.names == nil {
		n.names = make([][]byte, 0, fewNames)
	}
	n.names = append(n.names, name)
	return true
}

// forget takes the names off the stack: their object has ended.
func (n *names) forget() { n.names = n.names[:n.first] }
