package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"

	"github.com/claygate/claygate/internal/ledger"
)

// Load makes the submissions of one load's rows, in order. Handed in again in another process, the same rows become
// the same submissions: a row is known by its dedupe key, else by what it holds, and by how many of the same came
// before it. It is for one goroutine.
type Load struct {
	in     *Intake
	target string
	id     ledger.LoadID
	by     []string // in place of the target's dedupe_by; nil for that

	// Which rows came, and how often again those that did: keyed by half the digest, to hold millions of rows in memory.
	seen  map[uint64]struct{}
	again map[uint64]uint32
}

// Load returns the maker of a load's submissions.
func (in *Intake) Load(target string, id ledger.LoadID) *Load {
	return &Load{in: in, target: target, id: id, seen: map[uint64]struct{}{}, again: map[uint64]uint32{}}
}

// Submission checks one row and returns its submission. Errors are those of [Intake.Submission].
func (l *Load) Submission(fields json.RawMessage) (ledger.Submission, error) {
	t, err := l.in.target(l.target)
	if err != nil {
		return ledger.Submission{}, err
	}
	if l.by != nil {
		t.DedupeBy = l.by
	}
	s, err := l.in.submission(t, fields, nil)
	if err != nil {
		return s, err
	}
	row := s.Key
	if row.IsZero() {
		canonical, err := canonicalJSON(fields)
		if err != nil {
			return s, &ledger.Error{Kind: ledger.Invalid, Op: "accept", Message: err.Error()}
		}
		row = ledger.WorkKey(l.in.secret, canonical)
	}
	s.Load, s.Work = l.id, occurrenceOf(row, l.occurrence(row))
	return s, nil
}

// occurrence counts how often the row came before.
func (l *Load) occurrence(row ledger.Digest) uint32 {
	short := binary.BigEndian.Uint64(row[:8])
	if _, came := l.seen[short]; !came {
		l.seen[short] = struct{}{}
		return 0
	}
	l.again[short]++
	return l.again[short]
}

// occurrenceOf tells the first, second, … of equal rows apart.
func occurrenceOf(row ledger.Digest, occurrence uint32) ledger.Digest {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(row[:], occurrence))
	return ledger.Digest(sum[:16])
}

// canonicalJSON returns the same bytes for the same value, whatever the order of its names, its spacing and its escapes.
// Numbers keep their digits.
func canonicalJSON(raw json.RawMessage) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value) // sorts the names at every level
}
