package ledger

import (
	"encoding/json"
	"time"
)

// Target is a named place in Clay that records go to, as far as the domain needs to know it. Zero values mean the
// documented defaults; the methods below apply them.
type Target struct {
	// Name addresses the target: "default", or "workspace/name".
	Name string
	// Lane paces the target's sends. All targets of one workspace and surface share one.
	Lane LaneID
	// Webhooks are the table's webhooks in the order in which they are used up. Empty for targets without any.
	Webhooks []Webhook
	// ResultTimeout bounds the wait for a result after the last send. Default 30 minutes, for routines 24 hours.
	ResultTimeout time.Duration
	// OnUncertain says what becomes of a record whose request may have arrived. Default [Wait] for records that
	// await a result, [Resend] for the others, and [Hold] for routines, whose every start may cost.
	OnUncertain UncertainPolicy
	// OnUpdate says what a further result does to a record that is done. Default [Fill].
	OnUpdate UpdatePolicy
	// CompleteWhen, when set, reports whether a result completes a record; until it does, results are merged and the
	// record stays open. It must be a pure function of the fields. An error means that it does not.
	CompleteWhen func(fields json.RawMessage) (bool, error)
	// OnConflict says what becomes of a submission that would join a record with another input. Default [Join].
	OnConflict ConflictPolicy
	// MaxAge is how old a result may be to answer another record with the same key. Default 30 days; negative
	// never answers from the cache.
	MaxAge time.Duration
	// EmptyMaxAge is MaxAge for empty results, which Clay may fill next time. Default one day.
	EmptyMaxAge time.Duration
	// Version is part of every dedupe key: raising it makes all cached results stale.
	Version string
	// Runs makes it a routine, whose records are worked on together in runs. Nil for one record a request.
	Runs *RunPolicy
	// Forward lists where the ends of its records are forwarded. None by default.
	Forward []Outlet
	// Cost is what a record of it costs in actions and data credits, on average. Default: not known, so nothing.
	Cost Cost
	// Budget bounds what is spent on it. Default: not at all.
	Budget Budget
	// Emulated marks every result as coming from the emulator.
	Emulated bool
}

// Webhook is one webhook URL of a table, known by the digest of its URL, because the URL is a secret.
type Webhook struct {
	ID Digest
	// Limit is how many submissions the webhook takes in its life: Clay's is [WebhookLimit]. 0 means no limit, for
	// tables that delete rows by themselves.
	Limit int
	// Start is how many it had taken before this ledger counted.
	Start int
}

// Pause is why a target sends nothing. The zero Pause is none.
type Pause struct {
	Reason string // for people: what happened and what to do
	Status int    // the HTTP status that Clay refused with; 0 when it was something else
}

// WebhookLimit is the number of submissions that a webhook source accepts in its life (docs/clay.md).
const WebhookLimit = 50_000

// UncertainPolicy says what becomes of a record whose request may or may not have arrived.
type UncertainPolicy string

// The policies for uncertain records.
const (
	Wait   UncertainPolicy = "wait"   // wait for the result until the deadline, then resend once, then expire
	Resend UncertainPolicy = "resend" // resend once, at once; then give up
	Hold   UncertainPolicy = "hold"   // wait until the deadline, then stop: a person decides
)

// ConflictPolicy says what becomes of a submission whose dedupe key is that of a record in flight with another input.
type ConflictPolicy string

// The policies for conflicts.
const (
	Join     ConflictPolicy = "join"     // share its work, and say that the input differs
	Separate ConflictPolicy = "separate" // be work of its own
	Reject   ConflictPolicy = "reject"   // be refused
)

// UpdatePolicy says what a further result does to a record that is done.
type UpdatePolicy string

// The policies for further results.
const (
	Fill    UpdatePolicy = "fill"    // fill what is still empty
	Replace UpdatePolicy = "replace" // overwrite the fields that it brings
	Ignore  UpdatePolicy = "ignore"  // change nothing
)

// Defaults of the target's settings.
const (
	DefaultResultTimeout = 30 * time.Minute
	DefaultMaxAge        = 30 * 24 * time.Hour
	DefaultEmptyMaxAge   = 24 * time.Hour
)

func (t Target) resultTimeout(r Record) time.Duration {
	if r.ResultTimeout > 0 {
		return r.ResultTimeout
	}
	if t.Runs != nil {
		return orDefault(t.ResultTimeout, RunLifetime)
	}
	return orDefault(t.ResultTimeout, DefaultResultTimeout)
}

func (t Target) onUncertain(r Record) UncertainPolicy {
	switch {
	case t.OnUncertain != "":
		return t.OnUncertain
	case t.Runs != nil:
		return Hold
	case r.Await:
		return Wait
	default:
		return Resend
	}
}

// claimTimeout is how long a claimed record waits for its attempt's answer.
func (t Target) claimTimeout() time.Duration {
	if t.Runs != nil {
		return RunClaimTimeout
	}
	return ClaimTimeout
}

// RunPolicy returns how the target's records are gathered into runs, with its defaults; ok is false for a target whose
// records are not.
func (t Target) RunPolicy() (p RunPolicy, ok bool) {
	if t.Runs == nil {
		return p, false
	}
	return t.Runs.normal(), true
}

// maxAge returns how old a result may be to serve as an answer; the submission's own wish comes first.
func (t Target) maxAge(empty bool, wish *time.Duration) time.Duration {
	age := orDefault(t.MaxAge, DefaultMaxAge)
	if wish != nil {
		age = *wish
	}
	if empty {
		age = min(age, orDefault(t.EmptyMaxAge, DefaultEmptyMaxAge))
	}
	return age
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
