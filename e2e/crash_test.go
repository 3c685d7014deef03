package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/crash"
)

// kills is how often each test kills claygate: 10 times, or as often as CLAYGATE_KILLS says.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("CLAYGATE_KILLS"), "10"))
	if err != nil || n < 1 {
		t.Fatalf("CLAYGATE_KILLS must be a number: %v", err)
	}
	return n
}

// stage says under what load a point is passed, and how often before it kills.
type stage struct {
	faults  []claytest.Fault
	most    int    // it kills at one of so many passages
	long    bool   // of long records, so that the ledger's file grows
	first   string // another point, at which the process before is killed
	timeout string // how long results are awaited
	extra   string // lines of the configuration
}

// stages are those of the points that ordinary traffic does not pass often.
var stages = map[string]stage{
	crash.Commit:        {most: 60},
	crash.LogWrite:      {most: 400},
	crash.LogSync:       {most: 60},
	crash.Checkpoint:    {most: 60, long: true},
	crash.CheckpointEnd: {most: 3, long: true},
	crash.Deadline:      {most: 3, faults: []claytest.Fault{{Kind: claytest.CallbackMissing, Rate: 0.5}}, timeout: "300ms"},
	crash.Pruning:       {most: 1, first: crash.CallbackKept, extra: "        max_age: 0\n        empty_max_age: 0\nretention: {bodies: 10ms}\n"},
	crash.Reloading:     {most: 5},
	crash.Forwarded:     {most: 20},
	crash.Adopting:      {most: 1, first: crash.Claimed},
	crash.CallbackKept:  {most: 20, faults: []claytest.Fault{{Kind: claytest.CallbackDouble, Rate: 0.5, Latency: 30 * time.Millisecond}}},
	crash.Answered:      {most: 20, faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{500, 429, 503}, RetryAfter: []string{}, Rate: 0.2}}},
}

// The gateway is killed at every named point, ten times each, under its callers' load. What they were told holds.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for _, point := range crash.Points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s, ok := stages[point]
			if !ok {
				s = stage{most: 20}
			}
			began := time.Now()
			g := newGateway(t, 200, cmp.Or(s.timeout, "2s"), s.extra)
			if s.long {
				g.padding = strings.Repeat("x", 90_000)
			}
			g.must(g.clay.SetFaults(s.faults...))
			ctx, stop := context.WithCancel(t.Context())
			wait := g.callers(ctx)
			g.killAt(crash.Applied, 20) // the ledger is there, and what comes now is not its making
			for range kills(t) {
				if s.first != "" {
					g.killAt(s.first, 1+rand.IntN(20))
				}
				g.killAt(point, 1+rand.IntN(s.most))
				g.mustExamine()
			}
			stop()
			wait()
			t.Logf("%d kills at %s: %s · %.0f s", kills(t), point, g.settle(), time.Since(began).Seconds())
		})
	}
}

// killAt runs the gateway until it passes the point for the n-th time, which kills it.
func (g *gateway) killAt(point string, n int) {
	g.t.Helper()
	c := g.serve(fmt.Sprintf("FAULT=%s:%d", point, n))
	if point == crash.Reloading {
		go c.reload()
	}
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		c.kill()
		g.t.Fatalf("%s was not passed %d times; it says:\n%s", point, n, c.err)
	}
	if said := c.err.String(); c.cmd.ProcessState.Exited() || !strings.Contains(said, "fault: killed at the point "+point) {
		g.t.Fatalf("it ended by itself, %s; it says:\n%s", c.cmd.ProcessState, said)
	}
}

// reload has the child read its configuration again and again.
func (c *child) reload() {
	for c.alive() {
		if strings.Contains(c.err.String(), "serving") { // before it does, the signal would end it
			_ = c.cmd.Process.Signal(syscall.SIGHUP) // it may be gone
		}
		pause(c.t.Context(), 50*time.Millisecond)
	}
}

// The gateway is killed at random moments, with Clay at its worst.
func TestKillNineOfServe(t *testing.T) {
	t.Parallel()
	began := time.Now()
	g := newGateway(t, 200, "1s")
	seed := uint64(began.UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ctx, stop := context.WithCancel(t.Context())
	wait := g.callers(ctx)
	for n := range kills(t) {
		g.must(g.clay.SetFaults(evils[n%len(evils)]...))
		c := g.serve()
		pause(t.Context(), time.Duration(random.IntN(600))*time.Millisecond)
		if !c.alive() {
			t.Fatalf("it ended by itself, %s; it says:\n%s", c.cmd.ProcessState, c.err)
		}
		c.kill()
		g.mustExamine()
	}
	stop()
	wait()
	t.Logf("%d kills: %s · %.0f s", kills(t), g.settle(), time.Since(began).Seconds())
}

// An engine that acknowledges before it commits is caught: the audit can fail.
func TestAuditFindsEarlyAcknowledgement(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]string{"accept": "I1: ", "claim": "I5: ", "apply": "I3: "} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, 200, "2s")
			g.mutant = true
			ctx, stop := context.WithCancel(t.Context())
			wait := g.callers(ctx)
			defer wait()
			defer stop()
			for range 20 {
				c := g.serve("FAULT_EARLY="+op, fmt.Sprintf("FAULT=%s:%d", crash.Commit, 20+rand.IntN(20)))
				<-c.ended
				if _, problems := g.examine(); strings.Contains(strings.Join(problems, "\n"), want) {
					t.Logf("found: %.200s", problems)
					return
				}
			}
			t.Errorf("%s was acknowledged before its commit, the process was killed 20 times, and no %sproblem was found", op, want)
		})
	}
}

// No release can be killed by an environment variable.
func TestReleaseHasNoPoints(t *testing.T) {
	t.Parallel()
	marker := []byte("fault: killed at the point")
	for name, c := range map[string]struct {
		build func() (string, error)
		want  bool
	}{"the released one": {binary, false}, "the tests' own": {crashing, true}} {
		path, err := c.build()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, marker) != c.want || bytes.Contains(text, []byte("FAULT_EARLY")) != c.want {
			t.Errorf("%s has points: %v, want %v", name, !c.want, c.want)
		}
	}
}
