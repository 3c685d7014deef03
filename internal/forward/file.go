package forward

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// File is a destination that is a file of JSON lines, one for each event.
type File struct {
	Settings
	// Path of the file.
	Path string
	// MaxBytes is how large it grows before it is put aside, under its name and the time. Default [DefaultMaxBytes].
	MaxBytes int64
	// Keep is how many files that were put aside are kept. 0 keeps all.
	Keep int
}

// DefaultMaxBytes is how large a file grows.
const DefaultMaxBytes = 100 << 20

// fileBatch is how many lines are written, and flushed to the disk, together.
const fileBatch = 256

// lines is the driver of files.
type lines struct {
	File
	mu   sync.Mutex
	file *os.File // nil until something is written
	size int64
}

// NewFile returns a destination. The error says what is wrong with the path.
func NewFile(f File) (*Destination, error) {
	if info, err := os.Stat(filepath.Dir(f.Path)); err != nil || !info.IsDir() {
		return nil, wrong(f.Name, fmt.Errorf("there is no folder %s for its file", filepath.Dir(f.Path)))
	}
	f.MaxBytes, f.Concurrency = cmp.Or(f.MaxBytes, DefaultMaxBytes), 1
	return newDestination(f.Settings, &lines{File: f}, fileBatch), nil
}

// deliver implements driver: what it calls delivered is on the disk.
func (l *lines) deliver(_ context.Context, batch []message) []ledger.DeliveryAnswer {
	answer := ledger.DeliveryAnswer{Outcome: ledger.Delivered}
	var text bytes.Buffer
	for _, m := range batch {
		text.Write(m.body)
		text.WriteByte('\n')
	}
	if err := l.write(text.Bytes()); err != nil {
		answer = ledger.DeliveryAnswer{Outcome: ledger.Unreachable, Reason: "the file cannot be written: " + reasonOf(err)}
	}
	return slices.Repeat([]ledger.DeliveryAnswer{answer}, len(batch))
}

// reasonOf leaves out the path, which the reader knows.
func reasonOf(err error) string {
	if at, ok := errors.AsType[*os.PathError](err); ok {
		return at.Err.Error()
	}
	return err.Error()
}

func (l *lines) write(text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.size+int64(len(text)) > l.MaxBytes && l.size > 0 {
		if err := l.putAside(); err != nil {
			return err
		}
	}
	if err := l.open(); err != nil {
		return err
	}
	n, err := l.file.Write(text)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil { // what is there of these lines goes, so that none is torn
		err = errors.Join(err, l.file.Truncate(l.size))
		l.shut()
		return err
	}
	l.size += int64(n)
	return nil
}

// open opens the file. A line that a crash tore was never delivered, and comes again: it is cut off.
func (l *lines) open() error {
	if l.file != nil {
		return nil
	}
	f, err := os.OpenFile(l.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := whole(f)
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, size
	return nil
}

// whole returns how much of a file is whole lines.
func whole(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	block := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		start := max(end-int64(len(block)), 0)
		n, err := f.ReadAt(block[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// putAside renames the file and removes the oldest of those that were put aside before.
func (l *lines) putAside() error {
	l.shut()
	if err := os.Rename(l.Path, l.Path+"."+time.Now().UTC().Format("20060102T150405.000000000")); err != nil {
		return err
	}
	aside, err := filepath.Glob(l.Path + ".2*T*.*") // in the order of their times
	if err != nil || l.Keep <= 0 {
		return nil
	}
	for len(aside) > l.Keep {
		if err := os.Remove(aside[0]); err != nil {
			return err
		}
		aside = aside[1:]
	}
	return nil
}

func (l *lines) shut() {
	if l.file != nil {
		_ = l.file.Close() // every line was flushed
		l.file = nil
	}
}

// close implements driver.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut()
}
