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

	mu     sync.Mutex
	sends  []time.Time   // of the last window
	clay   hitch         // nothing gets through
	stuck  hitch         // rows wait to be sent, and nothing else is to be waited for
	next   time.Time     // when the next row can be sent; zero for now
	last   ledger.Answer // of the attempts that did not get through
	ledger hitch
	fault  error // the ledger's last
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
func (h *health) observe(_ ledger.Record, a ledger.Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch a.Verdict {
	case ledger.Unsent, ledger.Throttled:
		h.clay.begin()
		h.last = a
		return
	case ledger.Failed:
		h.clay.begin()
		h.last = a
	default:
		h.clay.end()
		h.stuck.end()
	}
	h.sends = append(h.sends, time.Now())
}

// idle is told how long it is until the next row can be sent.
func (h *health) idle(_ ledger.LaneID, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = time.Time{}
	if wait > 0 {
		h.next = time.Now().Add(wait)
	}
}

// wait returns how long it is until the next row can be sent.
func (h *health) wait() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.untilNext()
}

func (h *health) untilNext() time.Duration {
	if h.next.IsZero() {
		return 0
	}
	return max(time.Until(h.next), 0)
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
		message, _, _ := explain(h.fault)
		if ledger.KindOf(h.fault) == ledger.Full {
			message += ": free some, and it goes on by itself"
		}
		return message
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

// left is told that rows left which another process sends, and whether anything of their target has got through.
func (h *health) left(n int, through bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range n {
		h.sends = append(h.sends, time.Now())
	}
	if through {
		h.stuck.end()
	}
}

// idleFor reports whether rows wait to be sent, nothing is on its way, and nothing has got through for too long.
func (h *health) idleFor(c ledger.Counts) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fault != nil || c.In(ledger.Queued) == 0 || c.In(ledger.Sent, ledger.Uncertain) > 0 {
		h.stuck.end()
		return false
	}
	h.stuck.begin()
	return h.stuck.lasts() >= h.patience
}

// hopeless returns the error to end with when rows wait to be sent and nothing has got through to Clay for too long, or
// will not for longer. While results are on their way it is worth waiting.
func (h *health) hopeless(c ledger.Counts) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.In(ledger.Queued) == 0 || c.In(ledger.Sent, ledger.Uncertain) > 0 {
		h.stuck.end()
		return nil
	}
	h.stuck.begin()
	wait := max(h.untilNext(), h.last.RetryAfter)
	if h.stuck.lasts() < h.patience && wait < h.patience {
		return nil
	}
	why := h.last.Reason
	if why == "" {
		why = "an earlier run was told to wait"
	}
	e := &exitError{code: exitOther, message: why, hint: "nothing is lost: run the same command again later and it goes on from here"}
	switch {
	case h.last.Verdict == ledger.Unsent:
		e.code = exitNetwork
	case h.last.Verdict == ledger.Throttled, h.last.Verdict == "":
		e.code, e.message = exitRateLimited, "Clay takes nothing more for "+about(wait)+": "+why
	}
	return e
}
