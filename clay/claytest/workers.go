package claytest

import "sync"

// workers share out a column's jobs: so many at once, the others in the order
// in which they came. Each column has its own, so that one slow receiver holds
// nobody else's callbacks up.
type workers struct {
	mu      sync.Mutex
	limit   int
	busy    int
	backlog []*job
}

// take reports whether the caller is to start a worker on the job; otherwise one
// that is busy will come to it.
func (w *workers) take(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy < w.limit {
		w.busy++
		return true
	}
	w.backlog = append(w.backlog, j)
	return false
}

// next is what a worker does next; nil sends it home.
func (w *workers) next() *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.backlog) == 0 {
		w.busy--
		return nil
	}
	j := w.backlog[0]
	w.backlog[0] = nil
	w.backlog = w.backlog[1:]
	return j
}
