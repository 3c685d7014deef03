package sqlite

import (
	"errors"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/claygate/claygate/internal/crash"
)

// diskVFS is the name of the VFS that ledgers are opened with: the system's, but a full disk is said to be full. The
// system's own calls it an I/O error, after which a ledger takes nothing more, and has forgotten the reason by the time
// that the error is seen.
const diskVFS = "claygate"

func init() { vfs.Register(diskVFS, disk{vfs.Find("").(vfs.VFSFilename)}) }

type disk struct{ vfs.VFSFilename }

// OpenFilename implements vfs.VFSFilename.
func (d disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, full(err)
	}
	return &diskFile{file, flags}, flags, nil
}

// diskFile passes on what SQLite uses of the system's files: no memory map, because none is asked for.
type diskFile struct {
	vfs.File
	flags vfs.OpenFlag
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	f.pass(crash.LogWrite, crash.Checkpoint)
	n, err := f.File.WriteAt(p, off)
	return n, full(err)
}

func (f *diskFile) Truncate(size int64) error { return full(f.File.Truncate(size)) }

func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	f.pass(crash.LogSync, crash.CheckpointEnd)
	if crash.Unflushed() {
		return nil
	}
	return full(f.File.Sync(flags))
}

// pass passes one point in the write-ahead log, another in the ledger's file.
func (f *diskFile) pass(log, file string) {
	switch {
	case f.flags&vfs.OPEN_WAL != 0:
		crash.Point(log)
	case f.flags&vfs.OPEN_MAIN_DB != 0:
		crash.Point(file)
	}
}

// SizeHint implements vfs.FileSizeHint.
func (f *diskFile) SizeHint(size int64) error {
	if file, ok := f.File.(vfs.FileSizeHint); ok {
		return full(file.SizeHint(size))
	}
	return nil
}

// SharedMemory implements vfs.FileSharedMemory: the log's index.
func (f *diskFile) SharedMemory() vfs.SharedMemory {
	if file, ok := f.File.(vfs.FileSharedMemory); ok {
		return file.SharedMemory()
	}
	return nil
}

// full makes the error of a full disk, or of a used-up quota, the one that says so.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}
