package api

import (
	"bytes"
	"io"
)

// blotter reads a stream in which each occurrence of a secret is overwritten with asterisks, so that its length stays.
type blotter struct {
	from   io.Reader
	secret []byte // nothing is blotted out of "" and what is shorter than [leastSecret]
	held   []byte // read and not yet given out
	ready  int    // how much of held can be given out: no secret begins there and ends beyond
	err    error  // of from
}

// leastSecret is the shortest secret: blotting out a shorter one, as an emulator's, would tear up ordinary words.
const leastSecret = 12

// Read implements io.Reader.
func (b *blotter) Read(p []byte) (int, error) {
	if len(b.secret) < leastSecret {
		return b.from.Read(p)
	}
	for b.ready == 0 && b.err == nil {
		b.fill()
	}
	n := copy(p, b.held[:b.ready])
	b.held, b.ready = b.held[n:], b.ready-n
	if n == 0 {
		return 0, b.err
	}
	return n, nil
}

// fill reads some more and blots out what is whole.
func (b *blotter) fill() {
	chunk := make([]byte, 16<<10)
	n, err := b.from.Read(chunk)
	b.held, b.err = append(b.held, chunk[:n]...), err
	for rest := b.held; ; {
		i := bytes.Index(rest, b.secret)
		if i < 0 {
			break
		}
		for j := range b.secret {
			rest[i+j] = '*'
		}
		rest = rest[i+len(b.secret):]
	}
	b.ready = len(b.held)
	if err == nil {
		b.ready = max(len(b.held)-len(b.secret)+1, 0)
	}
}
