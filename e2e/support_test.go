// Package e2e_test looks at claygate from outside: the real binary, killed, starved and restarted, between its user's
// files and an emulated Clay. What must hold whatever happens is in audit_test.go.
package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// binary builds claygate once. The race detector stays out of it: SQLite would be slowed a dozen times.
var binary = sync.OnceValues(func() (string, error) { return build("claygate") })

// crashing builds the one that can be killed at a point (internal/crash).
var crashing = sync.OnceValues(func() (string, error) { return build("crashing", "-tags", "faultpoints") })

func build(name string, flags ...string) (string, error) {
	path := filepath.Join(buildDir, name)
	args := append(append([]string{"build", "-o", path}, flags...), "github.com/claygate/claygate/cmd/claygate")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

var buildDir string

// waits is how many tests share a processor: most of the time they wait for processes to come and go.
const waits = 3

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "claygate-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buildDir = dir
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set(strconv.Itoa(waits * runtime.GOMAXPROCS(0)))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// table is one Clay table, emulated in the test's process, and the machine from which it is fed.
type table struct {
	t        *testing.T
	clay     *claytest.Server
	dir      string // files and the ledger
	disk     string // where the ledger is instead; "" for dir
	callback string // where claygate takes callbacks
	pace     int    // sends a second; 0 for the default
	flags    []string
	read     func() books // reads the ledger; nil for the file's
}

// books reads the ledger.
func (b *table) books() books {
	b.t.Helper()
	if b.read != nil {
		return b.read()
	}
	return read(b.t, b.ledger())
}

// newTable makes a Clay that allows what claygate expects at that pace: a burst of twice its own.
func newTable(t *testing.T, pace int) *table {
	t.Helper()
	b := &table{t: t, dir: t.TempDir(), callback: freeAddress(t), pace: pace}
	column := claytest.Column{
		URL: "http://" + b.callback + "/callbacks/default", Limit: claytest.Limit{Requests: -1},
		Delay: claytest.Delay{Min: 20 * time.Millisecond, Max: 300 * time.Millisecond},
	}
	b.clay = claytest.New(t, claytest.Options{
		PerSecond: float64(pace), Burst: 2 * pace, Misses: -1, Keep: -1, JournalAll: true, Journal: filepath.Join(b.dir, "clay.journal"), Column: column,
	})
	b.flags = []string{"--result-timeout", "3s"}
	if pace > 0 {
		b.flags = append(b.flags, "--pace", fmt.Sprint(pace))
	}
	return b
}

// lastPort is the last port that a test was given. They begin where this process does, below those that the system gives to
// whoever names none: while a gateway is dead nobody else gets its port, and answers in its place.
var lastPort atomic.Int32

func init() { lastPort.Store(int32(os.Getpid() % 200 * 100)) }

// freeAddress returns an address that was free a moment ago, and is no other test's.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+lastPort.Add(1)%20_000)
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("none of a thousand ports is free")
	return ""
}

// ledger is the path of the ledger.
func (b *table) ledger() string { return filepath.Join(cmp.Or(b.disk, b.dir), "ledger.db") }

// leads writes a file of n people and returns its path.
func (b *table) leads(name string, n int) string {
	b.t.Helper()
	var text strings.Builder
	text.WriteString("name,email\n")
	for i := range n {
		fmt.Fprintf(&text, "Lead %d,%s.lead%d@leads.example\n", i, strings.TrimSuffix(name, ".csv"), i)
	}
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// child is a running claygate.
type child struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err *buffer
	ended    chan struct{}
}

// buffer is one that may be read while the child writes.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// until waits until the child has said something.
func (c *child) until(text string) {
	c.t.Helper()
	for began := time.Now(); !strings.Contains(c.err.String(), text); {
		if !c.alive() || time.Since(began) > time.Minute {
			c.t.Fatalf("it never said %q, but:\n%s", text, c.err)
		}
		pause(c.t.Context(), 10*time.Millisecond)
	}
}

// enrich starts claygate on a file.
func (b *table) enrich(in string, flags ...string) *child {
	b.t.Helper()
	args := []string{"enrich", in, "-o", b.output(in), "--ledger", b.ledger(), "--callback-listen", b.callback, "--public-url", "http://" + b.callback}
	return start(b.t, []string{"CLAY_WEBHOOK_URL=" + b.clay.WebhookURL("people"), "HOME=" + b.dir}, append(append(args, b.flags...), flags...)...)
}

// output is where an input's rows come out.
func (b *table) output(in string) string { return in + ".out.csv" }

// start starts claygate. It is killed with the test, should it still run.
func start(t *testing.T, env []string, args ...string) *child {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, path, env, args...)
}

// launch starts a binary.
func launch(t *testing.T, path string, env []string, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(path, args...), out: &buffer{}, err: &buffer{}, ended: make(chan struct{})}
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.err
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // its exit code is in ProcessState
		close(c.ended)
	}()
	c.watch(env)
	t.Cleanup(c.kill)
	return c
}

// kill ends the child at once, as a power cut would end it, and returns when it is gone.
func (c *child) kill() {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Error(err)
	}
	<-c.ended
}

// wait waits for the child's own end and returns its exit code and what it said.
func (c *child) wait() (code int, said string) {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		c.kill()
		c.t.Fatalf("it does not end; it said:\n%s", c.err.String())
	}
	said = c.err.String()
	if strings.Contains(said, "goroutine ") {
		c.t.Errorf("it broke down:\n%s", said)
	}
	return c.cmd.ProcessState.ExitCode(), said
}

// mustEnd waits for the child's own end, which has to be one of the exit codes.
func (c *child) mustEnd(codes ...int) string {
	c.t.Helper()
	code, said := c.wait()
	for _, want := range codes {
		if code == want {
			return said
		}
	}
	c.t.Fatalf("exit %d, want one of %v; it said:\n%s", code, codes, said)
	return ""
}

// alive reports whether the child still runs.
func (c *child) alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// pause waits, because what it waits for is another process's.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// statuses counts the rows of an output file by their claygate_status.
func statuses(t *testing.T, path string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, row := range rows(t, path) {
		counts[row["claygate_status"]]++
	}
	return counts
}

// rows reads a CSV file as its rows, by column.
func rows(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		all = append(all, row)
	}
	return all
}

// complete brings every row of a load to its result, as people do after a bad day: they run the column again for the
// rows whose callback came to nothing, and have claygate send again what may never have got to Clay.
func (b *table) complete(in string) {
	b.t.Helper()
	b.runColumnAgain()
	b.enrich(in, "--retry", "failed,expired,uncertain").mustEnd(0)
}

// runColumnAgain runs Clay's column again for the rows whose callback came to nothing, while a claygate listens: one
// that awaits another row's result, which is held back until all the others are in.
func (b *table) runColumnAgain() {
	b.t.Helper()
	held := func(e claytest.Event) bool { return strings.Contains(string(e.Body), "keeper") }
	b.must(b.clay.SetFaults(claytest.Fault{Kind: claytest.CallbackMissing, When: held}))
	before := b.clay.Stats().Rows
	c := b.enrich(b.leads("keeper.csv", 1), "--result-timeout", "1m")
	b.must(b.clay.WaitRows(b.t.Context(), before+1))
	b.clay.RunMissing()
	b.must(b.clay.WaitIdle(b.t.Context()))
	b.must(b.clay.SetFaults())
	b.clay.RunMissing()
	c.mustEnd(0)
}

func (b *table) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}
