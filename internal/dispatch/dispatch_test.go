package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

func TestSendsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		began := time.Now()
		ids := r.accept(t, 50)
		r.Start(0)
		r.in(t, ledger.Done, 50)
		if took := time.Since(began); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("50 records took %s, want the 4 s that a burst of 10 and 10 a second make", took)
		}
		if n := r.clay.Stats().Status[429]; n > 0 {
			t.Errorf("Clay refused %d requests for their pace", n)
		}
		if rows := r.clay.Stats().Rows; rows != 50 {
			t.Errorf("Clay has %d rows", rows)
		}
		for _, id := range ids {
			if a := r.attempts(t, id); len(a) != 1 || a[0].Verdict != ledger.Accepted || a[0].Status != 200 {
				t.Fatalf("attempts of %s: %+v", id, a)
			}
		}
		synctest.Wait() // the last record is done a moment before its answer is told
		if n := len(r.answers()); n != 50 {
			t.Errorf("Observe was told of %d attempts", n)
		}
	})
}

// What Clay throttles it drops: the record goes out again after the pause that Clay asked for, and lost nothing.
func TestThrottledRecordsGoOutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var longest time.Duration
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{
			{Kind: claytest.Answer, Status: []int{429}, RetryAfter: []string{"30"}, Count: 1},
		}}, options: Options{Idle: func(_ ledger.LaneID, wait time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, wait)
		}}})
		began := time.Now()
		id := r.accept(t, 1)[0]
		r.Start(0)
		r.in(t, ledger.Done, 1)
		if took := time.Since(began); took < 30*time.Second || took > 34*time.Second {
			t.Errorf("it took %s, want the 30 s that Clay asked for and up to a tenth more", took)
		}
		mu.Lock()
		defer mu.Unlock()
		if longest < 30*time.Second || longest > 33*time.Second {
			t.Errorf("Idle was told of a wait of %s at most: nobody can say when it goes on", longest)
		}
		if rec := r.record(t, id); rec.Tries != 0 || rec.MayDuplicate != 0 || rec.Attempts != 2 {
			t.Errorf("tries %d, may duplicate %d, attempts %d: throttling says nothing about the record", rec.Tries, rec.MayDuplicate, rec.Attempts)
		}
	})
}

func TestFailedRecordsAreRetriedThenDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{PerSecond: -1, Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{500}}}}})
		id := r.accept(t, 1)[0]
		r.Start(0)
		giveUp := time.After(48 * time.Hour)
		moved, cancel := r.Hub.Subscribe(id)
		defer cancel()
		for r.record(t, id).State != ledger.Dead {
			select {
			case <-moved:
			case <-giveUp:
				t.Fatal("two days of failures did not end the record")
			}
		}
		if a := r.attempts(t, id); len(a) != ledger.MaxTries {
			t.Errorf("%d attempts, want %d", len(a), ledger.MaxTries)
		}
		if rec := r.record(t, id); rec.MayDuplicate != ledger.MaxTries-1 {
			t.Errorf("may duplicate %d, want every attempt but the first", rec.MayDuplicate)
		}
	})
}

// One bad record must not cost the others a try, or the target a pause.
func TestRejectedRecordIsDeadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{400}, Count: 1}}}})
		r.accept(t, 3)
		r.Start(0)
		r.until(t, "an end", func(c ledger.Counts) bool { return c.In(ledger.Dead) == 1 && c.In(ledger.Done) == 2 })
	})
}

// A wrong token says nothing about the records: they stay, and go out once it is mended.
func TestRefusedTargetPausesAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Status: []int{401}, To: 10}}}})
		r.accept(t, 40)
		paused, cancel := r.Hub.Subscribe(ledger.Pauses)
		defer cancel()
		r.Start(0)
		<-paused
		synctest.Wait()
		status, err := r.store.TargetStatus(t.Context(), target)
		if err != nil || status.Paused.Status != 401 || status.Paused.Reason == "" {
			t.Fatalf("paused: %+v, %v", status.Paused, err)
		}
		if n := r.clay.Stats().Requests; n > 10 {
			t.Errorf("%d requests went out: the pause came late", n)
		}
		if c := r.until(t, "all in the queue", func(c ledger.Counts) bool { return c.In(ledger.Queued) == 40 }); c.In(ledger.Dead) > 0 {
			t.Errorf("records died of a wrong token: %v", c)
		}
		if err := r.store.Resume(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		r.in(t, ledger.Done, 40)
	})
}

func TestExhaustedWebhookPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Cap: 3}})
		r.accept(t, 5)
		paused, cancel := r.Hub.Subscribe(ledger.Pauses)
		defer cancel()
		r.Start(0)
		<-paused
		c := r.until(t, "the rest to wait", func(c ledger.Counts) bool { return c.In(ledger.Done) == 3 && c.In(ledger.Queued) == 2 })
		if c.In(ledger.Dead) > 0 {
			t.Errorf("%v", c)
		}
	})
}

// Silence leaves a record in doubt; without a result to wait for it is sent once more, and the doubt is on record.
func TestSilenceIsResentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.DropAfter, To: 1}}}})
		id := r.accept(t, 1)[0]
		r.Start(0)
		r.in(t, ledger.Done, 1)
		rec := r.record(t, id)
		if rows := r.clay.Stats().Rows; rows != 2 || rec.MayDuplicate != 1 {
			t.Errorf("%d rows at Clay, %d attempts that may have doubled it", rows, rec.MayDuplicate)
		}
		if a := r.attempts(t, id); len(a) != 2 || a[0].Verdict != ledger.Doubtful || !a[0].MayDuplicate || a[1].Verdict != ledger.Accepted {
			t.Errorf("attempts: %+v", a)
		}
	})
}

func TestResultThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{target: ledger.Target{ResultTimeout: time.Minute}})
		began := time.Now()
		r.take(t, 1, true)
		r.Start(0)
		r.in(t, ledger.Expired, 1)
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("it was given up after %s, want a minute", took)
		}
	})
}

// The failure it prevents: after Ctrl-C the deadlines stood still, and a row whose result never came was waited for for
// ever.
func TestDeadlinesGoOnAfterStopSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{target: ledger.Target{ResultTimeout: time.Minute}})
		r.take(t, 1, true)
		r.Start(0)
		r.in(t, ledger.Sent, 1)
		r.StopSending()
		r.in(t, ledger.Expired, 1)
	})
}

func TestStopSendingClaimsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		r.accept(t, 100)
		r.Start(0)
		r.until(t, "a few", func(c ledger.Counts) bool { return c.In(ledger.Done) >= 15 })
		r.StopSending()
		synctest.Wait()
		sent := r.clay.Stats().Requests
		time.Sleep(time.Minute) // of the bubble's
		if now := r.clay.Stats().Requests; now != sent {
			t.Errorf("%d requests went out after the stop", now-sent)
		}
		c := r.until(t, "counts", func(ledger.Counts) bool { return true })
		if c.In(ledger.Queued)+c.In(ledger.Done) != 100 || c.In(ledger.Done) != sent {
			t.Errorf("%v after %d requests", c, sent)
		}
	})
}

// claimHook lets a test act at the beginning of a claim.
type claimHook struct {
	Store
	claiming func()
}

func (h claimHook) Claim(ctx context.Context, want ledger.Want) (ledger.Claims, error) {
	h.claiming()
	return h.Store.Claim(ctx, want)
}

// The failure it prevents: a claim that was made while the sending stopped was given up half-way; its records looked as
// if they had been sent, waited for a result that could not come and were flagged as perhaps paid twice.
func TestClaimsMadeWhileStoppingAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		var once sync.Once
		claiming := make(chan struct{})
		r = newRig(t, setup{store: func(s ledger.Store) Store {
			return claimHook{Store: s, claiming: func() { once.Do(func() { r.StopSending(); close(claiming) }) }}
		}})
		ids := r.accept(t, 10)
		r.Start(0)
		<-claiming
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := r.clay.Stats().Requests; n != 0 {
			t.Errorf("%d requests went out", n)
		}
		for _, id := range ids {
			rec := r.record(t, id)
			if rec.State != ledger.Queued {
				t.Errorf("a record is %s, want queued", rec.State)
			}
			if a := r.attempts(t, id); len(a) != 1 || rec.AtClay || rec.MayDuplicate > 0 || a[0].Outcome != ledger.Released {
				t.Errorf("a released record: %+v, %+v", rec, a)
			}
		}
	})
}

func TestStopWaitsForFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: 10 * time.Second}}}})
		r.accept(t, 5)
		r.Start(0)
		r.underWay(t, 5)
		began := time.Now()
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 9*time.Second {
			t.Errorf("Stop took %s and cannot have waited for the answers", took)
		}
		r.in(t, ledger.Done, 5)
	})
}

func TestStopGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: 10 * time.Second}}}})
		r.accept(t, 1)
		r.Start(0)
		r.underWay(t, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		r.in(t, ledger.Done, 1) // its answer is not lost all the same
	})
}

func TestStartAndStopTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		r.StopSending() // before Start it does nothing
		r.accept(t, 15)
		r.Start(0)
		r.Start(0)
		r.in(t, ledger.Done, 15)
		if n := r.clay.Stats().Rows; n != 15 {
			t.Errorf("started twice, it made %d rows of 15 records", n)
		}
		for range 2 {
			r.StopSending()
			if err := r.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestStopWithoutStart(t *testing.T) {
	d := New(Options{})
	for range 2 {
		if err := d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneLoadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		r.accept(t, 3)
		mine := r.load
		other, err := r.store.Load(t.Context(), ledger.Load{Target: target, Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		r.load = other
		r.accept(t, 3)
		r.load = mine
		r.Start(mine)
		r.in(t, ledger.Done, 3)
		time.Sleep(time.Minute) // of the bubble's: nothing else may go out
		if n := r.clay.Stats().Requests; n != 3 {
			t.Errorf("%d requests went out: rows of another load were paid for", n)
		}
	})
}

// The loads of commands that attach are sent beside the one that it was started for, whether they come before or after.
func TestAlso(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		var loads []ledger.LoadID
		for _, name := range []string{"mine", "before", "after", "somebody else's"} {
			id, err := r.store.Load(t.Context(), ledger.Load{Target: target, Name: name})
			if err != nil {
				t.Fatal(err)
			}
			loads, r.load = append(loads, id), id
			r.accept(t, 3)
		}
		r.Also(loads[1])
		r.Start(loads[0])
		r.Also(loads[2])
		r.Also(loads[2])
		for _, r.load = range loads[:3] {
			r.in(t, ledger.Done, 3)
		}
		time.Sleep(time.Minute) // of the bubble's
		if n := r.clay.Stats().Requests; n != 9 {
			t.Errorf("%d requests went out, want those of three loads", n)
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Also(loads[3]) // it sends nothing any more
	})
}

// At most Concurrency requests are under way, however slow Clay is.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var now, most int
		driver := driverFunc(func(context.Context, ledger.Claimed) ledger.Answer {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(3 * time.Second) // of the bubble's: a slow Clay
			mu.Lock()
			now--
			mu.Unlock()
			return ledger.Answer{Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200}
		})
		r := newRig(t, setup{pace: ledger.Pace{PerSecond: 1000, Burst: 1000}, options: Options{
			Concurrency: 4, Drivers: map[string]Driver{target: driver},
		}})
		r.accept(t, 20)
		r.Start(0)
		r.in(t, ledger.Done, 20)
		if most != 4 {
			t.Errorf("%d requests were under way at once, want 4", most)
		}
	})
}

type driverFunc func(ctx context.Context, c ledger.Claimed) ledger.Answer

func (f driverFunc) Send(ctx context.Context, c ledger.Claimed) ledger.Answer { return f(ctx, c) }

func TestTargetWithoutADriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{options: Options{Drivers: map[string]Driver{}}})
		r.accept(t, 2)
		paused, cancel := r.Hub.Subscribe(ledger.Pauses)
		defer cancel()
		r.Start(0)
		<-paused
		r.in(t, ledger.Queued, 2)
	})
}

// failing is a ledger that fails for a while.
type failing struct {
	Store
	until atomic.Int64 // the end of its failing, in Unix nanoseconds
	err   error
}

func (f *failing) fails() bool { return time.Now().UnixNano() < f.until.Load() }

func (f *failing) Apply(ctx context.Context, e []ledger.Entry) ([]ledger.Applied, error) {
	if f.fails() {
		return nil, f.err
	}
	return f.Store.Apply(ctx, e)
}

func (f *failing) Claim(ctx context.Context, w ledger.Want) (ledger.Claims, error) {
	if f.fails() {
		return ledger.Claims{}, f.err
	}
	return f.Store.Claim(ctx, w)
}

func (f *failing) Due(ctx context.Context, n int) ([]ledger.Entry, time.Duration, error) {
	if f.fails() {
		return nil, 0, f.err
	}
	return f.Store.Due(ctx, n)
}

// The failure it prevents: the disk is full for a minute while requests are under way, and what Clay answered is
// forgotten: rows that are at Clay, and paid, would be sent again.
func TestLedgerThatFailsForAWhileLosesNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &ledger.Error{Kind: ledger.Full, Op: "apply", Message: "no space"}
		var f *failing
		var mu sync.Mutex
		var told []error
		r := newRig(t, setup{
			clay:  claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: 5 * time.Second, To: 10}}},
			store: func(s ledger.Store) Store { f = &failing{Store: s, err: full}; return f },
			options: Options{Trouble: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, err)
			}},
		})
		ids := r.accept(t, 20)
		r.Start(0)
		r.underWay(t, 10)
		f.until.Store(time.Now().Add(time.Minute).UnixNano())
		r.in(t, ledger.Done, 20)
		if rows := r.clay.Stats().Rows; rows != 20 {
			t.Errorf("Clay has %d rows of 20 records", rows)
		}
		for _, id := range ids {
			if a := r.attempts(t, id); len(a) != 1 || a[0].Verdict != ledger.Accepted {
				t.Errorf("attempts: %+v", a)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if len(told) < 2 || told[0] != error(full) || told[len(told)-1] != nil {
			t.Errorf("Trouble was told %v, want the failures and then that they are over", told)
		}
	})
}

// A ledger that is closed will not come back: an answer in flight must not hold the process for ever.
func TestClosedLedgerEndsTheFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: 5 * time.Second}}}})
		r.accept(t, 1)
		r.Start(0)
		r.underWay(t, 1)
		if err := r.store.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// An answer that says nothing new, for a record that its result has already completed, changes nothing.
func TestAnswerAfterTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{clay: claytest.Options{Faults: []claytest.Fault{{Kind: claytest.SlowAnswer, Latency: 5 * time.Second}}}})
		id := r.take(t, 1, true)[0]
		r.Start(0)
		r.underWay(t, 1)
		_, err := r.store.Apply(t.Context(), []ledger.Entry{{Record: id, Event: ledger.Result{Attempt: 1, Fields: json.RawMessage(`{"name":"Jo"}`)}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		rec := r.record(t, id)
		if diff := cmp.Diff(`{"name":"Jo"}`, string(rec.Result)); rec.State != ledger.Done || diff != "" {
			t.Errorf("%s %s", rec.State, diff)
		}
		if a := r.attempts(t, id); a[0].Verdict != ledger.Accepted {
			t.Errorf("the answer was not written down: %+v", a)
		}
	})
}

var _ Sender = (*clay.Client)(nil)

// frozen is a ledger whose first claims are handed out by a process that stood still meanwhile.
type frozen struct {
	Store
	claims atomic.Int32
}

func (f *frozen) Claim(ctx context.Context, want ledger.Want) (ledger.Claims, error) {
	claims, err := f.Store.Claim(ctx, want)
	if f.claims.Add(1) == 1 {
		time.Sleep(time.Minute)
	}
	return claims, err
}

// A process that stood still between claiming and sending sent what others had taken for lost, and sent again.
func TestWhatIsNotFreshIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{target: ledger.Target{OnUncertain: ledger.Hold}, store: func(s ledger.Store) Store { return &frozen{Store: s} }})
		ids := r.accept(t, 3)
		r.Start(0)
		r.in(t, ledger.Done, 3)
		if n := r.clay.Stats().Rows; n != 3 {
			t.Errorf("Clay has %d rows of 3 records", n)
		}
		for _, id := range ids {
			a := r.attempts(t, id)
			if len(a) != 2 || a[0].Outcome != ledger.Released || a[1].Verdict != ledger.Accepted {
				t.Errorf("attempts of %s: %+v", id, a)
			}
		}
	})
}
