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

// dropSpan forgets a span that holds no records any more.
func (t *tx) dropSpan(s span) error {
	first, last := s.bounds()
	_, err := t.exec(`DELETE FROM spans WHERE target = ?1 AND first = ?2 AND NOT EXISTS
		(SELECT 1 FROM records WHERE id BETWEEN ?2 AND ?3 AND target = ?1)`, s.target, first[:], last[:])
	return err
}

// bounds returns the least and the greatest ID of the span.
func (s span) bounds() (first, last ledger.RecordID) {
	copy(first[:], s.first[:])
	for i := copy(last[:], s.first[:]); i < len(last); i++ {
		last[i] = 0xff
	}
	return first, last
}

// writeSpan notes that a span holds records.
func (t *tx) writeSpan(s span) error {
	first, last := s.bounds()
	_, err := t.exec(`INSERT INTO spans (target, first, last) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.target, first[:], last[:])
	return err
}
