package sheet

// verdict is what a scan found.
type verdict int

const (
	complete  verdict = iota // a whole record
	needMore                 // the record goes on after what is known
	strayText                // text after a closing quote
	unclosed                 // a quote that is still open at the end of the text
)

// scanner splits one CSV record into cells, as RFC 4180 has it: cells may be quoted, a quoted cell may hold delimiters, line endings and
// doubled quotes. It is lenient only where that can mean one thing: a quote inside an unquoted cell stands for itself, and blanks
// between a closing quote and the delimiter are dropped.
type scanner struct {
	comma byte
	text  []byte // the cells, one after the other, without quotes
	ends  []int  // where each cell ends in text
	open  bool   // the scan stopped inside a quoted cell
}

// scan reads one record from the start of data, which must not be empty. ended tells that nothing comes after data. size counts the record's
// bytes with its line ending.
func (s *scanner) scan(data []byte, ended bool) (size int, v verdict) {
	s.text, s.ends, s.open = s.text[:0], s.ends[:0], false
	at := 0
	for {
		if at < len(data) && data[at] == '"' {
			at, v = s.quoted(data, at+1, ended)
			if v != complete {
				return 0, v
			}
		} else {
			at = s.plain(data, at)
		}
		s.ends = append(s.ends, len(s.text))
		if at < len(data) && data[at] == s.comma {
			at++
			continue
		}
		if at == len(data) && !ended {
			return 0, needMore
		}
		end, known := lineEnd(data[at:], ended)
		if !known {
			return 0, needMore
		}
		return at + end, complete
	}
}

// plain reads an unquoted cell up to its delimiter or line ending.
func (s *scanner) plain(data []byte, from int) (at int) {
	for at = from; at < len(data); at++ {
		if b := data[at]; b == s.comma || b == '\n' || b == '\r' {
			break
		}
	}
	s.text = append(s.text, data[from:at]...)
	return at
}

// quoted reads the rest of a quoted cell, and the blanks behind it, up to its delimiter or line ending.
func (s *scanner) quoted(data []byte, at int, ended bool) (int, verdict) {
	for {
		from := at
		for at < len(data) && data[at] != '"' {
			at++
		}
		s.text = append(s.text, data[from:at]...)
		if at == len(data) {
			s.open = true
			if ended {
				return 0, unclosed
			}
			return 0, needMore
		}
		at++ // the quote
		if at < len(data) && data[at] == '"' {
			s.text = append(s.text, '"')
			at++
			continue
		}
		break
	}
	for at < len(data) && data[at] != s.comma && (data[at] == ' ' || data[at] == '\t') {
		at++
	}
	if at == len(data) && !ended {
		return 0, needMore
	}
	if at < len(data) && data[at] != s.comma && data[at] != '\n' && data[at] != '\r' {
		return 0, strayText
	}
	return at, complete
}

// cells gives the cells of the last record, in memory of their own.
func (s *scanner) cells() []string {
	text := string(s.text)
	cells := make([]string, len(s.ends))
	from := 0
	for i, end := range s.ends {
		cells[i] = text[from:end]
		from = end
	}
	return cells
}
