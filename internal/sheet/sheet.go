// Package sheet reads and writes tables of rows: CSV, TSV and JSONL, the input and the output of `claygate enrich`.
//
// A Reader is a stream: it holds one row at a time, whatever the length of the file. Nothing is repaired in silence: a row that
// can be read in two ways is reported with its line, and reading goes on with the next one.
package sheet

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is the form of a table. The zero value means: find out from the file's name, else from its first bytes.
type Format string

// The formats. CSV stands for any of the delimiters comma, semicolon, tab and pipe; TSV for the tab alone; JSONL for one JSON object
// a line.
const (
	Auto  Format = ""
	CSV   Format = "csv"
	TSV   Format = "tsv"
	JSONL Format = "jsonl"
)

// ParseFormat reads a format as people write it: auto, csv, tsv, jsonl, ndjson.
func ParseFormat(name string) (Format, error) {
	switch strings.ToLower(name) {
	case "", "auto":
		return Auto, nil
	case "csv":
		return CSV, nil
	case "tsv", "tab":
		return TSV, nil
	case "jsonl", "ndjson":
		return JSONL, nil
	}
	return Auto, &Error{Kind: KindFormat, Reason: fmt.Sprintf("unknown format %q", name), Hint: "use csv, tsv or jsonl"}
}

// FormatOf tells the format of a file from its name; Auto when the name does not say.
func FormatOf(name string) Format {
	extension := strings.TrimPrefix(filepath.Ext(name), ".")
	format, err := ParseFormat(extension)
	if err != nil {
		return Auto
	}
	return format
}
