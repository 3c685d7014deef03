package ledger

import (
	"context"
	"time"
)

// Deed is something that a person, or a program with a key, did to the gateway. It names things by their ids and holds nothing
// of what is in them: neither people's data nor the reasons that were given.
type Deed struct {
	Seq  int64 // grows with every deed; never reused
	At   time.Time
	Who  string // the id of an API key, or [Local]
	What DeedKind
	On   string // the id or name of what it was done to; "" for the gateway
	N    int    // of how many, where it was done to many; else 0
}

// Local is who does something without a key: somebody who has the ledger's files, or, while there are no keys, its machine.
const Local = "local"

// DeedKind names what was done.
type DeedKind string

// The kinds of deed.
const (
	KeyCreated           DeedKind = "key.created"
	KeyRevoked           DeedKind = "key.revoked"
	PausedTarget         DeedKind = "target.paused"
	ResumedTarget        DeedKind = "target.resumed"
	StoppedSending       DeedKind = "stopped"
	StartedSending       DeedKind = "started"
	Replayed             DeedKind = "record.replayed"
	Resolved             DeedKind = "record.resolved"
	CanceledRecord       DeedKind = "record.canceled"
	Redelivered          DeedKind = "redelivered"
	DisabledDestination  DeedKind = "destination.disabled"
	EnabledDestination   DeedKind = "destination.enabled"
	ErasedData           DeedKind = "erased"
	ExportedData         DeedKind = "exported"
	ReloadedConfig       DeedKind = "config.reloaded"
	RotatedTicketSecrets DeedKind = "tickets.rotated"
)

// Audit is the log of deeds. Nothing in it is changed, and it goes when [Retention].Audit says.
type Audit interface {
	// Note keeps a deed, before it is done: what a crash leaves undone is noted all the same, and what was done is never
	// missing. The store gives it its number and time.
	Note(ctx context.Context, d Deed) error
	// Deeds returns the newest first, at most max, from before a number; 0 for the newest of all.
	Deeds(ctx context.Context, before int64, max int) ([]Deed, error)
}
