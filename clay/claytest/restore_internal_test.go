package claytest

import (
	"bytes"
	"testing"
)

// FuzzJournal replays any file: that works or says what is wrong, never panics,
// and what was read and added to, or compacted, reads again.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"op":"row","t":1,"row":1,"webhook":"w","body":{}}` + "\n" + `{"op":"cell","row":1,"state":"done"}` + "\n"))
	f.Add([]byte(`{"op":"counts","row":7,"accepted":{"w":7}}` + "\n"))
	f.Add([]byte(`{"op":"row","row":-1,"text":"eyJ9"}` + "\n{"))
	f.Fuzz(func(t *testing.T, content []byte) {
		first := newBook(-1)
		size, err := first.replay(bytes.NewReader(content))
		if err != nil {
			return
		}
		row := &Row{Number: first.rowNumber + 1, Webhook: "another", Body: []byte("{\n}")}
		first.insert(row)
		grown := appendEntry(bytes.Clone(content[:size]), rowEntry(row), row.Body)
		for name, journal := range map[string][]byte{"grown": grown, "compacted": first.essence()} {
			again := newBook(-1)
			if n, err := again.replay(bytes.NewReader(journal)); err != nil || n != int64(len(journal)) {
				t.Fatalf("%s: read %d of %d bytes: %v\n%s", name, n, len(journal), err, journal)
			}
			if len(again.open) != len(first.open) || again.rowNumber != first.rowNumber {
				t.Errorf("%s: %d open rows up to %d became %d up to %d",
					name, len(first.open), first.rowNumber, len(again.open), again.rowNumber)
			}
		}
	})
}
