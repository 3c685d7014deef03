package cli

import (
	"fmt"
	"math"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// lineEvery is how often progress is printed where there is no terminal to draw on.
const lineEvery = 2 * time.Second

// progress is one moment of a run.
type progress struct {
	total, finished            int
	sent, done, cached, failed int
	queued                     int           // not sent yet
	atClay                     int           // sent, or perhaps, and not finished
	rate                       float64       // sends a second
	left                       time.Duration // until the last row has left
	wait                       time.Duration // until the next one can leave
	took                       time.Duration // so far
	held                       bool          // nothing gets through at present
	stopped                    bool          // nothing more is sent
}

// progressOf reads a moment from the load's counters, without the records that the input does not have.
func progressOf(l *load, c ledger.Counts, began time.Time) progress {
	c = difference(c, l.others)
	bad := l.show.badRows
	p := progress{
		total: len(l.rows), sent: sent(c), cached: c[ledger.CountCached],
		failed: c.In(ledger.Dead, ledger.Expired, ledger.Canceled) + bad, queued: c.In(ledger.Queued),
		atClay: c.In(ledger.Sending, ledger.Sent, ledger.Uncertain),
		rate:   l.health.rate(began), took: time.Since(began), wait: l.health.wait(),
	}
	p.done = c.In(ledger.Done) - p.cached
	p.finished = min(max(p.total-c.Open(), 0), p.total)
	p.left = timeLeft(p.queued, p.rate, l.flags.lanePace())
	return p
}

// sent returns how many records are at Clay, or may be, or were. A record that was tried and is in the queue again is not.
func sent(c ledger.Counts) int {
	left := c.In(ledger.Sending, ledger.Sent, ledger.Uncertain, ledger.Done, ledger.Dead, ledger.Expired) - c[ledger.CountCached]
	return max(min(left, c[ledger.CountSent]), 0)
}

// timeLeft guesses how long it takes to send what is queued: at the present rate, or at the pace when there is none yet.
func timeLeft(queued int, rate float64, pace ledger.Pace) time.Duration {
	if rate < pace.PerSecond/100 {
		rate = pace.PerSecond
	}
	return time.Duration(math.Ceil(float64(queued)/rate)) * time.Second
}

// ending says what is still to be waited for.
func (p progress) ending() string {
	switch {
	case p.queued > 0 && !p.stopped && p.wait > showAfter:
		return "next try in " + about(p.wait)
	case p.held:
		return "retrying"
	case p.queued > 0 && !p.stopped:
		return about(p.left) + " left"
	case p.atClay > 0:
		return "awaiting " + plural(p.atClay, "result")
	case p.finished < p.total:
		return "stopped"
	}
	return "in " + about(p.took)
}

// String is the moment on a line of a log.
func (p progress) String() string {
	return fmt.Sprintf("%d/%d%s%s%s%s", p.finished, p.total, separator, p.counts(separator), separator, p.ending())
}

// about writes a duration as roughly as it matters.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24+0.5))
}

// begin starts to show progress.
func (d *display) begin(l *load) {
	d.began = time.Now()
	if terminal := d.streams.terminal(); terminal != nil && !d.json && !d.verbose && !d.quiet {
		d.bar = newBar(terminal, d.streams)
	}
}

// progress shows a moment: on the bar, or as a line every so often.
func (d *display) progress(l *load, c ledger.Counts) {
	if d.quiet {
		return
	}
	p := progressOf(l, c, d.began)
	held := l.health.held()
	p.held, p.stopped = held != "", d.halted
	if held != "" && d.held == "" && !d.json {
		d.line("nothing gets through: %s", oneLine(held))
	}
	d.held = held
	d.moment(p, c.Open() == 0)
}

// moment shows one, the last one in any case.
func (d *display) moment(p progress, last bool) {
	if d.bar != nil {
		d.bar.show(p)
		return
	}
	if now := time.Now(); now.Sub(d.shown) < lineEvery && !last {
		return
	} else if d.shown = now; d.json {
		d.event("progress", map[string]any{
			"rows": p.total, "finished": p.finished, "sent": p.sent, "done": p.done, "cached": p.cached,
			"failed": p.failed, "per_second": math.Round(p.rate*10) / 10, "left_s": p.left.Seconds(), "trouble": oneLine(d.held),
		})
		return
	}
	if text := p.String(); text != d.lastLine {
		d.line("%s", text)
		d.lastLine = text
	}
}

// end leaves the bar as it stands.
func (d *display) end() {
	if d.bar != nil {
		d.bar.end()
		d.bar = nil
	}
}
