package api

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// However a stream comes in pieces, no secret is left in it, its length stays, and so does all else.
func TestBlotter(t *testing.T) {
	secret := []byte("aab-aab-aab-")
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for _, piece := range rapid.SliceOf(rapid.SampledFrom([]string{"aab-aab-aab-", "aab-", "a", "aab-aab-aab", "x", "\n"})).Draw(t, "pieces") {
			text = append(text, piece...)
		}
		var from io.Reader = bytes.NewReader(text)
		switch rapid.IntRange(0, 3).Draw(t, "reader") {
		case 0:
			from = iotest.OneByteReader(from)
		case 1:
			from = iotest.HalfReader(from)
		case 2:
			from = iotest.DataErrReader(from)
		}
		got, err := io.ReadAll(&blotter{from: from, secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.ReplaceAll(text, secret, bytes.Repeat([]byte("*"), len(secret)))
		if !bytes.Equal(got, want) {
			t.Fatalf("%q became %q, want %q", text, got, want)
		}
	})
	short, err := io.ReadAll(&blotter{from: bytes.NewReader([]byte("emulated")), secret: []byte("emulated")})
	if err != nil || string(short) != "emulated" {
		t.Errorf("%q, %v", short, err)
	}
}
