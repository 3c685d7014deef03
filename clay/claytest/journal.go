package claytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// journal is the append-only file of [Options.Journal], one JSON object per
// line. A nil journal takes everything and keeps nothing. Its user's lock
// protects it.
type journal struct {
	path    string
	flags   int
	all     bool  // log every request and never compact
	max     int64 // compact beyond this size
	file    *os.File
	size    int64
	compact int64 // the size at which to compact next
	line    []byte
}

// The kinds of lines.
const (
	opRow      = "row"      // a submission was accepted; carries its body
	opCell     = "cell"     // its column has run to an end
	opCallback = "callback" // an attempt was answered, or failed
	opRequest  = "request"  // JournalAll: a request is being answered
	opCounts   = "counts"   // what compaction left out, in figures
)

// entry is a line, without the body.
type entry struct {
	Op string `json:"op"`
	// T is when, in Unix nanoseconds.
	T        int64          `json:"t"`
	Request  int            `json:"request,omitempty"`
	Row      int            `json:"row,omitempty"`
	Run      int            `json:"run,omitempty"`
	Attempt  int            `json:"attempt,omitempty"`
	Method   string         `json:"method,omitempty"`
	Path     string         `json:"path,omitempty"`
	Webhook  string         `json:"webhook,omitempty"`
	Status   *int           `json:"status,omitempty"`
	State    CellState      `json:"state,omitempty"`
	Error    string         `json:"error,omitempty"`
	Accepted map[string]int `json:"accepted,omitempty"`

	Body json.RawMessage `json:"body,omitempty"`
	// Text is the body where it has line breaks.
	Text []byte `json:"text,omitempty"`
}

func (j *journal) row(row *Row) error {
	if j == nil {
		return nil
	}
	return j.append(rowEntry(row), row.Body)
}

func rowEntry(row *Row) entry {
	return entry{Op: opRow, T: row.At.UnixNano(), Row: row.Number, Webhook: row.Webhook}
}

func (j *journal) request(r *request) error {
	if j == nil || !j.all {
		return nil
	}
	return j.append(entry{
		Op: opRequest, T: r.at.UnixNano(), Request: r.number, Row: r.row,
		Method: r.method, Path: r.path, Webhook: r.webhook, Status: &r.status,
	}, nil)
}

// callback writes an attempt down; that it fails is seen when the next row is.
func (j *journal) callback(c Callback) {
	if j == nil {
		return
	}
	_ = j.append(entry{
		Op: opCallback, T: c.At.UnixNano(), Row: c.Row, Attempt: c.Attempt,
		Webhook: c.Webhook, Status: &c.Status, Error: c.Error,
	}, nil)
}

// cell writes down that nothing more is owed for a row.
func (j *journal) cell(row *Row) {
	if j == nil || row.Cell.State == CellIdle || row.Cell.State == CellWaiting {
		return
	}
	_ = j.append(entry{Op: opCell, T: time.Now().UnixNano(), Row: row.Number, State: row.Cell.State}, nil)
}

// append writes one line in one write, so that a killed process leaves at most
// one torn line, the last. What could not be written whole is taken back.
func (j *journal) append(e entry, body []byte) error {
	j.line = appendEntry(j.line[:0], e, body)
	if _, err := j.file.Write(j.line); err != nil {
		_ = j.file.Truncate(j.size)
		return fmt.Errorf("claytest: journal: %w", err)
	}
	j.size += int64(len(j.line))
	return nil
}

// appendEntry encodes a line. The body goes in as it came, which encoding/json
// would not let it.
func appendEntry(line []byte, e entry, body []byte) []byte {
	raw := len(body) > 0 && !bytes.ContainsAny(body, "\r\n")
	if !raw {
		e.Text = body
	}
	head, err := json.Marshal(e)
	if err != nil {
		panic(err) // numbers and strings cannot fail
	}
	line = append(line, head...)
	if raw {
		line = append(line[:len(line)-1], `,"body":`...)
		line = append(append(line, body...), '}')
	}
	return append(line, '\n')
}

// openFile opens the file for appending.
func (j *journal) openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|j.flags, 0o600)
}

// reset empties the file.
func (j *journal) reset() error {
	if j == nil {
		return nil
	}
	j.size = 0
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("claytest: journal: %w", err)
	}
	return nil
}

// close closes the file.
func (j *journal) close() {
	if j != nil {
		_ = j.file.Close() // nothing is buffered
	}
}

// rewrite gives the file other content, which is complete before it takes the
// old one's place.
func (j *journal) rewrite(content []byte) error {
	next := filepath.Join(filepath.Dir(j.path), "."+filepath.Base(j.path)+".new")
	file, err := j.replace(next, content)
	if err != nil {
		return fmt.Errorf("claytest: journal: %w", err)
	}
	_ = j.file.Close()
	j.file, j.size = file, int64(len(content))
	return nil
}

// replace writes a new file and moves it over the journal; it stays open.
func (j *journal) replace(next string, content []byte) (*os.File, error) {
	_ = os.Remove(next) // a compaction that was killed may have left it
	file, err := j.openFile(next)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(content)
	if err == nil {
		err = os.Rename(next, j.path)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
