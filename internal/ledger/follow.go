package ledger

import (
	"fmt"
	"time"
)

// Following names a run that a caller started himself, through the gateway.
type Following struct {
	Lane LaneID // that paces the questions about it
	Clay string // Clay's name for it
	Kind RunKind
	Size int // how many items it has; 0 when unknown
}

// Run returns the run as it is first kept, and how long it is until it is asked for.
func (f Following) Run() (Run, time.Duration) {
	r := Run{Lane: f.Lane, Clay: f.Clay, Kind: f.Kind, State: RunRunning, Size: f.Size, Followed: true}
	if r.Kind == Inline && r.Size <= 0 {
		r.Size = MaxRun
	}
	return r, r.firstPoll()
}

// Nobody waits for a followed run: its caller asks Clay himself, and what he hears of its end is heard here too. It is
// only to be asked for before Clay forgets it, and shall not take the calls of those who do wait.
const (
	firstFollow = 10 * time.Second
	slowFollow  = 10 * time.Minute
)

// followAgain is [Run.pollAgain] for a followed run.
func (r Run) followAgain(jitter float64) time.Duration {
	wait := min(max(r.SinceStart/2, firstFollow), slowFollow)
	return time.Duration(float64(wait) * (0.8 + 0.4*jitter))
}

// told keeps, in the place of its items, what Clay said of a followed run that ended without any.
func (c RunChange) told(answer []byte) RunChange {
	if answer != nil {
		c.Items = []RunItem{{Body: answer}}
		c.Run.Brought, c.Run.Bytes = 1, int64(len(answer))
	}
	return c
}

// bring notes that items of a followed run are kept from a position on. What is kept of the same position is replaced: a
// file is read from its beginning after every break, and Clay may have made it anew.
func (r Run) bring(from int, items []RunItem) (Run, error) {
	if from == 0 {
		r.Bytes = 0
	}
	for _, item := range items {
		r.Bytes += int64(len(item.Body))
	}
	r.Brought = from + len(items)
	if r.Bytes > MaxFollowed {
		return r, fmt.Errorf("its results are longer than the %d bytes that are kept of a run", MaxFollowed)
	}
	return r, nil
}
