package ledger

import (
	"context"
	"time"
)

// NoticeKind names what those who watch from outside are told.
type NoticeKind string

// The kinds of notice.
const (
	RecordDone     NoticeKind = "record.done"
	RecordUpdated  NoticeKind = "record.updated" // a further result changed one that was done
	RecordFailed   NoticeKind = "record.failed"
	RecordExpired  NoticeKind = "record.expired"
	RecordCanceled NoticeKind = "record.canceled"
	TargetPaused   NoticeKind = "target.paused"
	TargetResumed  NoticeKind = "target.resumed"
	TargetRemoved  NoticeKind = "target.removed"  // no longer configured, and it has records that have not ended
	TargetReturned NoticeKind = "target.returned" // configured again
	BreakerOpened  NoticeKind = "breaker.opened"  // a target fails: one probe at a time
	BreakerClosed  NoticeKind = "breaker.closed"
	// DestinationDisabled says that nothing is forwarded there any more, DestinationEnabled that it is again, and
	// DeliveryFailed that one delivery was given up.
	DestinationDisabled NoticeKind = "destination.disabled"
	DestinationEnabled  NoticeKind = "destination.enabled"
	DeliveryFailed      NoticeKind = "delivery.failed"
	// BudgetExhausted says that records wait because a budget is spent. It is told once for each of its windows.
	BudgetExhausted NoticeKind = "budget.exhausted"
	AllStopped      NoticeKind = "stopped"
	AllStarted      NoticeKind = "started"
	// WorkspaceStopped and WorkspaceStarted are [AllStopped] and [AllStarted] of one workspace: the target is its name and
	// a slash.
	WorkspaceStopped NoticeKind = "workspace.stopped"
	WorkspaceStarted NoticeKind = "workspace.started"
)

// Notice is something that happened, kept in the order of its commit so that a watcher can go on where it stopped.
type Notice struct {
	Seq    int64 // grows with every notice; never reused
	Kind   NoticeKind
	Cached bool     // of a record that was done without being sent
	Target string   // "" for those about all targets
	Record RecordID // zero for those about targets
	Reason string   // of a pause, a breaker that opened, or a stop
	At     time.Time
}

// Notice returns what the change is to be announced as; "" for nothing. Followers are announced as well: each record
// was somebody's own.
func (c Change) Notice() NoticeKind {
	switch {
	case c.Moved && c.Record.State == Done:
		return RecordDone
	case c.Moved && c.Record.State == Dead:
		return RecordFailed
	case c.Moved && c.Record.State == Expired:
		return RecordExpired
	case c.Moved && c.Record.State == Canceled:
		return RecordCanceled
	case c.Fresh && c.Record.State == Done:
		return RecordUpdated
	}
	return ""
}

// Notice returns what the admission is to be announced as; "" for nothing. What is done at once is announced as what
// comes to its result later is, so that whoever forwards results misses none.
func (a Admission) Notice() NoticeKind {
	if a.Record.State == Done {
		return RecordDone
	}
	return ""
}

// NoticeOf returns the notice of that kind about a record.
func NoticeOf(kind NoticeKind, r Record) Notice {
	return Notice{Kind: kind, Target: r.Target, Record: r.ID, Cached: r.Cached}
}

// Notices are kept and read in order.
type Notices interface {
	// Notices returns those after a sequence number, oldest first, at most max. They are kept for [NoticeRetention].
	Notices(ctx context.Context, after int64, max int) ([]Notice, error)
	// LastNotice returns the sequence number of the newest one, 0 when there is none.
	LastNotice(ctx context.Context) (int64, error)
}

// NoticeRetention is how long notices are kept.
const NoticeRetention = 7 * 24 * time.Hour
