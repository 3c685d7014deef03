package clay

import "crypto/sha256"

// repeats knows which rows of a query have been yielded.
type repeats struct {
	field string // "": nothing is known
	seen  map[[16]byte]struct{}
}

// newRepeats leaves alone what joins and groups make: there an id may stand in several
// rows that are not the same.
func newRepeats(q TableQuery, opts QueryOptions) *repeats {
	field := opts.IDField
	if field == "" && len(q.Tables) == 1 && len(q.Joins) == 0 && len(q.GroupBy) == 0 {
		field = "id"
	}
	if opts.KeepRepeats {
		field = ""
	}
	return &repeats{field: field, seen: map[[16]byte]struct{}{}}
}

// has reports whether the row was there before, and remembers it.
func (r *repeats) has(row TableRow) bool {
	id := row[r.field].Value
	if r.field == "" || isEmpty(id) {
		return false
	}
	sum := sha256.Sum256(id)
	key := [16]byte(sum[:16])
	_, there := r.seen[key]
	r.seen[key] = struct{}{}
	return there
}
