package cli

import (
	"sync"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// defaultPatience is how long a command goes on while nothing reaches Clay, or the ledger takes nothing, before it gives
// up. Nothing is lost: the rows wait in the ledger for the next run.
const defaultPatience = 2 * time.Minute

// health watches the attempts and the ledger: how fast the rows go, whether they arrive, and what holds them up.
type health struct {
	patience time.Duration

	mu      sync.Mutex
	sends   []time.Time // of the last window
	paid    int         // attempts of this run that Clay took, or may have taken
	records map[ledger.RecordID]struct{}
	clay    hitch
	last    ledger.Answer // of the attempts that did not get through
	ledger  hitch
	fault   error // the ledger's last
}

// hitch is something that does not work at present.
type hitch struct{ since time.Time } // zero while it works

func (h *hitch) begin() {
	if h.since.IsZero() {
		h.since = time.Now()
	}
}

func (h *hitch) end() { h.since = time.Time{} }

// lasts returns for how long it has not worked.
func (h *hitch) lasts() time.Duration {
	if h.since.IsZero() {
		return 0
	}
	return time.Since(h.since)
}

// rateWindow is the time over which the rate is taken.
const rateWindow = 5 * time.Second

// observe is told of every attempt.
func (h *health) observe(r ledger.Record, a ledger.Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.records == nil {
		h.records = map[ledger.RecordID]struct{}{}
	}
	h.records[r.ID] = struct{}{}
	if a.Verdict == ledger.Unsent || a.Verdict == ledger.Throttled {
		h.clay.begin()
		h.last = a
		return
	}
	h.clay.end()
	h.sends = append(h.sends, time.Now())
	if a.Verdict.Counted() {
		h.paid++
	}
}

// trouble is told when the ledger fails, and nil when it works again.
func (h *health) trouble(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault = err; err == nil {
		h.ledger.end()
		return
	}
	h.ledger.begin()
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
	window := max(min(rateWindow, now.Sub(began)), time.Second)
	return float64(len(h.sends)) / window.Seconds()
}

// showAfter is how long something may not work before it is worth a word.
const showAfter = 2 * time.Second

// held returns what holds the rows up at present, "" for nothing.
func (h *health) held() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.fault != nil:
		return h.fault.Error()
	case h.clay.lasts() >= showAfter:
		return h.last.Reason
	}
	return ""
}

// broken returns the ledger's fault when the ledger will not, or for too long did not, recover from it.
func (h *health) broken() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault != nil && (ledger.KindOf(h.fault) == ledger.Unavailable || h.ledger.lasts() >= h.patience) {
		return h.fault
	}
	return nil
}

// hopeless returns the error to end with when nothing has got through to Clay for too long, or will not for longer.
func (h *health) hopeless() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clay.lasts() == 0 || h.clay.lasts() < h.patience && h.last.RetryAfter < h.patience {
		return nil
	}
	const resume = "nothing is lost: run the same command again later and it goes on from here"
	if h.last.Verdict == ledger.Throttled {
		return &exitError{code: exitRateLimited, message: "Clay takes nothing more for now: " + h.last.Reason, hint: resume}
	}
	return &exitError{code: exitNetwork, message: h.last.Reason, hint: resume}
}
