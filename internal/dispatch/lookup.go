package dispatch

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/ledger"
)

// Finder makes one try to look a person or a company up, as a [clay.Client] without retries does.
type Finder interface {
	EnrichPerson(ctx context.Context, email string) (clay.Person, error)
	EnrichCompany(ctx context.Context, domain string) (clay.Company, error)
}

// LookupKind says what a lookup finds.
type LookupKind string

// The kinds of lookup, and the field of the record that each one looks up.
const (
	LookupPerson  LookupKind = "person"  // by "email"
	LookupCompany LookupKind = "company" // by "domain"
)

// Lookup drives Clay's Enterprise endpoints: one request brings the result at once.
type Lookup struct {
	Finder Finder
	Kind   LookupKind
}

// Send implements [Driver].
func (l *Lookup) Send(ctx context.Context, c ledger.Claimed) ledger.Answer {
	var fields struct{ Email, Domain string }
	if err := json.Unmarshal(c.Record.Fields, &fields); err != nil {
		return ledger.Answer{Outcome: ledger.NotSent, Verdict: ledger.Rejected, Reason: "email and domain must be strings"}
	}
	switch {
	case l.Kind == LookupPerson && fields.Email == "":
		return ledger.Answer{Outcome: ledger.NotSent, Verdict: ledger.Rejected, Reason: "a person is looked up by the field email, which is empty"}
	case l.Kind == LookupCompany && fields.Domain == "":
		return ledger.Answer{Outcome: ledger.NotSent, Verdict: ledger.Rejected, Reason: "a company is looked up by the field domain, which is empty"}
	case l.Kind == LookupPerson:
		return found(l.Finder.EnrichPerson(ctx, fields.Email))
	default:
		return found(l.Finder.EnrichCompany(ctx, fields.Domain))
	}
}

// found turns what a lookup found into the ledger's answer. Nobody found is an answer as well: an empty one.
func found[T any](what T, err error) ledger.Answer {
	if errors.Is(err, clay.KindNotFound) {
		return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 404, Result: json.RawMessage(`{}`)}
	}
	if err != nil {
		return failed(err, lookupVerdict)
	}
	result, err := json.Marshal(what)
	if err != nil {
		return failed(err, lookupVerdict)
	}
	return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200, Result: result}
}

// lookupVerdict is the lookup's column of the outcome table (docs/decisions/0005-outcomes.md): a lookup makes no row,
// so what is not known is asked again.
func lookupVerdict(k clay.Kind) ledger.Verdict {
	switch k {
	case clay.KindUnknown, clay.KindBadAnswer:
		return ledger.Failed
	default:
		return tableVerdict(k)
	}
}
