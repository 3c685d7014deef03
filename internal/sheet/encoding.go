package sheet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// encoding is a character encoding: how to find it, and how to make UTF-8 of it.
type encoding struct {
	name    string
	mark    []byte                // the byte order mark that announces it
	decoder transform.Transformer // nil for UTF-8
}

var (
	utf8Text    = encoding{name: "utf-8", mark: []byte{0xEF, 0xBB, 0xBF}}
	utf16Little = encoding{name: "utf-16le", mark: []byte{0xFF, 0xFE}, decoder: utf16Decoder{order: binary.LittleEndian}}
	utf16Big    = encoding{name: "utf-16be", mark: []byte{0xFE, 0xFF}, decoder: utf16Decoder{order: binary.BigEndian}}
)

// sampleSize is how much of a file is looked at to tell its encoding.
const sampleSize = 512

// decode gives the text of r as UTF-8 without a byte order mark. What cannot be decoded becomes invalid UTF-8, so that it is noticed
// where the text is used. name is an encoding, or empty or "auto" for: UTF-16 where a mark or the zero bytes say so, else UTF-8.
func decode(sample []byte, r io.Reader, name string) (io.Reader, encoding, error) {
	enc, err := chooseEncoding(sample, name)
	if err != nil {
		return nil, enc, err
	}
	if bytes.HasPrefix(sample, enc.mark) {
		if _, err := io.CopyN(io.Discard, r, int64(len(enc.mark))); err != nil {
			return nil, enc, err
		}
	}
	if enc.decoder == nil {
		return r, enc, nil
	}
	return transform.NewReader(r, enc.decoder), enc, nil
}

// chooseEncoding finds the encoding that name asks for; the sample decides what name leaves open.
func chooseEncoding(sample []byte, name string) (encoding, error) {
	switch folded := strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(name)); folded {
	case "", "auto":
		return sniffEncoding(sample)
	case "utf8", "utf-8":
		return utf8Text, nil
	case "utf16le", "utf-16le":
		return utf16Little, nil
	case "utf16be", "utf-16be":
		return utf16Big, nil
	case "utf16", "utf-16":
		if enc, err := sniffEncoding(sample); err == nil && enc.decoder != nil {
			return enc, nil
		}
		return utf16Little, nil // what Windows writes
	default:
		return singleByte(folded)
	}
}

// singleByte finds an encoding with one byte a character, such as windows-1252. Latin-1 is read as its superset Windows-1252, as browsers do.
func singleByte(name string) (encoding, error) {
	switch {
	case strings.HasPrefix(name, "cp125"):
		name = "windows-" + name[len("cp"):]
	case name == "latin1" || name == "latin-1" || name == "iso-8859-1":
		name = "windows-1252"
	}
	for _, known := range charmap.All {
		table, ok := known.(*charmap.Charmap)
		if ok && strings.ReplaceAll(strings.ToLower(table.String()), " ", "-") == name {
			return encoding{name: name, mark: utf8Text.mark, decoder: charmapDecoder{table: table}}, nil
		}
	}
	return encoding{}, &Error{Kind: KindEncoding, Reason: fmt.Sprintf("unknown encoding %q", name),
		Hint: "use utf-8, utf-16, windows-1252, windows-1250, iso-8859-2 or another of these families"}
}

// sniffEncoding tells UTF-16 and UTF-8 apart and refuses what is no text at all.
func sniffEncoding(sample []byte) (encoding, error) {
	for _, enc := range []encoding{utf8Text, utf16Little, utf16Big} {
		if bytes.HasPrefix(sample, enc.mark) {
			return enc, nil
		}
	}
	for _, kind := range []struct{ magic, what, hint string }{
		{"PK\x03\x04", "a ZIP archive or an Excel workbook", "export the sheet as CSV (UTF-8)"},
		{"\xD0\xCF\x11\xE0", "an old Excel workbook", "export the sheet as CSV (UTF-8)"},
		{"\x1F\x8B", "compressed with gzip", "unpack it first: gunzip -c FILE | claygate enrich - …"},
		{"%PDF-", "a PDF document", "export the table as CSV (UTF-8)"},
	} {
		if bytes.HasPrefix(sample, []byte(kind.magic)) {
			return encoding{}, &Error{Kind: KindFormat, Reason: "this is " + kind.what + ", not a text file", Hint: kind.hint}
		}
	}
	return sniffZeros(sample)
}

// sniffZeros knows UTF-16 without a mark by its zero bytes: delimiters, digits and Latin letters have one each, always on the same
// side. UTF-8 text has none.
func sniffZeros(sample []byte) (encoding, error) {
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(sample) / 4 // half of the 16-bit units
	switch {
	case zeros[0]+zeros[1] == 0:
		return utf8Text, nil
	case zeros[1] > half && zeros[0] == 0:
		return utf16Little, nil
	case zeros[0] > half && zeros[1] == 0:
		return utf16Big, nil
	}
	return encoding{}, &Error{Kind: KindFormat, Reason: "this is not a text file: it has zero bytes",
		Hint: "if it is UTF-16 text, say so with --encoding utf-16le or utf-16be"}
}
