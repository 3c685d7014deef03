// Package sqlite keeps the ledger in one SQLite file.
//
// One goroutine writes, and commits whatever calls are waiting as one group; readers have connections of their own
// and never wait for it. The write-ahead log is flushed at every commit (synchronous=FULL), so what a method returned
// survives a power cut. A lock file beside the ledger keeps a second process out.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/claygate/claygate/internal/crash"
	"github.com/claygate/claygate/internal/ledger"
)

// groupSize bounds the calls that share a commit: large enough that the disk is not the limit, small enough that
// nobody waits long for strangers.
const groupSize = 512

// Options says which ledger to open and how.
type Options struct {
	// Path of the file. It is made, with mode 0600, when it does not exist; its folder must.
	Path string
	// Catalog is the configuration to work by.
	Catalog *ledger.Catalog
	// Hub is told of every change. Nil for a hub that nobody listens to.
	Hub *ledger.Hub
	// Now is the clock; nil for time.Now. What it shows is cut to whole microseconds, which is what the ledger keeps, so
	// that no fraction is counted twice.
	Now func() time.Time
	// Broken, when set, is told once when the disk failed, after which the ledger takes nothing more: end the process. It
	// must not block.
	Broken func(error)

	vfs string // the SQLite VFS; tests name one that fails
}

// Store is a [ledger.Store] in a SQLite file.
type Store struct {
	catalog atomic.Pointer[ledger.Catalog] // see [Store.Configure]
	hub     *ledger.Hub
	now     func() time.Time
	lock    *flock.Flock
	vfs     string
	write   *sql.DB // one connection, used by the group's goroutine alone
	read    *sql.DB
	// checkpoint is a connection that writes the log back into the file.
	checkpoint *sql.DB
	pruned     atomic.Bool // the log may hold what was pruned
	group      *ledger.Group[*tx]
	writer     *writer
	told       func(error) // see Options.Broken
	broken     atomic.Pointer[ledger.Error]
	closed     atomic.Bool
}

var _ ledger.Store = (*Store)(nil)

// errClosed is what a call after Close gets.
var errClosed = &ledger.Error{Kind: ledger.Unavailable, Op: "ledger", Message: "it is closed"}

// Close finishes the calls under way, closes the file and gives up its lock. It may be called twice.
func (s *Store) Close() error {
	s.group.Close(errClosed)
	if s.closed.Swap(true) {
		return nil
	}
	return s.release()
}

// release closes what Open opened, in reverse.
func (s *Store) release() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.checkpoint != nil {
		errs = append(errs, s.checkpoint.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// wrap makes an error of a reader a [*ledger.Error]. Once the store is closed it is the reason for every other.
func (s *Store) wrap(op string, err error) error {
	if err != nil && s.closed.Load() {
		return errClosed
	}
	return wrap(op, err)
}

// do runs a function in the writer's next transaction.
func (s *Store) do(ctx context.Context, op string, run func(*tx) error) error {
	if broken := s.broken.Load(); broken != nil {
		return broken
	}
	if crash.Early(op) {
		return wrap(op, s.early(ctx, run))
	}
	return wrap(op, s.group.Do(ctx, run))
}

// early is the mistake that the tests of crashes must find: it returns before the commit.
func (s *Store) early(ctx context.Context, run func(*tx) error) error {
	ran := make(chan error, 2)
	go func() {
		ran <- s.group.Do(ctx, func(t *tx) error {
			err := run(t)
			select {
			case ran <- err:
			default: // the transaction runs again
			}
			return err
		})
	}()
	return <-ran
}
