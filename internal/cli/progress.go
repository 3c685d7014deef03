package cli

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/claygate/claygate/internal/ledger"
)

// lineEvery is how often progress is printed where there is no terminal to draw on.
const lineEvery = 2 * time.Second

// progress is one moment of a run.
type progress struct {
	total, finished            int
	sent, done, cached, failed int
	rate                       float64 // sends a second
	left                       time.Duration
	trouble                    string
}

// progressOf reads a moment from the load's counters.
func progressOf(l *load, c ledger.Counts, began time.Time) progress {
	p := progress{
		total: len(l.rows), sent: c[ledger.CountSent], cached: c[ledger.CountCached],
		failed:  c.In(ledger.Dead, ledger.Expired) + l.show.badRows,
		rate:    l.health.rate(began),
		trouble: l.health.trouble(),
	}
	p.done = c.In(ledger.Done) - p.cached
	p.finished = p.total - c.Open()
	p.left = timeLeft(c, p.rate)
	return p
}

// timeLeft guesses how long the run still takes: what is queued at the present rate, or a moment for what is at Clay.
func timeLeft(c ledger.Counts, rate float64) time.Duration {
	queued := c.In(ledger.Queued)
	if queued == 0 {
		if c.Open() == 0 {
			return 0
		}
		return time.Second
	}
	if rate <= 0 {
		rate = ledger.DefaultPerSecond
	}
	return time.Duration(math.Ceil(float64(queued)/rate+1)) * time.Second
}

func (p progress) String() string {
	s := fmt.Sprintf("%d/%d · sent %d · done %d · cached %d · failed %d · %.1f/s · %s left",
		p.finished, p.total, p.sent, p.done, p.cached, p.failed, p.rate, p.left)
	if p.trouble != "" {
		s += " · retrying: " + oneLine(p.trouble)
	}
	return s
}

// begin starts to show progress.
func (d *display) begin(l *load) {
	d.began = time.Now()
	if d.streams.Terminal && !d.json && !d.verbose {
		d.bar = newBar(d.streams.Err, len(l.rows))
	}
}

// progress shows a moment: on the bar, or as a line every so often.
func (d *display) progress(l *load, c ledger.Counts) {
	p := progressOf(l, c, d.began)
	if d.bar != nil {
		d.bar.show(p)
		return
	}
	if now := time.Now(); now.Sub(d.shown) < lineEvery && c.Open() > 0 {
		return
	} else if d.shown = now; d.json {
		d.event("progress", map[string]any{
			"rows": p.total, "finished": p.finished, "sent": p.sent, "done": p.done, "cached": p.cached,
			"failed": p.failed, "per_second": math.Round(p.rate*10) / 10, "left_s": p.left.Seconds(), "trouble": p.trouble,
		})
		return
	}
	if text := p.String(); text != d.lastLine {
		d.line("%s", text)
		d.lastLine = text
	}
}

// end takes the bar away.
func (d *display) end() {
	if d.bar != nil {
		d.bar.end()
		d.bar = nil
	}
}

// bar is the progress bar of a terminal.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	now       chan progress // holds the moment to draw
	last      progress
}

func newBar(w io.Writer, total int) *bar {
	b := &bar{container: mpb.New(mpb.WithOutput(w), mpb.WithWidth(30), mpb.WithRefreshRate(100*time.Millisecond)), now: make(chan progress, 1)}
	b.bar = b.container.AddBar(int64(total), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
		select {
		case b.last = <-b.now:
		default:
		}
		return " " + b.last.String()
	})))
	return b
}

// show draws a moment with the next refresh.
func (b *bar) show(p progress) {
	select {
	case <-b.now: // one that was not drawn yet
	default:
	}
	b.now <- p
	b.bar.SetCurrent(int64(p.finished))
}

// above prints text above the bar.
func (b *bar) above(text string) {
	_, _ = b.container.Write([]byte(text)) // a terminal that went away has nobody to tell
}

func (b *bar) end() {
	b.bar.SetTotal(-1, true)
	b.bar.Abort(false)
	b.container.Wait()
}
