package ledger

import (
	"context"
	"slices"
	"time"
)

// Scope is something that an API key allows.
type Scope string

// The scopes of an API key.
const (
	ScopeSend   Scope = "send"   // hand in records and read what they came to
	ScopeRead   Scope = "read"   // read all records of its targets
	ScopeReplay Scope = "replay" // replay, resolve and cancel: may cost
	ScopeAdmin  Scope = "admin"  // everything, keys and stopping included
)

// APIKey is an API key as the ledger knows it: by its hash. The key itself is shown once, when it is made.
type APIKey struct {
	ID     string // "key_…", for people
	Name   string
	Hash   [32]byte // SHA-256 of the key: keys are random, so a plain hash is enough
	Scopes []Scope
	// Workspaces and Targets are what it is bound to: all targets of those workspaces, also ones that come later, and
	// those targets. Where both are empty it reaches everything.
	Workspaces []string
	Targets    []string
	Ingest     string // the only target that it feeds, as part of an ingest URL; "" for an ordinary key
	CreatedAt  time.Time
	RevokedAt  time.Time // zero while it is valid
}

// Bound reports whether the key reaches a part of the gateway only.
func (k APIKey) Bound() bool { return k.Ingest != "" || len(k.Workspaces)+len(k.Targets) > 0 }

// Reaches reports whether the key's binding covers a target.
func (k APIKey) Reaches(target string) bool {
	if k.Ingest != "" {
		return k.Ingest == target
	}
	return !k.Bound() || slices.Contains(k.Targets, target) || k.Whole(WorkspaceOf(target))
}

// Whole reports whether the key reaches all of a workspace: what its targets share, such as its API, included.
func (k APIKey) Whole(workspace string) bool {
	return !k.Bound() || slices.Contains(k.Workspaces, workspace)
}

// Keys keeps the API keys.
type Keys interface {
	// AddKey stores a key; CreatedAt is stamped.
	AddKey(ctx context.Context, key APIKey) error
	// Keys returns all keys, revoked ones included, oldest first.
	Keys(ctx context.Context) ([]APIKey, error)
	// RevokeKey ends a key for ever. Kind NotFound when there is none of that ID.
	RevokeKey(ctx context.Context, id string) error
}
