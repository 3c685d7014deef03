package claytest

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// book is the server's memory: what arrived, what was sent, who waits for it.
type book struct {
	mu        sync.Mutex
	keep      int
	requests  history[*request]
	rows      history[*Row]
	callbacks history[Callback]
	open      map[int]*Row   // rows whose cell is idle or waiting
	accepted  map[string]int // submissions used up, per webhook
	stats     Stats          // without Accepted
	rowNumber int
	runs      []*run // those in the journal, for its next compaction
	runNumber int
	retention time.Duration // of runs, after their end
	waiters   []*waiter
	journal   *journal // nil: none
}

func newBook(keep int) *book {
	b := &book{keep: keep}
	b.clear()
	return b
}

// clear forgets everything but the waiters. The caller holds mu, or is alone.
func (b *book) clear() {
	b.requests = history[*request]{keep: b.keep}
	b.rows = history[*Row]{keep: b.keep}
	b.callbacks = history[Callback]{keep: b.keep}
	b.open = map[int]*Row{}
	b.accepted = map[string]int{}
	b.stats = Stats{Status: map[int]int{}}
	b.rowNumber = 0
	b.runs, b.runNumber = nil, 0
}

// addRow takes a submission unless the webhook has used up its cap, writing it
// to the journal before it counts. The row's number and state are set here.
func (b *book) addRow(row *Row, limit int) (ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit >= 0 && b.accepted[row.Webhook] >= limit {
		return false, nil
	}
	row.Number = b.rowNumber + 1
	if err := b.journal.row(row); err != nil {
		return false, err
	}
	b.insert(row)
	b.wake()
	_ = b.compact() // the row is safe in the old file, which goes on serving
	return true, nil
}

// insert puts a numbered row in its places. The caller holds mu.
func (b *book) insert(row *Row) {
	b.rowNumber = row.Number
	b.accepted[row.Webhook]++
	b.stats.Rows++
	if row.Cell.State == CellWaiting {
		b.stats.Waiting++
	}
	if old, dropped := b.rows.add(row); dropped && old.Cell.State == CellIdle {
		delete(b.open, old.Number) // nothing may grow for ever
	}
	b.track(row)
}

// track enters the row among the open ones, or takes it out, as its cell's
// state says. The caller holds mu.
func (b *book) track(row *Row) {
	if s := row.Cell.State; s == CellIdle || s == CellWaiting {
		b.open[row.Number] = row
	} else {
		delete(b.open, row.Number)
	}
}

// addRequest records a request that is about to be answered.
func (b *book) addRequest(r *request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Requests++
	b.stats.Status[r.status]++
	b.requests.add(r)
	err := b.journal.request(r)
	b.wake()
	return err
}

// addRun writes a run of a routine to the journal and counts it.
func (b *book) addRun(r *run) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.journal.run(r); err != nil {
		return err
	}
	if b.journal != nil && !b.journal.all {
		b.runs = append(b.runs, r)
	}
	b.runNumber = r.Number
	b.stats.Runs++
	b.stats.Items += len(r.items)
	b.wake()
	_ = b.compact() // the run is safe in the old file, which goes on serving
	return nil
}

// addCallback records an attempt to send the row.
func (b *book) addCallback(row *Row, c Callback) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[row.Number] != row {
		return // cleared meanwhile
	}
	b.stats.Callbacks++
	c.Number = b.stats.Callbacks
	b.callbacks.add(c)
	b.journal.callback(c)
	b.wake()
}

// setCell moves a row's cell on.
func (b *book) setCell(row *Row, cell Cell) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[row.Number] != row {
		return // cleared meanwhile
	}
	b.moveCell(row, cell)
	b.journal.cell(row)
	b.wake()
}

// moveCell changes the cell and the count of waiting rows. The caller holds mu.
func (b *book) moveCell(row *Row, cell Cell) {
	if row.Cell.State == CellWaiting {
		b.stats.Waiting--
	}
	if cell.State == CellWaiting {
		b.stats.Waiting++
	}
	row.Cell = cell
	b.track(row)
}

// start marks those rows as waiting that which picks, among the kept and the
// open ones, and returns them in order.
func (b *book) start(which func(*Row) bool) []*Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := b.openRows()
	b.rows.each(func(row *Row) {
		if b.open[row.Number] != row {
			rows = append(rows, row)
		}
	})
	rows = slices.DeleteFunc(rows, func(row *Row) bool { return row.Cell.State == CellWaiting || !which(row) })
	slices.SortFunc(rows, func(x, y *Row) int { return cmp.Compare(x.Number, y.Number) })
	for _, row := range rows {
		b.moveCell(row, Cell{State: CellWaiting})
	}
	return rows
}

// copyStats returns the counters.
func (b *book) copyStats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Status = maps.Clone(s.Status)
	s.Accepted = maps.Clone(b.accepted)
	return s
}

// copyRows returns the kept rows, oldest first.
func (b *book) copyRows() []Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]Row, 0, len(b.rows.items))
	b.rows.each(func(row *Row) { rows = append(rows, *row) })
	return rows
}

// copyRequests returns the kept requests, oldest first.
func (b *book) copyRequests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	requests := make([]Request, 0, len(b.requests.items))
	b.requests.each(func(r *request) { requests = append(requests, r.export()) })
	return requests
}

// copyCallbacks returns the kept callbacks, oldest first.
func (b *book) copyCallbacks() []Callback {
	b.mu.Lock()
	defer b.mu.Unlock()
	callbacks := make([]Callback, 0, len(b.callbacks.items))
	b.callbacks.each(func(c Callback) { callbacks = append(callbacks, c) })
	return callbacks
}

// reset forgets everything, in the journal too.
func (b *book) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.wake()
	return b.journal.reset()
}
