package app

import (
	"context"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// Backup writes a consistent copy of a ledger to a new file, also while a process works on it.
func Backup(ctx context.Context, path, copyPath string) error {
	return sqlite.Backup(ctx, path, copyPath)
}

// Restored is why a restored ledger sends nothing until it is released.
const Restored = "restored from a backup: what it shows as unfinished may have been sent since"

// Restore makes a ledger of a backup and returns how many of its records are unfinished. All of them are held until
// [Release].
func Restore(ctx context.Context, copyPath, path string) (unfinished int, err error) {
	if err := sqlite.Restore(ctx, copyPath, path, Restored); err != nil {
		return 0, err
	}
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return count(ctx, s)
}

// Release lets a ledger send again that was restored or stopped, and returns how many records wait in it.
func Release(ctx context.Context, path string) (unfinished int, err error) {
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := s.Start(ctx, ledger.Everything); err != nil {
		return 0, err
	}
	return count(ctx, s)
}

// count counts the records that are not finished, page by page.
func count(ctx context.Context, s ledger.Lister) (n int, err error) {
	q := ledger.Query{States: []ledger.State{ledger.Queued, ledger.Sending, ledger.Sent, ledger.Uncertain, ledger.Joined}, Max: 1000}
	for {
		page, err := s.List(ctx, q)
		if err != nil || len(page) == 0 {
			return n, err
		}
		n += len(page)
		q.Before = page[len(page)-1].ID
	}
}
