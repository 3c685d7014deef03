package client

import "time"

// Run is a run of a routine at Clay, with the records that it carries.
type Run struct {
	ID     int64   `json:"id"`          // in the gateway's ledger
	Target *string `json:"target"`      // nil for one that a caller started himself, or that a completion webhook named and nobody is known to have started
	ClayID *string `json:"clay_run_id"` // Clay's name for it; nil while it is not known
	Kind   string  `json:"kind"`        // "inline" or "bulk"
	// State is "starting", "running", "fetching", "done", "rejected" (it did not start; its records wait for another),
	// "uncertain" (it may have started: nobody starts it again), "lost" (it ended, or was given up, without all of its
	// results) or "found" (nobody is known to have started it).
	State     string     `json:"state"`
	Records   int        `json:"records"`  // that it carries; of one that is followed, its items
	Followed  bool       `json:"followed"` // a caller started it himself, under /public/v0: its items are no records
	Polls     int        `json:"polls"`    // questions that found it unfinished
	Reason    *string    `json:"reason"`   // why it ended as it did, or was last not heard; nil for none
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"` // nil while it is open
}
