package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar is the progress bar of a terminal: one line, made to fit, with room for other lines above it.
type bar struct {
	console   mpb.ConsoleWriter
	container *mpb.Progress
	bar       *mpb.Bar
	now       atomic.Pointer[progress]
	paint     paint
}

func newBar(terminal *os.File, s Streams) *bar {
	b := &bar{
		console: console(terminal),
		paint:   paint{on: s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"},
	}
	b.now.Store(&progress{})
	b.container = mpb.New(mpb.WithConsoleWriter(b.console), mpb.WithRefreshRate(100*time.Millisecond))
	b.bar = b.container.New(1, drawing(b.upper), mpb.BarFillerTrim(), mpb.BarBtmExtender(mpb.BarFillerFunc(b.lower)))
	return b
}

func (b *bar) upper(w io.Writer, at decor.Statistics) error {
	upper, _ := b.paint.lines(*b.now.Load(), at.AvailableWidth)
	_, err := io.WriteString(w, upper)
	return err
}

func (b *bar) lower(w io.Writer, at decor.Statistics) error {
	_, lower := b.paint.lines(*b.now.Load(), at.AvailableWidth)
	if lower == "" {
		return nil
	}
	_, err := io.WriteString(w, lower+"\n")
	return err
}

// console writes to a terminal from the first column on: the ^C that a terminal echoes moves the cursor, and what is
// drawn over would otherwise keep its first two characters.
func console(terminal *os.File) mpb.ConsoleWriter {
	w := cupwriter.New(fromFirstColumn{terminal}, false)
	w.SetTermFd(int(terminal.Fd()))
	return w
}

type fromFirstColumn struct{ io.Writer }

func (w fromFirstColumn) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(append([]byte{'\r'}, p...))
	return max(n-1, 0), err
}

// drawing makes a filler its own builder, which is how the library takes one.
type drawing mpb.BarFillerFunc

// Build implements mpb.BarFillerBuilder.
func (d drawing) Build() mpb.BarFiller { return mpb.BarFillerFunc(d) }

// show draws a moment with the next refresh.
func (b *bar) show(p progress) { b.now.Store(&p) }

// above prints text above the bar.
func (b *bar) above(text string) {
	if width, _, err := b.console.GetTermSize(); err == nil {
		text = fold(text, width-1)
	}
	_, _ = b.container.Write([]byte(text)) // a terminal that went away has nobody to tell
}

// end draws the last moment and leaves it there.
func (b *bar) end() {
	b.bar.SetTotal(1, true)
	b.container.Wait()
}

// paint colours text, unless it is off.
type paint struct{ on bool }

// The colours that are used, as SGR parameters.
const (
	green = "32"
	red   = "31"
	faint = "2"
)

func (p paint) in(colour, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// Bounds on the bar itself, in columns.
const (
	shortestBar = 10
	longestBar  = 40
)

// endingWidth is room for what mostly stands at the end of the line, so that the bar keeps its length when that changes.
// A rare longer end takes its room from the bar.
const endingWidth = len("awaiting 100 results")

// lines draws a moment in at most so many columns: on one line where all of it fits beside a bar, else on two. Which of
// them depends on the width and the number of rows alone, so that nothing jumps while it runs.
func (p paint) lines(m progress, width int) (upper, lower string) {
	width-- // some terminals wrap when the last column is written
	widest := m
	widest.finished, widest.sent, widest.done, widest.cached, widest.failed, widest.rate = m.total, m.total, m.total, m.total, m.total, 99
	head, counts := fmt.Sprintf("%d/%d", m.finished, m.total), m.counts(separator)
	room := width - columns(widest.counts(separator)) - columns(fmt.Sprintf("%d/%d", m.total, m.total)) - endingWidth - 4*len("  ")
	if rest := columns(head+counts+m.ending()) + 3*len("  "); room >= shortestBar && rest < width {
		return p.gauge(m, min(room, longestBar, width-rest)) + "  " + head + "  " + p.alarm(m, counts) + "  " + m.ending(), ""
	}
	end := head + "  " + m.ending()
	upper = clip(end, width)
	if room := width - columns(fmt.Sprintf("%d/%d", m.total, m.total)) - endingWidth - 2*len("  "); room >= shortestBar && columns(end)+len("  ") < width {
		upper = p.gauge(m, min(room, longestBar, width-columns(end)-len("  "))) + "  " + end
	}
	if columns(counts) > width {
		counts = m.counts(" ")
	}
	return upper, p.alarm(m, clip(counts, width))
}

// separator stands between figures.
const separator = " · "

// counts are the figures of a moment.
func (p progress) counts(between string) string {
	return strings.Join([]string{
		fmt.Sprintf("sent %d", p.sent), fmt.Sprintf("done %d", p.done), fmt.Sprintf("cached %d", p.cached),
		fmt.Sprintf("failed %d", p.failed), fmt.Sprintf("%.1f/s", p.rate),
	}, between)
}

// alarm colours the failures, when there are any.
func (p paint) alarm(m progress, counts string) string {
	if m.failed == 0 {
		return counts
	}
	failed := fmt.Sprintf("failed %d", m.failed)
	return strings.Replace(counts, failed, p.in(red, failed), 1)
}

// gauge draws the bar itself.
func (p paint) gauge(m progress, width int) string {
	full := 0.0
	if m.total > 0 {
		full = float64(m.finished) / float64(m.total) * float64(width)
	}
	n := int(full)
	done := strings.Repeat("━", n)
	if n < width && full-float64(n) >= 0.5 {
		done += "╸"
		n++
	}
	return p.in(green, done) + p.in(faint, strings.Repeat("─", width-n))
}

// columns is how wide a text is that has no wide characters.
func columns(text string) int { return len([]rune(text)) }

// clip cuts a text to so many columns.
func clip(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string(runes[:width-1]) + "…"
}
