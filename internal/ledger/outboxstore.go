package ledger

import (
	"context"
	"time"
)

// Outbox keeps what is still to be forwarded. Deliveries are written in the transaction in which their record ends.
type Outbox interface {
	// ClaimOutbox takes deliveries of a destination whose time has come, at its pace, and keeps them from others for
	// [DeliveryLease]. Of those with one order it takes one at a time.
	ClaimOutbox(ctx context.Context, want Outgoings) (Deliveries, error)
	// SettleOutbox writes what became of claimed deliveries. One that is not there any more is passed over.
	SettleOutbox(ctx context.Context, destination string, answers []DeliveryAnswer) error
	// CallbackHosts returns the destinations that are hosts of callback URLs and to which something is to be delivered.
	CallbackHosts(ctx context.Context) ([]string, error)
	// Destinations tells how every destination stands to which something is, or was, to be delivered, in the order of
	// their names.
	Destinations(ctx context.Context) ([]DestinationStatus, error)
	// Undelivered returns deliveries that were given up, of a destination or of all with "", at most max.
	Undelivered(ctx context.Context, destination string, max int) ([]Delivery, error)
	// Redeliver forwards records again that have ended, and returns how many deliveries that makes. Kind NotFound when
	// there is no such record or destination, Conflict when one has not ended; then nothing is written.
	Redeliver(ctx context.Context, what Redelivery) (n int, err error)
	// Disable stops deliveries to a destination; Enable lets them go on. What ends meanwhile is kept.
	Disable(ctx context.Context, destination, reason string) error
	Enable(ctx context.Context, destination string) error
}

// DeliveryLease is how long a claimed delivery waits for its answer. Those of a process that ended go at once, so it is
// long enough for many to be claimed in one transaction.
const DeliveryLease = 10 * time.Minute

// Outgoings says which deliveries to claim.
type Outgoings struct {
	Destination string
	Max         int
}

// Deliveries is what a claim of the outbox got.
type Deliveries struct {
	Work []Delivery
	Wait time.Duration // until another claim can get anything, or Never when only a new delivery can change that
}

// DestinationStatus is how a destination stands.
type DestinationStatus struct {
	Destination string
	Disabled    string // why nothing is delivered; "" when it is
	Waiting     int    // deliveries that wait or are under way
	Dead        int    // given up
}

// Redelivery says what to forward again.
type Redelivery struct {
	Destination string     // only to this one; "" for all of each record's
	Records     []RecordID // these
	Dead        bool       // all that were given up
}
