// Package intake takes records in: it checks them, finds what makes two of them the same work, and has the ledger
// keep them. What it refuses can never be sent; what it accepted is on disk.
package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// Target says how records of one target are taken in.
type Target struct {
	ledger.Target
	// DedupeBy names the fields that make two records the same work. None by default.
	DedupeBy []string
	// TicketField is the payload's extra field; [ledger.TicketField] by default. Input that has it is refused.
	TicketField string
	// Personal refuses records of personal domains. The zero Guard refuses none.
	Personal Guard
	// Priority is that of items which ask for none.
	Priority int
	// Await says that a result of each record is awaited. Loads decide that for themselves.
	Await bool
	// CallbackURL says what is wrong with the URL where the end of a record is to be told. Nil: none is taken.
	CallbackURL func(string) error
}

// Options says what an Intake works with.
type Options struct {
	Store   ledger.Intake
	Secret  []byte // keys the dedupe keys
	Targets []Target
}

// Intake accepts records for the targets. It is safe for concurrent use.
type Intake struct {
	store   ledger.Intake
	secret  []byte
	targets atomic.Pointer[map[string]Target] // replaced whole, see [Intake.Configure]
}

// New returns an Intake.
func New(o Options) *Intake {
	in := &Intake{store: o.Store, secret: o.Secret}
	in.Configure(o.Targets)
	return in
}

// Configure makes these the targets, from the next record on. Whoever changes the targets tells the store first.
func (in *Intake) Configure(targets []Target) {
	byName := make(map[string]Target, len(targets))
	for _, t := range targets {
		if t.TicketField == "" {
			t.TicketField = ledger.TicketField
		}
		byName[t.Name] = t
	}
	in.targets.Store(&byName)
}

// Accept stores submissions that [Intake.Submission] or [Load.Submission] made; they are on disk when it returns.
func (in *Intake) Accept(ctx context.Context, subs []ledger.Submission) ([]ledger.Acceptance, error) {
	return in.store.Accept(ctx, subs)
}

// Submission checks one record's fields and returns the submission for them. Fields is one JSON object of at most
// [clay.MaxRecordBytes], the ticket included. The error is a [*ledger.Error] of kind Invalid or NotFound.
func (in *Intake) Submission(target string, fields json.RawMessage) (ledger.Submission, error) {
	t, err := in.target(target)
	if err != nil {
		return ledger.Submission{}, err
	}
	return in.submission(t, fields, nil)
}

func (in *Intake) submission(t Target, fields json.RawMessage, dedupeBy []string) (ledger.Submission, error) {
	members, err := check(t, fields)
	if err != nil {
		return ledger.Submission{}, &ledger.Error{Kind: ledger.Invalid, Op: "accept", Message: err.Error()}
	}
	if err := t.Personal.check(members); err != nil {
		return ledger.Submission{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return ledger.Submission{}, &ledger.Error{Kind: ledger.Internal, Op: "accept", Message: "no random bytes", Err: err}
	}
	s := ledger.Submission{ID: ledger.RecordID(id), Target: t.Name, Fields: fields}
	if value := cmp.Or(dedupeValue(t.DedupeBy, members), dedupeValue(dedupeBy, members)); value != "" {
		s.Key = ledger.DedupeKey(in.secret, t.Target, value)
	}
	return s, nil
}

// ticketRoom is what the ticket adds to a payload beside its field's name: a record's ID, an attempt's number, a tag
// and the JSON around them.
const ticketRoom = 64

// check reads the fields and refuses what Clay would refuse, or what would come back wrong.
func check(t Target, fields json.RawMessage) ([]Member, error) {
	members, err := Members(fields)
	if err != nil {
		return nil, err
	}
	if value(members, t.TicketField) != nil {
		return nil, fmt.Errorf("the field %q is claygate's own: rename it", t.TicketField)
	}
	if size := len(fields) + len(t.TicketField) + ticketRoom; size > clay.MaxRecordBytes {
		return nil, fmt.Errorf("it is %d bytes as JSON, and Clay takes at most %d: send fewer or shorter fields",
			size, clay.MaxRecordBytes)
	}
	return members, nil
}
