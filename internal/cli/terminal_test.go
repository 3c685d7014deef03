//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/claygate/claygate/clay/claytest"
)

// terminal is a terminal of the system's, and what stands on its screen.
type terminal struct {
	master, slave *os.File
	screen        screen
	read          sync.WaitGroup
}

func newTerminal(t *testing.T, width int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: uint16(width)})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{master: master, slave: slave, screen: screen{width: width}}
	term.read.Go(func() { _, _ = io.Copy(&term.screen, master) }) // ends with an error when the other end is closed
	return term
}

// close ends the terminal and returns the lines on its screen.
func (term *terminal) close() []string {
	_ = term.slave.Close()
	term.read.Wait()
	_ = term.master.Close()
	return term.screen.lines()
}

// screen is what a terminal shows, without an end: nothing scrolls away.
type screen struct {
	mu       sync.Mutex
	width    int
	rows     [][]rune
	row, col int
	pending  string // an escape sequence that has not ended
	wrapped  int    // lines that did not fit
	seen     strings.Builder
}

var sequence = regexp.MustCompile(`^\x1b\[(\d*)([A-Za-z])`)

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Write(p)
	text := s.pending + string(p)
	for s.pending = ""; text != ""; {
		if text[0] == '\x1b' {
			m := sequence.FindStringSubmatch(text)
			if m == nil {
				s.pending = text
				break
			}
			s.control(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		if r == '\uFFFD' && len(text) < 4 {
			s.pending = text // half a character
			break
		}
		s.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (s *screen) control(number, what string) {
	n, _ := strconv.Atoi(number)
	switch what {
	case "A":
		s.row = max(s.row-max(n, 1), 0)
	case "J":
		if s.row < len(s.rows) {
			s.rows = s.rows[:s.row+1]
			s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
		}
	case "m": // a colour
	default:
		panic("the screen does not know \\x1b[" + number + what)
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.col = 0
		return
	case '\n':
		s.row++
		return
	}
	if s.col == s.width {
		s.row, s.col, s.wrapped = s.row+1, 0, s.wrapped+1
	}
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	for len(s.rows[s.row]) <= s.col {
		s.rows[s.row] = append(s.rows[s.row], ' ')
	}
	s.rows[s.row][s.col] = r
	s.col++
}

// lines returns the screen's lines.
func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return lines
}

// until waits until the terminal has shown a text.
func (term *terminal) until(t *testing.T, text string) {
	t.Helper()
	for began := time.Now(); ; {
		term.screen.mu.Lock()
		found := strings.Contains(term.screen.seen.String(), text)
		term.screen.mu.Unlock()
		if found {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("it never showed %q, but\n%s", text, strings.Join(term.screen.lines(), "\n"))
		}
		<-time.After(10 * time.Millisecond) // of another process's making: the kernel's terminal
	}
}

// What people see on terminals of every width, at the end and after ^C. The failures it prevents: lines that wrap, and
// the first two characters of the bar that stay behind because the terminal's echo of ^C had moved the cursor.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 60, 80, 200} {
		for _, interrupted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d columns, interrupted %t", width, interrupted), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, claytest.Options{Misses: -1, Column: claytest.Column{Delay: claytest.Delay{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond}}})
				in := w.file("leads.csv", leads(30))
				short, err := os.MkdirTemp("", "cg") // a path that fits
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.RemoveAll(short) })
				w.env["CLAYGATE_PUBLIC_URL"] = "https://h.example"
				term := newTerminal(t, width)
				interrupt := make(chan os.Signal, 1)
				code := make(chan int, 1)
				go func() {
					code <- Main([]string{"enrich", in, "--callback-listen", w.callback, "-o", w.path("out.csv"), "--ledger", short + "/l.db", "--pace", "20"}, Streams{
						Err: term.slave, Terminal: true, Interrupt: interrupt, Getenv: func(name string) string { return w.env[name] },
					})
				}()
				if interrupted {
					w.atClay(22)
					term.until(t, "sent 2")
					if _, err := term.master.Write([]byte{3}); err != nil { // the terminal echoes ^C
						t.Fatal(err)
					}
					term.until(t, "^C")
					interrupt <- os.Interrupt
				}
				got := <-code
				lines := term.close()
				screen := strings.Join(lines, "\n")
				if term.screen.wrapped > 0 {
					t.Errorf("%d lines did not fit:\n%s", term.screen.wrapped, screen)
				}
				// There is one bar, and it begins where its line does.
				bars := 0
				for _, line := range lines {
					if strings.Contains(line, "━") {
						bars++
						if !strings.HasPrefix(line, "━") || strings.Contains(line, "stopped sending") {
							t.Errorf("rubbish: %q", line)
						}
					}
				}
				if width >= 60 && bars != 1 {
					t.Errorf("%d bars on the screen:\n%s", bars, screen)
				}
				want := map[bool]int{false: exitOK, true: exitInterrupted}[interrupted]
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("exit code (-want +got):\n%s%s", diff, screen)
				}
				for text, times := range map[string]int{"stopped sending": got / exitInterrupted, "^C": 0, "paid: ": 1, "30 rows: ": 1, "failed 0": 1} {
					if n := strings.Count(screen, text); n != times {
						t.Errorf("%q is there %d times, want %d:\n%s", text, n, times, screen)
					}
				}
			})
		}
	}
}
