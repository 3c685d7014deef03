package cli

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/claygate/claygate/internal/sheet"
)

// input is where the rows come from. It is read twice: once to send them, once to write them out with their results.
type input struct {
	name   string   // for people, and by default the job's name
	file   *os.File // nil for a row from the arguments
	row    string   // one JSON object, from the arguments
	stdin  bool     // file is a copy of it
	named  bool     // the copy has to be removed
	format sheet.Format
	coding string
}

// openInput opens a file, stdin ("-") or takes one row from arguments of the form field=value.
func openInput(s Streams, args []string, coding string) (*input, error) {
	if len(args) == 0 {
		return nil, &usageError{message: "no input: name a file, - for stdin, or field=value", hint: "e.g. claygate enrich leads.csv -o enriched.csv"}
	}
	if row, ok := rowFromArgs(args); ok {
		return rowInput(row), nil
	}
	if len(args) > 1 {
		return nil, &usageError{message: "one input at a time, got " + strings.Join(args, " and "), hint: "a single row is written field=value field=value …"}
	}
	if args[0] == "-" {
		return spoolStdin(s, coding)
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return nil, errors.Join(&usageError{message: args[0] + " is a folder", hint: "name a CSV, TSV or JSONL file"}, f.Close())
	}
	if abs, err := filepath.Abs(args[0]); err == nil {
		return &input{name: abs, file: f, coding: coding, format: sheet.FormatOf(abs)}, nil
	}
	return &input{name: args[0], file: f, coding: coding}, nil
}

// rowInput is the input of one row. Each is a load of its own, and its name holds nobody's address.
func rowInput(row string) *input {
	sum := sha256.Sum256([]byte(row))
	return &input{name: fmt.Sprintf("arguments %x", sum[:8]), row: row, format: sheet.JSONL}
}

// rowFromArgs reads field=value arguments as one row. A single argument that names a file is the file.
func rowFromArgs(args []string) (string, bool) {
	fields := map[string]string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" || strings.ContainsAny(name, `/\`) {
			return "", false
		}
		fields[name] = value
	}
	if len(args) == 1 {
		if _, err := os.Stat(args[0]); err == nil {
			return "", false
		}
	}
	row, err := json.Marshal(fields)
	return string(row), err == nil
}

// spoolStdin copies stdin to a temporary file, because it can be read only once. The file has no name where a system
// allows that, so that nothing is left of it even after a kill.
func spoolStdin(s Streams, coding string) (*input, error) {
	f, err := os.CreateTemp("", "claygate-stdin-*")
	if err != nil {
		return nil, err
	}
	in := &input{name: "-", file: f, stdin: true, named: os.Remove(f.Name()) != nil, coding: coding}
	if _, err := io.Copy(f, s.In); err != nil {
		return nil, errors.Join(&usageError{message: "stdin: " + cause(err), hint: "is there room in " + os.TempDir() + "?"}, in.close())
	}
	return in, nil
}

// cause is what the system said, without the file that it was about.
func cause(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// read returns a reader of the rows from the beginning.
func (in *input) read() (*sheet.Reader, error) {
	if in.file == nil {
		return sheet.NewReader(strings.NewReader(in.row), sheet.Options{Format: sheet.JSONL})
	}
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return nil, &usageError{message: in.name + " can be read only once", hint: "pipe it in: … | claygate enrich -"}
	}
	name := in.name
	if in.stdin {
		name = ""
	}
	reader, err := sheet.NewReader(in.file, sheet.Options{Name: name, Encoding: in.coding})
	if e, ok := errors.AsType[*sheet.Error](err); ok && in.stdin {
		e.Name = in.short()
	}
	return reader, err
}

func (in *input) close() error {
	if in.file == nil {
		return nil
	}
	err := in.file.Close()
	if in.named {
		err = errors.Join(err, os.Remove(in.file.Name()))
	}
	return err
}

// short is the input's name as people gave it.
func (in *input) short() string {
	switch {
	case in.stdin:
		return "stdin"
	case in.file != nil:
		return filepath.Base(in.name)
	}
	return "one row"
}

// path is the file's, "" when it is none that an output could overwrite.
func (in *input) path() string {
	if in.file == nil || in.stdin {
		return ""
	}
	return in.name
}
