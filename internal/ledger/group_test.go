package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var errClosedGroup = errors.New("closed")

// log is what a group writes to: a transaction's lines are kept when it commits.
type log struct {
	lines   []string
	commits []int // how many calls each commit held
	err     error // of the next commit
	took    time.Duration
	now     int // transactions at this moment
}

type logTx struct {
	*log
	lines []string
	calls int
}

func (l *log) transact(run func(*logTx) error) error {
	if l.now++; l.now != 1 {
		panic("two transactions at once")
	}
	defer func() { l.now-- }()
	tx := &logTx{log: l}
	if err := run(tx); err != nil {
		return err
	}
	time.Sleep(l.took) // in a bubble: no real time passes
	if err := l.err; err != nil {
		l.err = nil
		return err
	}
	l.lines, l.commits = append(l.lines, tx.lines...), append(l.commits, tx.calls)
	return nil
}

func write(line string) func(*logTx) error {
	return func(tx *logTx) error {
		tx.lines, tx.calls = append(tx.lines, line), tx.calls+1
		return nil
	}
}

// Calls that come while a commit is under way share the next one, in their order, at most max at a time.
func TestGroupSharesCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{took: time.Second}
		g := NewGroup(4, l.transact)
		done := make(chan error, 10)
		for i := range 10 {
			go func() { done <- g.Do(t.Context(), write(fmt.Sprint(i))) }()
			synctest.Wait()
		}
		start := time.Now()
		for range 10 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		took := time.Since(start)
		g.Close(errClosedGroup)
		if want := []int{1, 4, 4, 1}; !slices.Equal(l.commits, want) || took != 4*time.Second {
			t.Errorf("commits of %v calls in %s, want %v in 4s", l.commits, took, want)
		}
		if want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}; !slices.Equal(l.lines, want) {
			t.Errorf("written %v", l.lines)
		}
	})
}

// A call that fails fails alone: the others of its transaction are run again and kept, once.
func TestGroupOneCallFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{took: time.Second}
		g := NewGroup(10, l.transact)
		bad := errors.New("bad")
		runs := 0
		errs := make([]error, 5)
		var calls sync.WaitGroup
		for i := range errs {
			calls.Go(func() {
				errs[i] = g.Do(t.Context(), func(tx *logTx) error {
					if i == 3 {
						runs++
						_ = write("never kept")(tx)
						return bad
					}
					return write(fmt.Sprint(i))(tx)
				})
			})
			synctest.Wait()
		}
		calls.Wait()
		g.Close(errClosedGroup)
		for i, err := range errs {
			if (i == 3) != errors.Is(err, bad) || i != 3 && err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if want := []string{"0", "1", "2", "4"}; !slices.Equal(l.lines, want) || runs != 2 {
			t.Errorf("written %v, want %v; the bad one ran %d times, want 2", l.lines, want, runs)
		}
	})
}

// When a commit fails, all of it fails, and the next one is tried.
func TestGroupCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		l := &log{took: time.Second, err: full}
		g := NewGroup(10, l.transact)
		if err := g.Do(t.Context(), write("first")); !errors.Is(err, full) {
			t.Errorf("error %v, want %v", err, full)
		}
		if err := g.Do(t.Context(), write("second")); err != nil {
			t.Error(err)
		}
		g.Close(errClosedGroup)
		if want := []string{"second"}; !slices.Equal(l.lines, want) {
			t.Errorf("written %v, want %v", l.lines, want)
		}
	})
}

// A caller whose context ends gets its error at once; the call itself may still be kept.
func TestGroupContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{took: time.Hour}
		g := NewGroup(10, l.transact)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := g.Do(ctx, write("kept")); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		g.Close(errClosedGroup)
		if want := []string{"kept"}; !slices.Equal(l.lines, want) {
			t.Errorf("written %v, want %v", l.lines, want)
		}
	})
}

// Close runs what waits, refuses what comes, may be called twice and by several, and leaves no goroutine.
func TestGroupClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // ends only when the group's goroutine has
		l := &log{took: time.Second}
		g := NewGroup(1, l.transact)
		errs := make(chan error, 5)
		for i := range 5 {
			go func() { errs <- g.Do(t.Context(), write(fmt.Sprint(i))) }()
		}
		synctest.Wait()
		closed := make(chan struct{})
		for range 3 {
			go func() { g.Close(errClosedGroup); closed <- struct{}{} }()
		}
		synctest.Wait()
		if err := g.Do(t.Context(), write("too late")); !errors.Is(err, errClosedGroup) {
			t.Errorf("a call after Close got %v", err)
		}
		for range 5 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		for range 3 {
			<-closed
		}
		if len(l.lines) != 5 {
			t.Errorf("%d calls were kept, want 5", len(l.lines))
		}
		g.Close(errors.New("again"))
		if err := g.Do(t.Context(), write("too late")); !errors.Is(err, errClosedGroup) {
			t.Errorf("a call after the second Close got %v", err)
		}
	})
}

// Whatever calls come when: each that was told nil is kept exactly once, each that was told an error is not, and the
// calls of one caller keep their order.
func TestGroupKeepsWhatItAcknowledged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		callers := rapid.IntRange(1, 6).Draw(rt, "callers")
		plan := make([][]int, callers) // each caller's pauses; a negative one is a call that fails
		for i := range plan {
			plan[i] = rapid.SliceOfN(rapid.IntRange(-3, 8), 0, 6).Draw(rt, "calls")
		}
		limit := rapid.IntRange(1, 5).Draw(rt, "max")
		fails := rapid.IntRange(-1, 10).Draw(rt, "failing commit")
		var acknowledged, written []string
		synctest.Test(t, func(t *testing.T) { acknowledged, written = playGroup(t, plan, limit, fails) })
		slices.Sort(acknowledged)
		order := map[string]string{}
		for _, line := range written {
			if before := order[line[:1]]; line <= before {
				rt.Fatalf("%s came after %s", line, before)
			}
			order[line[:1]] = line
		}
		slices.Sort(written)
		if !slices.Equal(acknowledged, written) {
			rt.Fatalf("acknowledged %v, written %v", acknowledged, written)
		}
	})
}

func playGroup(t *testing.T, plan [][]int, limit, fails int) (acknowledged, written []string) {
	l := &log{took: 3 * time.Second}
	commits := 0
	g := NewGroup(limit, func(run func(*logTx) error) error {
		if commits++; commits == fails {
			l.err = errors.New("the disk")
		}
		err := l.transact(run)
		l.err = nil
		return err
	})
	results := make(chan string, 100)
	var callers sync.WaitGroup
	for i, pauses := range plan {
		callers.Go(func() {
			for j, pause := range pauses {
				line := fmt.Sprintf("%c%02d", 'a'+i, j)
				time.Sleep(time.Duration(max(pause, 0)) * time.Second)
				err := g.Do(t.Context(), func(tx *logTx) error {
					_ = write(line)(tx)
					if pause < 0 {
						return errors.New("refused")
					}
					return nil
				})
				if err == nil {
					results <- line
				}
			}
		})
	}
	callers.Wait()
	g.Close(errClosedGroup)
	close(results)
	for line := range results {
		acknowledged = append(acknowledged, line)
	}
	return acknowledged, l.lines
}
