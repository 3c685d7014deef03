package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/claygate/claygate/internal/ledger"
)

// Backup writes a consistent copy of a ledger to a new file, readable by its owner only. Another process may be
// working on the ledger: the copy is of one moment between two of its commits.
func Backup(ctx context.Context, path, copyPath string) error {
	path, err := locate(path)
	if err != nil {
		return err
	}
	if err := absent(copyPath, "name another file: a backup never overwrites one"); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return unusable(path, err)
	}
	if err := recognise(path); err != nil {
		return err
	}
	db, err := connect(source(path, ""), 1)
	if err != nil {
		return damaged(path, err)
	}
	return errors.Join(keepCopy(ctx, db, copyPath), wrap("backup", db.Close()))
}

// Restore makes a ledger of a backup. It is stopped, with the reason that people read: what the backup shows as
// unfinished may have been sent since it was made, so a person decides when sending begins again.
func Restore(ctx context.Context, copyPath, path, reason string) error {
	if err := absent(path, "a restore never overwrites a ledger: move it away, or name another one with --ledger"); err != nil {
		return err
	}
	if err := recognise(copyPath); err != nil {
		return err
	}
	partial := path + ".partial"
	if err := errors.Join(os.RemoveAll(partial), touch(partial), copyFile(copyPath, partial)); err != nil {
		return unusable(path, err)
	}
	if err := os.Rename(partial, path); err != nil {
		return unusable(path, err)
	}
	s, err := Open(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	return errors.Join(s.Stop(ctx, ledger.Everything, reason), s.Close())
}

func absent(path, hint string) error {
	if _, err := os.Stat(path); err == nil {
		return &ledger.Error{Kind: ledger.Invalid, Op: "open", Message: fmt.Sprintf("there is a file %s already", path), Hint: hint}
	}
	return nil
}

// copyFile copies a file's content, to the disk.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
