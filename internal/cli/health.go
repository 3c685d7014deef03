package cli

import (
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// patience is how long a command goes on while nothing reaches Clay before it gives up. Nothing is lost: the rows
// wait in the ledger for the next run.
const patience = 2 * time.Minute

// health watches the attempts: how fast they go and whether they arrive.
type health struct {
	mu      sync.Mutex
	sends   []time.Time // of the last window
	paid    int         // attempts of this run that Clay took, or may have taken
	records map[ledger.RecordID]struct{}
	blocked time.Time   // since when nothing got through; zero while something does
	last    ledger.Answer
}

// rateWindow is the time over which the rate is taken.
const rateWindow = 5 * time.Second

func (h *health) observe(r ledger.Record, a ledger.Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.records == nil {
		h.records = map[ledger.RecordID]struct{}{}
	}
	h.records[r.ID] = struct{}{}
	if a.Verdict == ledger.Unsent || a.Verdict == ledger.Throttled {
		if h.blocked.IsZero() {
			h.blocked = now
		}
		h.last = a
		return
	}
	h.blocked = time.Time{}
	h.sends = append(h.sends, now)
	if a.Verdict.Counted() {
		h.paid++
	}
}

// sent returns how many attempts of this run Clay took or may have taken, and how many records were tried.
func (h *health) sent() (paid, records int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paid, len(h.records)
}

// rate returns the sends a second of late.
func (h *health) rate(began time.Time) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for len(h.sends) > 0 && now.Sub(h.sends[0]) > rateWindow {
		h.sends = h.sends[1:]
	}
	window := min(rateWindow, now.Sub(began))
	if window <= 0 {
		return 0
	}
	return float64(len(h.sends)) / window.Seconds()
}

// trouble returns why nothing gets through at present, "" when something does.
func (h *health) trouble() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.blocked.IsZero() || time.Since(h.blocked) < 2*time.Second {
		return ""
	}
	return h.last.Reason
}

// hopeless returns the error to end with when nothing has got through for too long, or will not for longer.
func (h *health) hopeless() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.blocked.IsZero() || time.Since(h.blocked) < patience && h.last.RetryAfter < patience {
		return nil
	}
	const resume = "nothing is lost: run the same command again later and it goes on from here"
	if h.last.Verdict == ledger.Throttled {
		return &exitError{code: exitRateLimited, message: "Clay takes nothing more for now: " + h.last.Reason, hint: resume}
	}
	return &exitError{code: exitNetwork, message: "Clay cannot be reached: " + h.last.Reason, hint: resume}
}
