package claytest

import (
	"context"
	"sync"
	"time"
)

// runner runs the HTTP API columns: it keeps each row until its enrichment is
// done and then hands it to a delivery.
type runner struct {
	seed   uint64
	book   *book
	faults *faults
	send   *sender
	queue  *queue

	// mu is held for reading while a row is taken, so that no row slips
	// through while the columns change.
	mu      sync.RWMutex
	columns map[string]*column // by webhook; "" is everybody else's
	epoch   context.Context    // ends when what is under way is to be dropped
	drop    context.CancelFunc

	delivering sync.WaitGroup
}

func newRunner(ctx context.Context, seed uint64, b *book) *runner {
	r := &runner{seed: seed, book: b, queue: newQueue(), columns: map[string]*column{}}
	r.epoch, r.drop = context.WithCancel(ctx)
	return r
}

// column returns the webhook's column, nil for none. The caller holds mu.
func (r *runner) column(webhook string) *column {
	if col, ok := r.columns[webhook]; ok {
		return col
	}
	return r.columns[""]
}

// set puts a column in its place and runs the rows that had none before.
func (r *runner) set(webhook string, col *column) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if col == nil {
		delete(r.columns, webhook)
	} else {
		r.columns[webhook] = col
	}
	r.rerun(func(row *Row) bool { return row.Cell.State == CellIdle })
}

// rerun queues those rows that have a column and that which picks; it returns
// how many. The caller holds mu.
func (r *runner) rerun(which func(*Row) bool) int {
	rows := r.book.start(func(row *Row) bool { return r.column(row.Webhook) != nil && which(row) })
	for _, row := range rows {
		r.enqueue(row, time.Now())
	}
	return len(rows)
}

// accept takes a row into the book and, if it has a column, into the queue.
func (r *runner) accept(row *Row, limit int) (ok bool, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	waits := r.column(row.Webhook) != nil
	if waits {
		row.Cell.State = CellWaiting
	}
	ok, err = r.book.addRow(row, limit)
	if ok && waits {
		r.enqueue(row, row.At)
	}
	return ok, err
}

// enqueue plans a row's callback. The caller holds mu.
func (r *runner) enqueue(row *Row, from time.Time) {
	fault := r.faults.callback(row)
	due := from.Add(r.column(row.Webhook).delay(r.seed, row.Number))
	if fault != nil && fault.Kind == CallbackLate {
		due = due.Add(fault.delay())
	}
	r.queue.push(&job{row: row, due: due, fault: fault, ctx: r.epoch})
}

// run delivers what falls due until the context ends, and returns when the last
// delivery has.
func (r *runner) run(ctx context.Context) {
	defer r.delivering.Wait()
	for ctx.Err() == nil {
		j, wait := r.queue.pop(time.Now())
		if j == nil {
			r.pause(ctx, wait)
			continue
		}
		if j.fault != nil && j.fault.Kind == CallbackReorder {
			held := j.fault.delay()
			j.fault = nil // once is enough
			if r.queue.hold(j, time.Now().Add(held)) {
				continue
			}
		}
		r.dispatch(j)
	}
}

// dispatch gives a job to the workers of its column.
func (r *runner) dispatch(j *job) {
	r.mu.RLock()
	col := r.column(j.row.Webhook)
	r.mu.RUnlock()
	switch {
	case col == nil: // taken away meanwhile
		r.book.setCell(j.row, Cell{})
	case col.workers.take(j):
		r.delivering.Go(func() { r.work(col, j) })
	}
}

// work delivers a job and what has piled up behind it.
func (r *runner) work(col *column, j *job) {
	for ; j != nil; j = col.workers.next() {
		r.deliver(j.ctx, col, j)
		r.queue.release(time.Now())
	}
}

// pause waits for the queue's front to change or to fall due.
func (r *runner) pause(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-r.queue.news:
	case <-ctx.Done():
	}
}

// runRows is rerun for those who do not hold mu.
func (r *runner) runRows(which func(*Row) bool) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.rerun(which)
}

// reset forgets all rows and drops the callbacks that are due or under way.
func (r *runner) reset(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	r.epoch, r.drop = context.WithCancel(ctx)
	r.queue.clear()
	return r.book.reset()
}
