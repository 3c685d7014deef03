// Package crash holds the named moments at which the tests of crashes kill claygate. Without the build tag faultpoints,
// which no release has, all of it is nothing: a test looks into the binary.
//
// Built with the tag, FAULT=name:n kills the process, as kill -9 does, when it passes the point of that name for the
// n-th time. FAULT_EARLY and FAULT_UNFLUSHED make mistakes that the tests must find.
package crash

// The points, in the order in which a record passes them.
const (
	Taken         = "taken"          // records are on disk, their caller has not been answered
	Remembered    = "remembered"     // before the commit of records with an idempotency key
	Claiming      = "claiming"       // before the commit of a claim
	Claimed       = "claimed"        // after it, before anything is sent
	Written       = "written"        // the request to Clay has left
	Answered      = "answered"       // Clay has answered, the ledger does not know it
	Applying      = "applying"       // before the commit of an answer, a result or a deadline
	Applied       = "applied"        // after it
	CallbackRead  = "callback-read"  // a callback was read and is not on disk
	CallbackKept  = "callback-kept"  // it is on disk and not acknowledged
	Deadline      = "deadline"       // deadlines have passed, and nothing has come of it yet
	Commit        = "commit"         // before any commit
	LogWrite      = "log-write"      // between two pages of the write-ahead log
	LogSync       = "log-sync"       // the log is written and not flushed
	Checkpoint    = "checkpoint"     // between two pages that a checkpoint writes to the ledger's file
	CheckpointEnd = "checkpoint-end" // its pages are written and not flushed
	Pruning       = "pruning"        // before the commit of what removes old bodies
	Reloading     = "reloading"      // the ledger works by another configuration, the rest does not
	Forwarded     = "forwarded"      // a destination has answered, the ledger does not know it
	Adopting      = "adopting"       // at the start, before what a former process had claimed is settled
)

// Points lists them all.
var Points = []string{
	Taken, Remembered, Claiming, Claimed, Written, Answered, Applying, Applied, CallbackRead, CallbackKept, Deadline, Commit,
	LogWrite, LogSync, Checkpoint, CheckpointEnd, Pruning, Reloading, Forwarded, Adopting,
}
