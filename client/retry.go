package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	firstDelay = 250 * time.Millisecond
	mostDelay  = 10 * time.Second
)

// delay returns how long to wait before the next try: at random, so that many clients do not come at once, and no less
// than the gateway asked for.
func delay(err error, try int) time.Duration {
	most := min(mostDelay, firstDelay<<min(try, 10))
	d := time.Duration(rand.Int64N(int64(most)))
	if e, ok := errors.AsType[*Error](err); ok {
		d += e.RetryAfter
	}
	return d
}

// rest waits, unless the context ends before.
func rest(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded // it would come to nothing
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
