package sheet

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// undecodable stands for a character that is not valid in its encoding. It is never part of valid UTF-8. The decoders of x/text write
// U+FFFD instead, which a file may also hold in earnest; a damaged row would then go to Clay unnoticed.
const undecodable = 0xFF

// utf16Decoder makes UTF-8 of UTF-16; unpaired surrogates and half a unit at the end are undecodable.
type utf16Decoder struct {
	transform.NopResetter
	order binary.ByteOrder
}

// Transform implements transform.Transformer.
func (d utf16Decoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		char, size := d.next(src[nSrc:])
		if size == 0 && !atEOF {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if nDst+utf8.UTFMax > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += put(dst[nDst:], char)
		nSrc += max(size, 1)
	}
	return nDst, nSrc, nil
}

// next reads one character; -1 for one that is not valid. A size of 0 means that src may be the beginning of a longer one.
func (d utf16Decoder) next(src []byte) (char rune, size int) {
	if len(src) < 2 {
		return -1, 0
	}
	char = rune(d.order.Uint16(src))
	if !utf16.IsSurrogate(char) {
		return char, 2
	}
	if len(src) < 4 {
		return -1, 0
	}
	if pair := utf16.DecodeRune(char, rune(d.order.Uint16(src[2:]))); pair != utf8.RuneError {
		return pair, 4
	}
	return -1, 2
}

// charmapDecoder makes UTF-8 of an encoding with one byte a character; bytes without a meaning are undecodable.
type charmapDecoder struct {
	transform.NopResetter
	table *charmap.Charmap
}

// Transform implements transform.Transformer.
func (d charmapDecoder) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if nDst+utf8.UTFMax > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		char := d.table.DecodeByte(src[nSrc])
		if char == utf8.RuneError {
			char = -1
		}
		nDst += put(dst[nDst:], char)
		nSrc++
	}
	return nDst, nSrc, nil
}

// put writes a character, or the mark of one that is not valid, and gives its size.
func put(dst []byte, char rune) int {
	if char < 0 {
		dst[0] = undecodable
		return 1
	}
	return utf8.EncodeRune(dst, char)
}
