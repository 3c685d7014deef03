package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// slowly is a Clay that takes its time with the results, and a pace at which a run can be stopped half-way.
func slowly(t *testing.T) (w *world, args []string) {
	w = newWorld(t, claytest.Options{Misses: -1, Column: claytest.Column{Delay: claytest.Delay{Min: 400 * time.Millisecond, Max: 500 * time.Millisecond}}})
	in := w.file("leads.csv", leads(30))
	return w, []string{"enrich", in, "--callback-listen", w.callback, "-o", w.path("out.csv"), "--pace", "12"}
}

// atClay waits until Clay has n rows.
func (w *world) atClay(n int) {
	w.t.Helper()
	if err := w.clay.WaitRows(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
}

// The first interrupt stops the sending, waits for what is at Clay and writes out what there is.
func TestFirstInterrupt(t *testing.T) {
	t.Parallel()
	w, args := slowly(t)
	c := w.start(args...)
	w.atClay(15)
	c.interrupt <- os.Interrupt
	r := c.wait()
	sent := w.clay.Stats().Rows
	if r.code != exitInterrupted || sent >= 30 {
		t.Fatalf("exit %d, %d rows at Clay\n%s", r.code, sent, r.err)
	}
	statuses := w.statuses("out.csv")
	if n := strings.Count(strings.Join(statuses, " "), "ok"); n != sent || len(statuses) != 30 {
		t.Errorf("%d rows of %d are enriched, %d were sent", n, len(statuses), sent)
	}
	for _, text := range []string{"stopped sending", "waiting for", "none under way at Clay", "run the same command again"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	if r := w.run(args...); r.code != exitOK || w.clay.Stats().Rows != 30 {
		t.Errorf("the next run: exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
}

// The second leaves at once, with what can be written in a moment. The failure it prevents: it was reported as an unknown error, with exit code 1 and no word
// about the rows at Clay.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	w, args := slowly(t)
	c := w.start(args...)
	w.atClay(15)
	began := time.Now()
	c.interrupt <- os.Interrupt
	c.interrupt <- os.Interrupt
	r := c.wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it left after %s", took)
	}
	if r.code != exitInterrupted {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	for _, text := range []string{"at Clay without a result yet", "the output has what was there", "run the HTTP API column again"} {
		if !strings.Contains(r.err, text) {
			t.Errorf("it does not say %q:\n%s", text, r.err)
		}
	}
	if statuses := w.statuses("out.csv"); len(statuses) != 30 {
		t.Errorf("%d rows were written, want all 30", len(statuses))
	}
	// While nobody listened Clay's callbacks came to nothing. As the command advises, the column runs again during the
	// next run, and nothing is sent twice.
	if err := w.clay.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := w.start(args...)
	w.atClay(30)
	w.clay.RunMissing()
	if r := next.wait(); r.code != exitOK || w.clay.Stats().Rows != 30 {
		t.Errorf("the next run: exit %d, %d rows at Clay\n%s", r.code, w.clay.Stats().Rows, r.err)
	}
	if diff := cmp.Diff(30, strings.Count(strings.Join(w.statuses("out.csv"), " "), "ok")); diff != "" {
		t.Errorf("rows enriched (-want +got):\n%s", diff)
	}
}

// The failure it prevents: with the sending stopped by a wrong token, Ctrl-C threw away what there was.
func TestInterruptOfAStoppedRun(t *testing.T) {
	t.Parallel()
	w, args := slowly(t)
	if err := w.clay.SetFaults(
		claytest.Fault{Kind: claytest.Answer, Status: []int{401}, From: 13},
		claytest.Fault{Kind: claytest.CallbackMissing, To: 2},
	); err != nil {
		t.Fatal(err)
	}
	c := w.start(args...)
	c.until("stopped sending: Clay answered 401")
	if err := w.clay.WaitCallbacks(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	c.interrupt <- os.Interrupt
	r := c.wait()
	if r.code != exitAuth {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	statuses := strings.Join(w.statuses("out.csv"), " ")
	if ok, pending := strings.Count(statuses, "ok"), strings.Count(statuses, "pending"); ok != 10 || pending != 20 {
		t.Errorf("%d rows are enriched and %d pending\n%s", ok, pending, r.err)
	}
}

// The failure it prevents: Ctrl-C while a large file is read was heard only when all of it was in the ledger.
func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t, claytest.Options{})
	c := &command{w: w, interrupt: make(chan os.Signal, 2), out: newBuffer(), err: newBuffer(), code: make(chan int, 1)}
	c.interrupt <- os.Interrupt // heard at the first occasion
	code := Main(w.enrichArgs(w.file("leads.csv", leads(acceptBatch+1)), "-o", w.path("out.csv")), Streams{
		Out: c.out, Err: c.err, Interrupt: c.interrupt, Getenv: func(name string) string { return w.env[name] },
	})
	if code != exitInterrupted || w.clay.Stats().Requests != 0 || !strings.Contains(c.err.String(), "while the rows were read") {
		t.Errorf("exit %d, %d requests\n%s", code, w.clay.Stats().Requests, c.err)
	}
	if _, err := os.Stat(w.path("out.csv")); err == nil {
		t.Error("an output was written")
	}
}
