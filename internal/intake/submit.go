package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// MaxMetadataBytes is the largest metadata of a record: it is the caller's label, not a second record.
const MaxMetadataBytes = 4 << 10

// Item is one record as a caller hands it in.
type Item struct {
	Fields   json.RawMessage // one JSON object: what goes to Clay
	Metadata json.RawMessage // one JSON object of at most [MaxMetadataBytes], given back and never sent; or nil
	Priority int             // higher leaves first

	MaxAge        *time.Duration // how old a result may be to answer; nil for the target's
	ResultTimeout time.Duration  // 0 for the target's
	SendBy        time.Duration  // from now until it may no longer be sent; 0 for no limit, negative that it has passed

	CallbackURL string // where its end is to be told; "" for nowhere
	// DedupeBy names the fields that make it the same work as others where those of its target say nothing. None by default.
	DedupeBy []string

	APIKey string // the ID of the API key that hands it in; "" for none

	Once *ledger.Once // its idempotency key, nil for none
}

// Submit takes items in and returns an acceptance for each, in order: what cannot be taken has its error there and does
// not hinder the others. All the others are on disk when it returns, or none. The error is kind NotFound for an unknown
// target, else the ledger's.
func (in *Intake) Submit(ctx context.Context, target string, items []Item) ([]ledger.Acceptance, error) {
	t, err := in.target(target)
	if err != nil {
		return nil, err
	}
	answers := make([]ledger.Acceptance, len(items))
	subs, places := make([]ledger.Submission, 0, len(items)), make([]int, 0, len(items))
	for i, item := range items {
		s, err := in.item(t, item)
		if err != nil {
			answers[i].Err = err
			continue
		}
		subs, places = append(subs, s), append(places, i)
	}
	if len(subs) == 0 {
		return answers, nil
	}
	accepted, err := in.store.Accept(ctx, subs)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		answers[place] = accepted[i]
	}
	return answers, nil
}

// SubmitAll is [Intake.Submit] for those who want all or none: the first item that cannot be taken is the error, of kind
// Invalid, and nothing is stored. Only what the ledger alone can know, a conflict with work that is under way, is said of
// one item while the others are taken.
func (in *Intake) SubmitAll(ctx context.Context, target string, items []Item) ([]ledger.Acceptance, error) {
	t, err := in.target(target)
	if err != nil {
		return nil, err
	}
	subs := make([]ledger.Submission, len(items))
	for i, item := range items {
		if subs[i], err = in.item(t, item); err != nil {
			return nil, ofItem(err, i, len(items))
		}
	}
	if len(subs) == 0 {
		return nil, nil
	}
	accepted, err := in.store.Accept(ctx, subs)
	if err != nil {
		return nil, err
	}
	for i, a := range accepted {
		if a.Err != nil { // its work is under way with another input, and the target refuses that
			return nil, ofItem(a.Err, i, len(items))
		}
	}
	return accepted, nil
}

// ofItem says which of several items an error is about.
func ofItem(err error, i, of int) error {
	e, ok := errors.AsType[*ledger.Error](err)
	if !ok || of == 1 {
		return err
	}
	numbered := *e
	numbered.Message = fmt.Sprintf("element %d: %s", i, e.Message)
	return &numbered
}

// item checks one item and returns its submission.
func (in *Intake) item(t Target, item Item) (ledger.Submission, error) {
	s, err := in.submission(t, item.Fields, item.DedupeBy)
	if err != nil {
		return s, err
	}
	if item.Metadata != nil {
		if err := checkMetadata(item.Metadata); err != nil {
			return s, &ledger.Error{Kind: ledger.Invalid, Op: "accept", Message: err.Error()}
		}
	}
	s.Metadata, s.Priority, s.Await = item.Metadata, cmp.Or(item.Priority, t.Priority), t.Await
	s.APIKey = item.APIKey
	if item.Once != nil {
		s.Once = &ledger.Once{Key: item.Once.Key, Body: ledger.WorkKey(in.secret, item.Once.Body[:])}
	}
	if item.CallbackURL != "" {
		if err := checkCallback(t, item.CallbackURL); err != nil {
			return s, err
		}
		s.CallbackURL = item.CallbackURL
	}
	s.MaxAge, s.ResultTimeout, s.SendBy = item.MaxAge, item.ResultTimeout, item.SendBy
	return s, nil
}

// checkCallback refuses a callback URL that would never be called.
func checkCallback(t Target, address string) error {
	if t.CallbackURL == nil {
		return &ledger.Error{
			Kind: ledger.Invalid, Op: "accept", Message: "callback_url is not taken here: this gateway has no secret to sign callbacks with",
			Hint: "whoever runs it sets callback_urls.secret; meanwhile wait with ?wait=, follow GET /v1/events, or read the record later",
		}
	}
	if err := t.CallbackURL(address); err != nil {
		return &ledger.Error{Kind: ledger.Invalid, Op: "accept", Message: "callback_url: " + err.Error()}
	}
	return nil
}

func checkMetadata(raw json.RawMessage) error {
	if len(raw) > MaxMetadataBytes {
		return fmt.Errorf("the metadata is %d bytes, and %d is the most: keep it elsewhere and give its ID here",
			len(raw), MaxMetadataBytes)
	}
	if _, err := Members(raw); err != nil {
		return fmt.Errorf("the metadata: %w", err)
	}
	return nil
}

// Key returns the dedupe key that records of the target have which were told apart by this value: what a person reads
// in the dedupe field, or a JSON array of such values where there are several fields. Kind Invalid for a target whose
// records share no work.
func (in *Intake) Key(target, value string) (ledger.Digest, error) {
	t, err := in.target(target)
	if err != nil {
		return ledger.Digest{}, err
	}
	invalid := func(message string) (ledger.Digest, error) {
		return ledger.Digest{}, &ledger.Error{Kind: ledger.Invalid, Op: "key", Message: message}
	}
	switch len(t.DedupeBy) {
	case 0:
		return invalid("records of " + target + " have no dedupe key: its dedupe_by is not set")
	case 1:
		value = Fold(value)
	default:
		var values []string
		if json.Unmarshal([]byte(value), &values) != nil || len(values) != len(t.DedupeBy) {
			return invalid("the key of " + target + " is a JSON array of " + strings.Join(t.DedupeBy, ", "))
		}
		for i := range values {
			values[i] = Fold(values[i])
		}
		joined, _ := json.Marshal(values) // strings always encode
		value = string(joined)
	}
	return ledger.DedupeKey(in.secret, t.Target, value), nil
}

func (in *Intake) target(name string) (Target, error) {
	t, ok := (*in.targets.Load())[name]
	if !ok {
		return t, &ledger.Error{Kind: ledger.NotFound, Op: "accept", Message: "there is no target " + name}
	}
	return t, nil
}
