package sheet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Stdio is the path that stands for standard input and standard output.
const Stdio = "-"

// Output is a file in the making. Until Commit it has another name beside its own, so that whatever happens in between, under its name there is the
// whole new file, or what was there before.
type Output struct {
	path   string // as given, for messages
	target string // with symbolic links resolved
	temp   string // the name until Commit; empty where output goes straight to its place
	mode   fs.FileMode
	file   *os.File
	done   bool
}

// CheckOutput tells whether CreateOutput would succeed, and leaves nothing behind: worth knowing before rows are paid for.
func CheckOutput(path, input string) error {
	output, err := CreateOutput(path, input)
	if err != nil {
		return err
	}
	return output.Discard()
}

// CreateOutput begins the file at path; "-" is standard output. It refuses a folder and the file that is being read, input (empty or "-": none).
// Devices and pipes are written directly: a rename would replace them. An existing file keeps its mode. Errors are of KindWrite.
func CreateOutput(path, input string) (*Output, error) {
	if path == Stdio {
		return &Output{path: "standard output", file: os.Stdout}, nil
	}
	o := &Output{path: path, target: path}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		o.target = resolved
	}
	known, err := os.Stat(o.target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.createTemp(0)
	case err != nil:
		return nil, o.failed("cannot be written", "", err)
	case known.IsDir():
		return nil, o.failed("this is a folder", "name a file in it", nil)
	case isFile(input, known):
		return nil, o.failed("this is the file that is read", "name another one: the input stays as it is", nil)
	}
	// Opening tells whether the file may be written; a rename alone would replace a write-protected one.
	file, err := os.OpenFile(o.target, os.O_WRONLY, 0)
	if err != nil {
		return nil, o.failed("cannot be written", "", err)
	}
	if !known.Mode().IsRegular() {
		o.file = file
		return o, nil
	}
	if err := file.Close(); err != nil {
		return nil, o.failed("cannot be written", "", err)
	}
	return o.createTemp(known.Mode().Perm())
}

func isFile(path string, known fs.FileInfo) bool {
	if path == "" || path == Stdio {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, known)
}

// createTemp opens a new file in the same folder, the only place from which a rename is sure to work. mode 0 leaves the mode to the umask.
func (o *Output) createTemp(mode fs.FileMode) (*Output, error) {
	o.mode = mode
	o.temp = filepath.Join(filepath.Dir(o.target), fmt.Sprintf(".%s.%s.tmp", filepath.Base(o.target), rand.Text()[:8]))
	file, err := os.OpenFile(o.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, o.failed("cannot be written", "the folder must exist and be writable", err)
	}
	o.file = file
	return o, nil
}

// Write writes to the file in the making.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	if err != nil {
		return n, o.failed("cannot be written", "", err)
	}
	return n, nil
}

// Commit puts the file in its place, on disk. Further calls do nothing.
func (o *Output) Commit() error {
	if o.done || o.file == os.Stdout {
		return nil
	}
	if err := o.settle(); err != nil {
		_ = o.Discard() // what went wrong first is what counts
		return o.failed("cannot be written", "", err)
	}
	o.done = true
	return nil
}

func (o *Output) settle() error {
	if o.temp == "" {
		return o.file.Close()
	}
	if o.mode != 0 {
		if err := o.file.Chmod(o.mode); err != nil {
			return err
		}
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil {
		return err
	}
	return os.Rename(o.temp, o.target)
}

// Discard gives the file up and leaves what was there before. After Commit it does nothing, so that it can be deferred.
func (o *Output) Discard() error {
	if o.done || o.file == os.Stdout {
		return nil
	}
	o.done = true
	closed := o.file.Close()
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	if o.temp == "" {
		return closed
	}
	return errors.Join(closed, os.Remove(o.temp))
}

// failed names the file once: the errors of package os name it too, and under its temporary name.
func (o *Output) failed(reason, hint string, err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	if inner := (*os.LinkError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return &Error{Kind: KindWrite, Name: o.path, Reason: reason, Hint: hint, Err: err}
}
