package sheet

import (
	"encoding/json"
	"strings"
)

// Row is one data row. It stays valid after the Reader has moved on and must not be changed.
type Row struct {
	Line   int      // the physical line where the row starts, from 1
	Number int      // the data row, from 1
	Cells  []string // CSV and TSV: the cells in the order of the columns; fewer than these in a row that could not be read whole
	header *header
	object json.RawMessage // JSONL
}

// NewRow makes a row that comes from no file, e.g. from arguments. There must not be more cells than columns.
func NewRow(columns, cells []string) Row {
	return Row{Cells: cells, header: newHeader(columns)}
}

// ParseRow makes a row of a JSON object, e.g. of one that was stored. It fails when object is something else.
func ParseRow(object json.RawMessage) (Row, error) {
	compact, err := compactObject(object)
	if err != nil {
		return Row{}, err
	}
	return Row{object: compact}, nil
}

// JSON is the row as the object that is sent to Clay: CSV cells as strings in the order of the columns, empty ones as "", because types cannot
// be told from text (a postal code is not a number); a JSONL object as it stood, without blanks.
func (r Row) JSON() json.RawMessage {
	if r.object != nil {
		return r.object
	}
	size := len("{}")
	for i, cell := range r.Cells {
		size += len(r.header.keys[i]) + len(cell) + len(`:"",`)
	}
	object := append(make([]byte, 0, size), '{')
	for i, cell := range r.Cells {
		if i > 0 {
			object = append(object, ',')
		}
		object = append(append(object, r.header.keys[i]...), ':')
		object = appendString(object, cell)
	}
	return append(object, '}')
}

// Value is the text in a column; empty when there is no such column. Of a JSONL object it is the member: a string decoded, a number with its
// digits, null as "", an object or array as compact JSON.
func (r Row) Value(column string) string {
	if r.object != nil {
		text := ""
		for name, value := range members(r.object) {
			if name == column {
				text = cellText(value) // of several the last, as everywhere in JSON
			}
		}
		return text
	}
	if r.header == nil {
		return ""
	}
	if at, known := r.header.index[column]; known && at < len(r.Cells) {
		return r.Cells[at]
	}
	return ""
}

// Empty tells that the row has nothing to send: every cell is blank, or the object has no members. Spreadsheets export such rows
// from below the data.
func (r Row) Empty() bool {
	if r.object != nil {
		return len(r.object) == len("{}")
	}
	for _, cell := range r.Cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// members walks through the row's columns and their values as JSON, in their order.
func (r Row) members(yield func(name string, value json.RawMessage) bool) {
	if r.object != nil {
		members(r.object)(yield)
		return
	}
	for i, cell := range r.Cells {
		if !yield(r.header.names[i], appendString(nil, cell)) {
			return
		}
	}
}
