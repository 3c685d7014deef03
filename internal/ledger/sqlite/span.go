package sqlite

import "github.com/claygate/claygate/internal/ledger"

// spanBytes of an ID are a time in units of 256 ms: an ID begins with its milliseconds, in six bytes.
const spanBytes = 5

// span is a range of IDs in which a target has records.
type span struct {
	target string
	first  [spanBytes]byte
}

func spanOf(r *ledger.Record) span { return span{r.Target, [spanBytes]byte(r.ID[:])} }

// writeSpan notes that a span holds records.
func (t *tx) writeSpan(s span) error {
	var first, last ledger.RecordID
	copy(first[:], s.first[:])
	for i := copy(last[:], s.first[:]); i < len(last); i++ {
		last[i] = 0xff
	}
	_, err := t.exec(`INSERT INTO spans (target, first, last) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.target, first[:], last[:])
	return err
}
