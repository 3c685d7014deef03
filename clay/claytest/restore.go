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
	if err := s.book.replay(j); err != nil {
		_ = file.Close()
		return err
	}
	j.compact = max(j.max, j.size)
	s.book.journal = j
	return s.book.compact()
}

// replay reads the journal into the book. A last line that was torn when the
// process was killed is cut off; a damaged one before it is an error.
func (b *book) replay(j *journal) error {
	r := bufio.NewReaderSize(j.file, 64<<10)
	for number := 1; ; number++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // and what is left, if anything, has no end
			break
		}
		if err != nil {
			return fmt.Errorf("claytest: journal: %w", err)
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			if _, more := r.Peek(1); more != nil {
				break
			}
			return fmt.Errorf("claytest: journal %s: line %d is damaged; mend it or move the file away: %w", j.path, number, err)
		}
		b.replayEntry(e)
		j.size += int64(len(line))
	}
	if err := j.file.Truncate(j.size); err != nil {
		return fmt.Errorf("claytest: journal: %w", err)
	}
	b.owed()
	return nil
}

// replayEntry takes one line up.
func (b *book) replayEntry(e entry) {
	switch e.Op {
	case opRow:
		body := e.Body
		if body == nil {
			body = e.Text
		}
		b.insert(&Row{
			Number: e.Row, Webhook: e.Webhook, At: time.Unix(0, e.T), Body: body,
			Cell: Cell{State: CellWaiting}, // until a cell line says otherwise
		})
	case opCell:
		if row := b.open[e.Row]; row != nil {
			b.moveCell(row, Cell{State: e.State})
		}
	case opCounts:
		b.rowNumber, b.stats.Rows = e.Row, e.Row
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
	counts := entry{Op: opCounts, T: time.Now().UnixNano(), Row: b.rowNumber, Accepted: b.accepted}
	err := j.rewrite(b.openRows(), counts)
	j.compact = max(j.max, 2*j.size) // not at every row, should it fail or most rows be open
	return err
}
