//go:build !faultpoints

package crash

import "context"

// Point is passed.
func Point(string) {}

// Trace returns the context.
func Trace(ctx context.Context) context.Context { return ctx }

// Early reports whether an operation of the ledger is to be acknowledged before its commit: never.
func Early(string) bool { return false }

// Unflushed reports whether the ledger is to leave out its flushes: never.
func Unflushed() bool { return false }
