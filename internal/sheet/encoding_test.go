package sheet

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// utf16Bytes writes text as UTF-16 in the given byte order.
func utf16Bytes(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestEncodings(t *testing.T) {
	const text = "name,city\r\nZażółć,Łódź\r\nJosé 😀,\"a\r\nb\"\r\n"
	want := []string{`2/1: {"name":"Zażółć","city":"Łódź"}`, `3/2: {"name":"José 😀","city":"a\r\nb"}`}
	western := []string{`2/1: {"name":"Müller – Größe","city":"Nîmes"}`}
	tests := map[string]struct {
		input, encoding, found string
		want                   []string
	}{
		"UTF-8":                       {text, "", "utf-8", want},
		"UTF-8 with mark":             {"\uFEFF" + text, "auto", "utf-8", want},
		"UTF-8 named":                 {"\uFEFF" + text, "UTF8", "utf-8", want},
		"UTF-16LE with mark":          {utf16Bytes("\uFEFF"+text, binary.LittleEndian), "", "utf-16le", want},
		"UTF-16BE with mark":          {utf16Bytes("\uFEFF"+text, binary.BigEndian), "", "utf-16be", want},
		"UTF-16LE by its zeros":       {utf16Bytes(text, binary.LittleEndian), "", "utf-16le", want},
		"UTF-16BE by its zeros":       {utf16Bytes(text, binary.BigEndian), "", "utf-16be", want},
		"UTF-16 named, BE with mark":  {utf16Bytes("\uFEFF"+text, binary.BigEndian), "utf-16", "utf-16be", want},
		"UTF-16LE named with a mark":  {utf16Bytes("\uFEFF"+text, binary.LittleEndian), "utf_16le", "utf-16le", want},
		"UTF-16BE named":              {utf16Bytes(text, binary.BigEndian), "UTF-16BE", "utf-16be", want},
		"Windows-1252":                {"name,city\nM\xfcller \x96 Gr\xf6\xdfe,N\xeemes\n", "Windows-1252", "windows-1252", western},
		"cp1252":                      {"name,city\nM\xfcller \x96 Gr\xf6\xdfe,N\xeemes\n", "cp1252", "windows-1252", western},
		"Latin-1 is Windows-1252":     {"name,city\nM\xfcller \x96 Gr\xf6\xdfe,N\xeemes\n", "latin1", "windows-1252", western},
		"Windows-1250":                {"name,city\nZa\xbf\xf3\xb3\xe6,\xa3\xf3d\x9f\n", "windows-1250", "windows-1250", want[:1]},
		"U+FFFD in earnest is text":   {"name,city\na\uFFFD,b\n", "", "utf-8", []string{`2/1: {"name":"a` + "\uFFFD" + `","city":"b"}`}},
		"U+FFFD in UTF-16 is text":    {utf16Bytes("\uFEFFname,city\na\uFFFD,b\n", binary.LittleEndian), "", "utf-16le", []string{`2/1: {"name":"a` + "\uFFFD" + `","city":"b"}`}},
		"half a surrogate pair":       {utf16Bytes("name,city\na", binary.LittleEndian) + "\x00\xD8" + utf16Bytes(",b\nc,d\n", binary.LittleEndian), "", "utf-16le", []string{`2/1: line 2: not valid utf-16le text; check the encoding: --encoding`, `3/2: {"name":"c","city":"d"}`}},
		"half a unit at the end":      {utf16Bytes("name,city\nc,d\na,b", binary.LittleEndian) + "x", "", "utf-16le", []string{`2/1: {"name":"c","city":"d"}`, `3/2: line 3: not valid utf-16le text; check the encoding: --encoding`}},
		"byte without a meaning":      {"name,city\na\xd2,b\nc,d\n", "windows-1253", "windows-1253", []string{`2/1: line 2: not valid windows-1253 text; check the encoding: --encoding`, `3/2: {"name":"c","city":"d"}`}},
		"JSONL in UTF-16":             {utf16Bytes("{\"name\":\"Łódź\"}\r\n", binary.LittleEndian), "", "utf-16le", []string{`1/1: {"name":"Łódź"}`}},
		"Windows-1252 with UTF8 mark": {"\uFEFFname,city\na,b\n", "windows-1252", "windows-1252", []string{`2/1: {"name":"a","city":"b"}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for how, input := range map[string]io.Reader{"at once": strings.NewReader(tt.input), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.input))} {
				got, reader, err := readAll(input, Options{Encoding: tt.encoding})
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
				if reader.Encoding() != tt.found {
					t.Errorf("%s: encoding %s, want %s", how, reader.Encoding(), tt.found)
				}
			}
		})
	}
}
