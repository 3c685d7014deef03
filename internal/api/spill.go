package api

import (
	"bytes"
	"io"
	"os"
)

// spillAt is how many bytes of answers are held in memory; the rest waits in a file.
const spillAt = 1 << 20

// spill holds answers until they can be written: in memory while they are few, else in a temporary file. There is
// nothing of a record in them but its ID and state.
type spill struct {
	memory bytes.Buffer
	file   *os.File
}

// Write implements io.Writer.
func (s *spill) Write(p []byte) (int, error) {
	if s.memory.Len()+len(p) > spillAt {
		if err := s.pour(); err != nil {
			return 0, err
		}
	}
	return s.memory.Write(p)
}

// pour empties the memory into the file.
func (s *spill) pour() error {
	if s.file == nil {
		f, err := os.CreateTemp("", "claygate-answers-*")
		if err != nil {
			return err
		}
		_ = os.Remove(f.Name()) // where an open file can be removed nothing is left behind, whatever happens
		s.file = f
	}
	_, err := s.memory.WriteTo(s.file)
	return err
}

// copyTo writes everything.
func (s *spill) copyTo(w io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(w, struct{ io.Reader }{s.file}); err != nil {
			return err
		}
	}
	_, err := s.memory.WriteTo(w)
	return err
}

func (s *spill) close() {
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // where it could not be removed before
	}
}
