package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/claygate/claygate/internal/ledger"
)

// faults is a VFS that does what the system's does until it is told to fail.
type faults struct {
	vfs.VFSFilename
	fail atomic.Pointer[func(op, file string) error]
}

// newFaults registers a VFS under the test's name.
func newFaults(t *testing.T) *faults {
	f := &faults{VFSFilename: vfs.Find("").(vfs.VFSFilename)}
	vfs.Register(t.Name(), disk{f})
	t.Cleanup(func() { vfs.Unregister(t.Name()) })
	return f
}

// inject makes operations fail for which the function returns an error; nil for none.
func (f *faults) inject(fail func(op, file string) error) {
	if fail == nil {
		f.fail.Store(nil)
		return
	}
	f.fail.Store(&fail)
}

func (f *faults) check(op, file string) error {
	if fail := f.fail.Load(); fail != nil {
		return (*fail)(op, file)
	}
	return nil
}

func (f *faults) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := f.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &faultyFile{File: file, name: filepath.Base(name.String()), faults: f}, flags, nil
}

type faultyFile struct {
	vfs.File
	name   string
	faults *faults
}

func (f *faultyFile) SharedMemory() vfs.SharedMemory {
	if file, ok := f.File.(vfs.FileSharedMemory); ok {
		return file.SharedMemory()
	}
	return nil
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.faults.check("read", f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.faults.check("write", f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultyFile) Sync(flags vfs.SyncFlag) error {
	if err := f.faults.check("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.faults.check("truncate", f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// opened is a ledger under test with what it acknowledged.
type opened struct {
	*Store
	t       *testing.T
	options Options
	mu      sync.Mutex
	kept    []ledger.RecordID
	padding string
}

func openFaulty(t *testing.T, o Options) *opened {
	t.Helper()
	o.Catalog = ledger.NewCatalog([]ledger.Target{{Name: "people", Lane: "main/webhook"}}, nil)
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	opened := &opened{Store: s, t: t, options: o, padding: strings.Repeat("x", 8000)}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// A failed flush of the file itself, not of its log, was kept quiet: SQLite drops the errors of its own checkpoints.
func TestBrokenDiskUnderTheFile(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		t.Run(op, func(t *testing.T) {
			f := newFaults(t)
			told := make(chan error, 2)
			o := openFaulty(t, Options{
				Path: filepath.Join(t.TempDir(), "ledger.db"), vfs: t.Name(), Broken: func(err error) { told <- err },
			})
			f.inject(func(did, file string) error {
				if did == op && strings.HasSuffix(file, ".db") {
					return &os.PathError{Op: op, Path: file, Err: syscall.EIO}
				}
				return nil
			})
			var err error
			for n := 0; err == nil && n < 5000; n++ {
				err = o.submit()
			}
			wantError(t, ledger.Unavailable, err)
			f.inject(nil)
			wantError(t, ledger.Unavailable, o.submit())
			if len(told) != 1 {
				t.Fatalf("it was told %d times", len(told))
			}
			wantError(t, ledger.Unavailable, <-told)
			o.verify()
		})
	}
}

// submit hands in one large record and remembers it when it was acknowledged.
func (o *opened) submit() error {
	s := ledger.Submission{
		ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Await: true, Fields: []byte(`{"padding":"` + o.padding + `"}`),
	}
	_, err := o.Accept(context.Background(), []ledger.Submission{s})
	if err == nil {
		o.mu.Lock()
		o.kept = append(o.kept, s.ID)
		o.mu.Unlock()
	}
	return err
}

// verify opens the ledger anew and checks that it has what was acknowledged, and nothing that was refused.
func (o *opened) verify() {
	o.t.Helper()
	if err := o.Close(); err != nil {
		o.t.Log("closing:", err) // a broken disk may say so
	}
	s, err := Open(context.Background(), o.options)
	if err != nil {
		o.t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Records(context.Background(), o.kept)
	if err != nil || len(got) != len(o.kept) {
		o.t.Errorf("%d of %d acknowledged records are there, error %v", len(got), len(o.kept), err)
	}
	var check string
	if err := s.read.QueryRow(`PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		o.t.Errorf("the file is damaged: %s, error %v", check, err)
	}
}

func wantError(t *testing.T, want ledger.Kind, err error) {
	t.Helper()
	if err == nil || ledger.KindOf(err) != want {
		t.Errorf("error %v, want one of kind %s", err, want)
	}
}

// A disk that fills up refuses what it cannot keep, loses nothing that was acknowledged, and goes on when there is
// space again.
func TestFullDisk(t *testing.T) {
	t.Run("write refused", func(t *testing.T) {
		f := newFaults(t)
		o := openFaulty(t, Options{Path: filepath.Join(t.TempDir(), "ledger.db"), vfs: t.Name()})
		checkFull(o, func() {
			f.inject(func(op, _ string) error {
				if op == "write" {
					return &os.PathError{Op: "write", Path: "ledger", Err: syscall.ENOSPC}
				}
				return nil
			})
		}, func() { f.inject(nil) })
	})
	if os.Getuid() != 0 {
		return // a small disk takes mount(2); the fault above is the same error from the same call
	}
	t.Run("small disk", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
			t.Fatalf("root cannot mount a small disk: %v", err)
		}
		var o *opened
		t.Cleanup(func() {
			_ = o.Close()
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		o = openFaulty(t, Options{Path: filepath.Join(dir, "ledger.db")})
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		checkFull(o, func() {}, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func checkFull(o *opened, fill, free func()) {
	o.t.Helper()
	for range 10 {
		if err := o.submit(); err != nil {
			o.t.Fatal(err)
		}
	}
	fill()
	var err error
	for n := 0; err == nil && n < 5000; n++ {
		err = o.submit()
	}
	wantError(o.t, ledger.Full, err)
	for range 3 {
		wantError(o.t, ledger.Full, o.submit())
	}
	if _, err := o.Records(context.Background(), o.kept[:1]); err != nil {
		o.t.Errorf("a full disk cannot be read: %v", err)
	}
	free()
	for range 10 {
		if err := o.submit(); err != nil {
			o.t.Fatalf("there is space again: %v", err)
		}
	}
	o.verify()
}

// After a failed write or flush nobody knows what is on the disk: nothing is acknowledged any more, whatever the disk
// says next.
func TestBrokenDisk(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		t.Run(op, func(t *testing.T) {
			f := newFaults(t)
			o := openFaulty(t, Options{Path: filepath.Join(t.TempDir(), "ledger.db"), vfs: t.Name()})
			for range 10 {
				if err := o.submit(); err != nil {
					t.Fatal(err)
				}
			}
			var once sync.Once
			f.inject(func(did, file string) (err error) {
				if did == op && strings.HasSuffix(file, "-wal") {
					once.Do(func() { err = &os.PathError{Op: op, Path: file, Err: syscall.EIO} }) // once: the disk seems to be well again
				}
				return err
			})
			var wg sync.WaitGroup
			for range 30 { // some share the transaction that breaks, others wait for the next
				wg.Go(func() { wantError(t, ledger.Unavailable, o.submit()) })
			}
			wg.Wait()
			wantError(t, ledger.Unavailable, o.submit())
			_, err := o.Apply(context.Background(), []ledger.Entry{{Record: o.kept[0], Event: ledger.Tick{}}})
			wantError(t, ledger.Unavailable, err)
			if got, err := o.Records(context.Background(), o.kept); err != nil || len(got) != len(o.kept) {
				t.Errorf("what was kept cannot be read: %d records, error %v", len(got), err)
			}
			f.inject(nil)
			o.verify()
		})
	}
}

// A disk that cannot be read any more made a 500 of it: a defect inside, in the caller's eyes.
func TestUnreadableDisk(t *testing.T) {
	f := newFaults(t)
	o := openFaulty(t, Options{Path: filepath.Join(t.TempDir(), "ledger.db"), vfs: t.Name()})
	for range 400 { // more than a reader keeps in memory
		if err := o.submit(); err != nil {
			t.Fatal(err)
		}
	}
	f.inject(func(op, _ string) error {
		if op == "read" {
			return &os.PathError{Op: op, Path: "ledger", Err: syscall.EIO}
		}
		return nil
	})
	_, err := o.Records(context.Background(), o.kept)
	wantError(t, ledger.Unavailable, err)
}

func TestFatalErrors(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"flush":               {sqlite3.IOERR_FSYNC, true},
		"write":               {sqlite3.IOERR_WRITE, true},
		"damaged":             {sqlite3.CORRUPT, true},
		"full":                {sqlite3.FULL, false},
		"full, for the index": {sqlite3.IOERR_SHMSIZE, false},
		"busy":                {sqlite3.BUSY, false},
		"refused":             {&ledger.Error{Kind: ledger.NotFound}, false},
	} {
		if got := fatal(c.err); got != c.want {
			t.Errorf("%s: fatal %t, want %t", name, got, c.want)
		}
	}
}
