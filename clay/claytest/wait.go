package claytest

import (
	"context"
	"fmt"
	"slices"
)

// waiter is somebody waiting for the counters to reach a state.
type waiter struct {
	until func(Stats) bool
	done  chan struct{}
}

// wake lets those go whose condition holds. The caller holds mu.
func (b *book) wake() {
	b.waiters = slices.DeleteFunc(b.waiters, func(w *waiter) bool {
		if !w.until(b.stats) {
			return false
		}
		close(w.done)
		return true
	})
}

// wait returns when the condition holds or the context ends.
func (b *book) wait(ctx context.Context, what string, until func(Stats) bool) error {
	w := &waiter{until: until, done: make(chan struct{})}
	b.mu.Lock()
	b.waiters = append(b.waiters, w)
	b.wake()
	b.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiters = slices.DeleteFunc(b.waiters, func(other *waiter) bool { return other == w })
	s := b.stats
	return fmt.Errorf("claytest: waiting for %s, have %d rows, %d requests, %d callbacks, %d rows waiting: %w",
		what, s.Rows, s.Requests, s.Callbacks, s.Waiting, context.Cause(ctx))
}

// WaitRows returns when n rows have been accepted in all. It fails when the
// context ends first, saying how far things had come.
func (s *Server) WaitRows(ctx context.Context, n int) error {
	return s.book.wait(ctx, fmt.Sprintf("%d rows", n), func(st Stats) bool { return st.Rows >= n })
}

// WaitRequests returns when n requests have arrived in all, whatever was
// answered.
func (s *Server) WaitRequests(ctx context.Context, n int) error {
	return s.book.wait(ctx, fmt.Sprintf("%d requests", n), func(st Stats) bool { return st.Requests >= n })
}

// WaitCallbacks returns when n callback attempts have ended in all, whatever
// was answered to them.
func (s *Server) WaitCallbacks(ctx context.Context, n int) error {
	return s.book.wait(ctx, fmt.Sprintf("%d callbacks", n), func(st Stats) bool { return st.Callbacks >= n })
}

// WaitIdle returns when no row waits for its callback: each has been sent,
// skipped or given up.
func (s *Server) WaitIdle(ctx context.Context) error {
	return s.book.wait(ctx, "no row to wait", func(st Stats) bool { return st.Waiting == 0 })
}
