package ledger

import "context"

// Query says which records to list. Zero fields restrict nothing.
type Query struct {
	Target string
	States []State
	Key    Digest   // only records of this dedupe key
	Before RecordID // only records minted before this one: the last ID of a page is the cursor to the next
	Max    int      // at most so many; at least 1
	Bodies bool     // with fields, metadata and results
}

// Lister lists records.
type Lister interface {
	// List returns the newest records first. A record that is added while pages are read appears on none of them; one
	// that changes appears at most once.
	List(ctx context.Context, q Query) ([]Record, error)
}
