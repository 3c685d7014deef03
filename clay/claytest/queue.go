package claytest

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// job is a row on its way to its callback.
type job struct {
	row   *Row
	due   time.Time
	fault *hit            // what goes wrong with the callback; nil: nothing
	ctx   context.Context // ends when the row is forgotten
	place int             // in the heap
}

// queue holds the jobs in the order in which they fall due.
type queue struct {
	mu   sync.Mutex
	jobs jobs
	held *job          // kept back until another callback has gone out
	news chan struct{} // capacity 1: the front has changed
}

func newQueue() *queue { return &queue{news: make(chan struct{}, 1)} }

// push adds a job.
func (q *queue) push(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	heap.Push(&q.jobs, j)
	q.changed(j)
}

// changed tells the reader that it may have waited for the wrong job. The
// caller holds mu.
func (q *queue) changed(j *job) {
	if j.place != 0 {
		return
	}
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// pop returns the first job if it is due, else how long it is until then; no
// time at all means that there is none.
func (q *queue) pop(now time.Time) (j *job, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		return nil, 0
	}
	if wait := q.jobs[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	j = heap.Pop(&q.jobs).(*job)
	if q.held == j {
		q.held = nil
	}
	return j, 0
}

// hold keeps the job back until [queue.release] or, at the latest, until its
// time, unless one is being held already.
func (q *queue) hold(j *job, until time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held != nil {
		return false
	}
	j.due = until
	q.held = j
	heap.Push(&q.jobs, j)
	return true
}

// release lets the held job go, if there is one.
func (q *queue) release(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held == nil {
		return
	}
	q.held.due = now
	heap.Fix(&q.jobs, q.held.place)
	q.changed(q.held)
	q.held = nil
}

// clear drops all jobs.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs, q.held = nil, nil
}

// jobs implement [heap.Interface]: by time, and in row order at the same time.
type jobs []*job

func (j jobs) Len() int { return len(j) }
func (j jobs) Less(a, b int) bool {
	if !j[a].due.Equal(j[b].due) {
		return j[a].due.Before(j[b].due)
	}
	return j[a].row.Number < j[b].row.Number
}
func (j jobs) Swap(a, b int) {
	j[a], j[b] = j[b], j[a]
	j[a].place, j[b].place = a, b
}
func (j *jobs) Push(x any) {
	one := x.(*job)
	one.place = len(*j)
	*j = append(*j, one)
}
func (j *jobs) Pop() any {
	last := len(*j) - 1
	one := (*j)[last]
	(*j)[last] = nil
	*j = (*j)[:last]
	return one
}
