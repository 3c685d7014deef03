package claytest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// openJournal opens the journal and brings back the rows it holds.
func (s *Server) openJournal() error {
	if s.opt.Journal == "" {
		return nil
	}
	j := &journal{path: s.opt.Journal, all: s.opt.JournalAll, max: s.opt.JournalMax}
	if s.opt.JournalSync {
		j.flags = os.O_SYNC
	}
	file, err := j.openFile(j.path)
	if err != nil {
		return fmt.Errorf("claytest: journal: %w", err)
	}
	j.file = file
	s.book.journal = j
	if j.size, err = s.book.replay(file); err == nil {
		err = file.Truncate(j.size)
	}
	if err != nil {
		return fmt.Errorf("claytest: journal %s: %w", j.path, err)
	}
	j.compact = j.max
	s.restoreRuns()
	return s.book.compact()
}

// replay reads the journal's lines into the book and returns the length of those
// that are whole. A last line that was torn when the process was killed is left
// out; a damaged one before it is an error.
func (b *book) replay(from io.Reader) (size int64, err error) {
	r := bufio.NewReaderSize(from, 64<<10)
	for number := 1; ; number++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // and what is left, if anything, has no end
			break
		}
		if err != nil {
			return size, err
		}
		e, err := parseEntry(line)
		if err != nil {
			if _, more := r.Peek(1); more != nil {
				break
			}
			return size, fmt.Errorf("line %d is damaged; mend it or move the file away: %w", number, err)
		}
		b.replayEntry(e)
		size += int64(len(line))
	}
	b.owed()
	return size, nil
}

// parseEntry reads a line; a row's body is then in Body, however it was written.
func parseEntry(line []byte) (e entry, err error) {
	if err := json.Unmarshal(line, &e); err != nil {
		return e, err
	}
	if e.Op == opRow && e.Body == nil {
		e.Body = e.Text
		if !json.Valid(e.Body) {
			return e, errors.New("the row's body is no JSON")
		}
	}
	return e, nil
}

// replayEntry takes one line up.
func (b *book) replayEntry(e entry) {
	switch e.Op {
	case opRow:
		b.insert(&Row{
			Number: e.Row, Webhook: e.Webhook, At: time.Unix(0, e.T), Body: e.Body,
			Cell: Cell{State: CellWaiting}, // until a cell line says otherwise
		})
	case opCell:
		if row := b.open[e.Row]; row != nil {
			b.moveCell(row, Cell{State: e.State})
		}
	case opRun:
		b.replayRun(e.Body)
	case opCounts:
		b.rowNumber, b.stats.Rows = e.Row, e.Row
		b.runNumber = max(b.runNumber, e.Run)
		b.accepted = maps.Clone(e.Accepted)
		if b.accepted == nil {
			b.accepted = map[string]int{}
		}
	}
}

// owed makes the rows that have not called back ready for a column.
func (b *book) owed() {
	for _, row := range b.open {
		b.moveCell(row, Cell{})
	}
}

// openRows returns the rows that are not finished, in order.
func (b *book) openRows() []*Row {
	rows := make([]*Row, 0, len(b.open))
	for _, number := range slices.Sorted(maps.Keys(b.open)) {
		rows = append(rows, b.open[number])
	}
	return rows
}

// compact rewrites the journal once it has grown too large. The caller holds
// mu, or is alone.
func (b *book) compact() error {
	j := b.journal
	if j == nil || j.all || j.size <= j.compact {
		return nil
	}
	err := j.rewrite(b.essence())
	j.compact = max(j.max, 2*j.size) // not at every row, should it fail or most rows be open
	return err
}

// essence is a journal with the same future: the open rows, the runs that can be asked for, and then the counts.
func (b *book) essence() []byte {
	var lines []byte
	for _, row := range b.openRows() {
		lines = appendEntry(lines, rowEntry(row), row.Body)
	}
	for _, r := range b.openRuns(time.Now()) {
		line, body := runLine(r)
		lines = appendEntry(lines, line, body)
	}
	return appendEntry(lines, entry{
		Op: opCounts, T: time.Now().UnixNano(), Row: b.rowNumber, Run: b.runNumber, Accepted: b.accepted,
	}, nil)
}
