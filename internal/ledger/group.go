package ledger

import (
	"context"
	"runtime"
	"sync"
)

// Group turns many concurrent calls into few transactions: while one commits, the calls that arrive wait and then
// share the next. It is what makes a durable ledger fast, because the cost of a commit is the disk's, not the
// record's. Both stores use it.
type Group[Tx any] struct {
	transact func(func(Tx) error) error
	max      int

	mu     sync.Mutex
	wait   []*call[Tx]
	closed error
	last   int // calls in the transaction before
	half   int // of the calls that seem to be about

	wake chan struct{} // holds a token while calls may wait
	quit chan struct{} // closed by Close
	done chan struct{} // closed when the loop has ended
}

type call[Tx any] struct {
	run  func(Tx) error
	err  error
	done chan struct{}
}

// NewGroup starts a group. Transact runs a function in one transaction and commits it, or rolls it back and returns
// the error; it is called by one goroutine at a time. Max bounds the calls in one transaction.
func NewGroup[Tx any](max int, transact func(func(Tx) error) error) *Group[Tx] {
	g := &Group[Tx]{
		transact: transact, max: max,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go g.loop()
	return g
}

// Do runs a function in a transaction that it may share with others and returns once that has committed. The function
// may run twice: when another call of the same transaction fails, each is run again alone. When the context ends
// first, Do returns its error and the fate of the call is unknown.
func (g *Group[Tx]) Do(ctx context.Context, run func(Tx) error) error {
	c := &call[Tx]{run: run, done: make(chan struct{})}
	g.mu.Lock()
	if g.closed != nil {
		defer g.mu.Unlock()
		return g.closed
	}
	g.wait = append(g.wait, c)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close runs what waits and ends the group; later calls get the error. It may be called twice.
func (g *Group[Tx]) Close(err error) {
	g.mu.Lock()
	if g.closed == nil {
		g.closed = err
		close(g.quit)
	}
	g.mu.Unlock()
	<-g.done
}

func (g *Group[Tx]) loop() {
	defer close(g.done)
	for open := true; open; {
		select {
		case <-g.wake:
		case <-g.quit:
			open = false
		}
		for batch := g.gather(); len(batch) > 0; batch = g.gather() {
			g.commit(batch)
		}
	}
}

// gather returns the calls that share the next transaction. It lets those run first that can: the callers whom the last
// commit woke are about to call again, and what they ask for is cheaper together. But it waits for no more than half of
// all that are about: the others get ready while these commit, or the processors would idle in turns.
func (g *Group[Tx]) gather() []*call[Tx] {
	waiting := 0
	for {
		runtime.Gosched()
		g.mu.Lock()
		before := waiting
		if waiting = len(g.wait); waiting == before || waiting >= min(g.max, g.half) {
			defer g.mu.Unlock()
			batch := g.next()
			g.half = (len(batch) + len(g.wait) + g.last + 1) / 2
			g.last = len(batch)
			return batch
		}
		g.mu.Unlock()
	}
}

// next takes the calls that have waited longest, at most max.
func (g *Group[Tx]) next() []*call[Tx] {
	n := min(len(g.wait), g.max)
	batch := g.wait[:n:n]
	g.wait = g.wait[n:]
	if len(g.wait) == 0 {
		g.wait = nil
	}
	return batch
}

// commit runs a batch in one transaction. When one of its calls fails, nothing of it was kept and each runs alone, so
// that only the one at fault fails. When the commit fails, all fail.
func (g *Group[Tx]) commit(batch []*call[Tx]) {
	refused := false
	err := g.transact(func(tx Tx) error {
		for _, c := range batch {
			if err := c.run(tx); err != nil {
				refused = true
				return err
			}
		}
		return nil
	})
	if refused && len(batch) > 1 {
		for _, c := range batch {
			g.commit([]*call[Tx]{c})
		}
		return
	}
	for _, c := range batch {
		c.err = err
		close(c.done)
	}
}
