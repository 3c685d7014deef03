package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/claygate/claygate/internal/ledger"
)

// applicationID marks a SQLite file as a ledger, in its header: "clgt".
const applicationID = 0x636c6774

// mark writes it into a new file, before anything else: what is not a ledger is recognised without being touched.
var mark = fmt.Sprintf("PRAGMA application_id=%d", applicationID)

// locate returns the one path of a ledger's file, whatever links lead to it, so that it has one lock.
func locate(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", unusable(path, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path)) // the file is still to be made
	if err != nil {
		return "", unusable(path, err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// own takes the lock and makes the file, readable by its owner only: it holds people's data. Fresh is true when there is
// nothing in it yet.
func (s *Store) own(path string) (fresh bool, err error) {
	got, err := s.lock.TryLock()
	switch {
	case err != nil:
		return false, unusable(path, err)
	case !got:
		return false, &ledger.Error{
			Kind: ledger.Busy, Op: "open", Message: fmt.Sprintf("the ledger %s is in use by another process", path),
			Hint: "wait until it has ended, or name another ledger with --ledger",
		}
	}
	if err := touch(path); err != nil {
		return false, unusable(path, err)
	}
	if err := recognise(path); err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, unusable(path, err)
	}
	return info.Size() == 0, nil
}

// hide makes the files that SQLite made readable by their owner only. They are made anew at each opening, and nothing
// but the schema is in them yet.
func hide(path string) error {
	if err := errors.Join(os.Chmod(path+"-wal", 0o600), os.Chmod(path+"-shm", 0o600)); err != nil {
		return unusable(path, err)
	}
	return nil
}

// touch makes a file that does not exist.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// recognise refuses a file that is neither new nor a ledger, by its header (https://sqlite.org/fileformat.html).
func recognise(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return unusable(path, err)
	}
	defer f.Close()
	header := make([]byte, 100)
	switch n, err := io.ReadFull(f, header); {
	case err == io.EOF:
		return nil // new
	case err != nil && n == 0:
		return unusable(path, err)
	case string(header[:16]) != "SQLite format 3\x00", binary.BigEndian.Uint32(header[68:]) != applicationID:
		return notLedger(path, nil)
	}
	return nil
}

// notLedger is the error for a file that holds something else, or what cannot be read any more.
func notLedger(path string, err error) error {
	return &ledger.Error{
		Kind: ledger.Invalid, Op: "open", Message: fmt.Sprintf("%s is not a ledger, or is damaged", path),
		Hint: "name another one with --ledger", Err: err,
	}
}

// unusable is the error for a path that cannot be used.
func unusable(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return wrap("open", err)
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return &ledger.Error{
			Kind: ledger.Invalid, Op: "open", Message: path + " is a folder, and a ledger is a file",
			Hint: "name the file: --ledger " + filepath.Join(path, "ledger.db"),
		}
	}
	return &ledger.Error{
		Kind: ledger.Invalid, Op: "open", Message: fmt.Sprintf("the ledger %s cannot be opened", path),
		Hint: "its folder must exist, and you must be allowed to write to it", Err: err,
	}
}
