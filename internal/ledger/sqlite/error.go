package sqlite

import (
	"context"
	"errors"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"github.com/claygate/claygate/internal/ledger"
)

// wrap makes an error of this package a [*ledger.Error] of the right kind. A context's error stays what it is.
func wrap(op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e, ok := errors.AsType[*ledger.Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.IOERR_SHMSIZE), errors.Is(err, syscall.ENOSPC):
		return &ledger.Error{
			Kind: ledger.Full, Op: op, Message: "no space is left for the ledger",
			Hint: "free some space and run it again: what was accepted is safe", Err: err,
		}
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return &ledger.Error{
			Kind: ledger.Busy, Op: op, Message: "another program has the ledger's file open",
			Hint: "close it and run this again", Err: err,
		}
	case errors.Is(err, sqlite3.IOERR):
		return diskFailed(op, err)
	}
	return &ledger.Error{Kind: ledger.Internal, Op: op, Message: "the ledger failed", Err: err}
}

// diskFailed is the error of a disk that fails.
func diskFailed(op string, err error) *ledger.Error {
	return &ledger.Error{
		Kind: ledger.Unavailable, Op: op, Message: "the disk failed under the ledger, which takes nothing more",
		Hint: "check the disk, then start again: what was acknowledged before is safe", Err: err,
	}
}

// damaged makes an error of opening one of the right kind.
func damaged(path string, err error) error {
	if errors.Is(err, sqlite3.NOTADB) || errors.Is(err, sqlite3.CORRUPT) {
		return notLedger(path, err)
	}
	return wrap("open", err)
}

// fatal reports whether after this error nothing more may be acknowledged: a failed flush leaves the log's state
// unknown. A full disk is not fatal: the write was refused, not lost. Neither is an index of the log that cannot grow,
// which happens on a full disk only.
func fatal(err error) bool {
	return errors.Is(err, sqlite3.IOERR) && !errors.Is(err, sqlite3.IOERR_SHMSIZE) || errors.Is(err, sqlite3.CORRUPT)
}
