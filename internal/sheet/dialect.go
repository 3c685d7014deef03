package sheet

import (
	"bytes"
	"fmt"
	"strings"
)

// delimiters are those that are looked for, in the order in which they win a tie.
const delimiters = ",;\t|"

// sniffRows bounds how many records are looked at to find the delimiter.
const sniffRows = 50

// sniffFormat tells the format from the first text of a file whose name does not.
func sniffFormat(w *window) Format {
	if text, _ := w.opening(); bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || arrayOfObjects(text) {
		return JSONL
	}
	return CSV
}

// arrayOfObjects knows the beginning of a JSON array. A CSV header may begin with a bracket too, but not followed by these.
func arrayOfObjects(text []byte) bool {
	inside, found := bytes.CutPrefix(bytes.TrimSpace(text), []byte("["))
	inside = bytes.TrimSpace(inside)
	return found && (len(inside) == 0 || bytes.IndexByte([]byte("{]"), inside[0]) >= 0)
}

// refuseOtherJSON finds JSON that does not have one object a line, before every line of it becomes an error.
func refuseOtherJSON(w *window) error {
	text, _ := w.opening()
	first, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	switch first = bytes.TrimSpace(first); {
	case bytes.HasPrefix(first, []byte("[")):
		return &Error{Kind: KindFormat, Reason: "this is a JSON array; one object a line (JSONL) is expected", Hint: "convert it: jq -c '.[]' in.json > in.jsonl"}
	case bytes.Equal(first, []byte("{")):
		return &Error{Kind: KindFormat, Reason: "this JSON object spans several lines; one object a line (JSONL) is expected", Hint: "convert it: jq -c . in.json > in.jsonl"}
	}
	return nil
}

// readAhead fills the window with what a file is judged by: where it may be JSON lines, one of them will do.
func (w *window) readAhead(format Format) {
	lines := (format == Auto || format == JSONL) && w.bytes()[0] == '{'
	for len(w.bytes()) < firstWindow && !(lines && bytes.IndexByte(w.bytes(), '\n') > 0) && w.more() {
	}
}

// opening is what a file is judged by, and whether it is the whole of it. It ends at the same byte however the bytes arrived: what
// a pipe happened to hold decides nothing.
func (w *window) opening() (text []byte, whole bool) {
	text = w.bytes()
	if len(text) >= firstWindow {
		return text[:firstWindow], false
	}
	return text, w.whole()
}

// declaredDelimiter reads the line "sep=;" that Excel understands on top of a file, and consumes it; 0 when there is none.
func declaredDelimiter(w *window) byte {
	const mark = "sep="
	text := w.bytes()
	if len(text) < len(mark)+1 || !bytes.EqualFold(text[:len(mark)], []byte(mark)) {
		return 0
	}
	comma := text[len(mark)]
	if size, _ := lineEnd(text[len(mark)+1:], true); size == 0 || strings.IndexByte(delimiters, comma) < 0 {
		return 0
	}
	w.skipLine()
	return comma
}

// sniffDelimiter picks the delimiter that splits the header and the most of the first rows into the same number of cells, at
// least two; among equals the one that makes more columns. Without any it is the comma: one column.
func sniffDelimiter(w *window) byte {
	best, bestShare, bestColumns := byte(','), 0.0, 1
	for _, comma := range []byte(delimiters) {
		columns, share := trySplit(w, comma)
		if columns < 2 {
			continue
		}
		if share > bestShare || share == bestShare && columns > bestColumns {
			best, bestShare, bestColumns = comma, share, columns
		}
	}
	return best
}

// trySplit gives the header's number of columns under a delimiter and the share of the first records that agree with it.
func trySplit(w *window, comma byte) (columns int, share float64) {
	data, whole := w.opening()
	scan := scanner{comma: comma}
	records, agreeing := 0, 0
	for records < sniffRows && len(data) > 0 {
		if size, _ := lineEnd(data, true); size > 0 {
			data = data[size:] // an empty line
			continue
		}
		size, v := scan.scan(data, whole)
		if v == needMore {
			break
		}
		if v != complete {
			size = max(1, bytes.IndexByte(data, '\n')+1)
			scan.ends = nil
		}
		data = data[size:]
		if records == 0 {
			columns = len(scan.ends)
		}
		records++
		if len(scan.ends) == columns {
			agreeing++
		}
	}
	return columns, float64(agreeing) / float64(max(records, 1))
}

// checkDelimiter refuses delimiters that mean something else.
func checkDelimiter(comma rune) error {
	if comma == 0 || comma < 128 && comma >= ' ' && comma != '"' || comma == '\t' {
		return nil
	}
	return &Error{Kind: KindFormat, Reason: fmt.Sprintf("%q cannot be a delimiter", comma), Hint: "use one of , ; | or a tab"}
}
