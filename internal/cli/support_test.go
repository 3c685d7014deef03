package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Tests{M: m}) }

var update = flag.Bool("update", false, "write the golden files anew")

// world is a machine with a home, a folder of files and an emulated Clay, in which commands are run.
type world struct {
	t        *testing.T
	dir      string
	env      map[string]string
	clay     *claytest.Server
	callback string // where commands take callbacks
	stdin    io.Reader
}

// The secrets of every world: none of them may ever be seen.
const (
	hookCanary   = "pull-in-data-from-a-webhook-h00kcanary"
	tokenCanary  = "t0kencanary"
	secretCanary = "s3cretcanary"
)

// newWorld makes one whose Clay has no limits and answers at once, unless the options say otherwise.
func newWorld(t *testing.T, o claytest.Options) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), callback: freeAddress(t)}
	if o.PerSecond == 0 {
		o.PerSecond = -1
	}
	if o.Column.URL == "" {
		o.Column.URL = "http://" + w.callback + "/callbacks/default"
	}
	if o.Column.Delay == (claytest.Delay{}) {
		o.Column.Delay.Max = -1
	}
	o.Column.Header = map[string][]string{"X-Claygate-Secret": {secretCanary}}
	o.Token = tokenCanary
	w.clay = claytest.New(t, o)
	w.env = map[string]string{
		"HOME": w.dir, "CLAY_WEBHOOK_URL": w.clay.WebhookURL(hookCanary), "CLAY_WEBHOOK_TOKEN": tokenCanary,
		"CLAYGATE_CALLBACK_SECRET": secretCanary, "CLAYGATE_PUBLIC_URL": "https://hooks.example.com",
	}
	return w
}

// freeAddress returns an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// file writes a file into the world's folder and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// read reads a file of the world's folder.
func (w *world) read(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// result is what a command came to.
type result struct {
	code     int
	out, err string
}

// run runs a command to its end.
func (w *world) run(args ...string) result {
	w.t.Helper()
	c := w.start(args...)
	return c.wait()
}

// enrich runs enrich, fast and with the world's callback address, and keeps every line that it says in w's check.
func (w *world) enrich(args ...string) result {
	w.t.Helper()
	return w.run(w.enrichArgs(args...)...)
}

func (w *world) enrichArgs(args ...string) []string {
	return append([]string{"enrich", "--callback-listen", w.callback, "--pace", "1000"}, args...)
}

// command is one that runs.
type command struct {
	w         *world
	interrupt chan os.Signal
	reload    chan os.Signal
	out, err  *lockedBuffer
	code      chan int
}

// start runs a command in the background.
func (w *world) start(args ...string) *command {
	c := &command{w: w, interrupt: make(chan os.Signal, 2), reload: make(chan os.Signal, 1), out: newBuffer(), err: newBuffer(), code: make(chan int, 1)}
	stdin := w.stdin
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	go func() {
		c.code <- Main(args, Streams{
			In: stdin, Out: c.out, Err: c.err, Interrupt: c.interrupt, Reload: c.reload,
			Getenv: func(name string) string { return w.env[name] },
		})
	}()
	return c
}

// wait waits for the command's end and checks what must hold for every command.
func (c *command) wait() result {
	c.w.t.Helper()
	select {
	case code := <-c.code:
		r := result{code, c.out.String(), c.err.String()}
		c.w.check(r)
		return r
	case <-time.After(time.Minute):
		c.w.t.Fatalf("the command does not end; it said:\n%s", c.err)
		panic("unreachable")
	}
}

// until waits until the command has said something on stderr.
func (c *command) until(text string) {
	c.w.t.Helper()
	ctx, cancel := context.WithTimeout(c.w.t.Context(), time.Minute)
	defer cancel()
	if !c.err.wait(ctx, text) {
		c.w.t.Fatalf("the command never said %q, but:\n%s", text, c.err)
	}
}

// jargon is what the people who use claygate need not understand.
var jargon = regexp.MustCompile(`goroutine \d|runtime error|strconv\.|\.go:\d|0x[0-9a-f]{6}|%!|panic|<nil>|sql:`)

// check finds secrets, people's data and jargon in what a command said.
func (w *world) check(r result) {
	w.t.Helper()
	for _, canary := range []string{hookCanary, tokenCanary, secretCanary, keyCanary} {
		if strings.Contains(r.out+r.err, canary) {
			w.t.Errorf("the secret %s is shown:\n%s\n%s", canary, r.out, r.err)
		}
	}
	if strings.Contains(r.err, "@leads.example") {
		w.t.Errorf("a person's address is in what may be logged:\n%s", r.err)
	}
	if found := jargon.FindString(r.err); found != "" {
		w.t.Errorf("%q is nothing to tell people:\n%s", found, r.err)
	}
}

// lockedBuffer is a buffer that can be read, and waited on, while it is written.
type lockedBuffer struct {
	mu      sync.Mutex
	changed *sync.Cond
	buf     bytes.Buffer
}

func newBuffer() *lockedBuffer {
	b := &lockedBuffer{}
	b.changed = sync.NewCond(&b.mu)
	return b
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed.Broadcast()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// wait waits until the buffer holds a text, or the context ends.
func (b *lockedBuffer) wait(ctx context.Context, text string) bool {
	stop := context.AfterFunc(ctx, b.changed.Broadcast)
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !strings.Contains(b.buf.String(), text) {
		if ctx.Err() != nil {
			return false
		}
		b.changed.Wait()
	}
	return true
}

// leads returns a CSV of n people.
func leads(n int) string {
	var b strings.Builder
	b.WriteString("name,email\n")
	for i := range n {
		fmt.Fprintf(&b, "Lead %d,ada.lovelace%d@leads.example\n", i, i)
	}
	return b.String()
}

// table reads a CSV as its rows, by column.
func table(t *testing.T, content string) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// statuses returns the column claygate_status of an output file.
func (w *world) statuses(name string) []string {
	w.t.Helper()
	var all []string
	for _, row := range table(w.t, w.read(name)) {
		all = append(all, row["claygate_status"])
	}
	return all
}

// path returns a path in the world's folder.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// discardLog is a log that nobody reads.
func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// newHTTPServer serves until the test ends and returns its URL.
func newHTTPServer(t *testing.T, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = discardLog()
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
