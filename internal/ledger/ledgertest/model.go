package ledgertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/claygate/claygate/internal/ledger"
)

// run is one random history of a ledger and of its model.
type run struct {
	*env
	*rapid.T // of the present step
	model    *memory
	steps    int
	all      []ledger.RecordID
	loads    []ledger.LoadID
}

// checkAgainstModel plays random histories on a store and on the model and compares all that can be read.
func checkAgainstModel(t *testing.T, open Opener, replicas bool) {
	dir, histories := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		r := &run{env: newEnv(t, filepath.Join(dir, strconv.Itoa(histories)), open)}
		r.replicas = replicas
		r.start(rt)
		defer func() { _ = errors.Join(r.Close(), os.RemoveAll(r.opts.Dir)) }()
		actions := map[string]func(){
			"": r.compareNow, "accept": r.acceptSome, "claim": r.claimSome, "answer": r.answerSome, "result": r.resultOne,
			"due": r.applyDue, "replay": r.replaySome, "resolve": r.resolveOne, "cancel": r.cancelOne, "wait": r.wait, "resume": r.resume,
			"restart": r.restart, "storm": r.storm, "prune": r.prune, "erase": r.eraseOne,
		}
		steps := map[string]func(*rapid.T){}
		for name, act := range actions {
			steps[name] = func(rt *rapid.T) { r.T, r.reporter = rt, rt; act() }
		}
		rt.Repeat(steps)
		r.T, r.reporter = rt, rt
		r.compare()
		r.compareRest()
	})
}

// start opens the ledger with one target on each lane, so that the model need not know whose turn it is.
func (r *run) start(rt *rapid.T) {
	r.T, r.reporter = rt, rt
	r.opts.Catalog = ledger.NewCatalog([]ledger.Target{
		{Name: people, Lane: lane, ResultTimeout: timeout, Cost: ledger.Cost{Credits: 1500}, Budget: someBudget(rt, "target"), Webhooks: []ledger.Webhook{{ID: first, Limit: 5}, {ID: second, Limit: 8}}, CompleteWhen: titled},
		{Name: routine, Lane: otherLane, ResultTimeout: time.Hour, OnUncertain: ledger.Hold, OnUpdate: ledger.Replace},
		{Name: firms, Lane: stormLane, ResultTimeout: timeout},
	}, map[ledger.LaneID]ledger.Pace{otherLane: {PerSecond: 1, Burst: 3}, stormLane: {PerSecond: 1000, Burst: 1000}}).WithBudgets(someBudgets(rt))
	r.clock.Advance(-r.clock.Now().Sub(r.clock.Now().Truncate(time.Microsecond)))
	r.opts.Volatile = true
	r.Store = r.open(r.test, r.opts)
	r.loads = []ledger.LoadID{0, r.load("a.csv"), r.load("b.csv")}
	r.model = newMemory(r.opts.Catalog)
	r.model.now = r.clock.Now()
}

func (r *run) any() ledger.RecordID {
	if len(r.all) == 0 {
		return ledger.RecordID{9}
	}
	return r.all[rapid.IntRange(0, len(r.all)-1).Draw(r.T, "record")]
}

func (r *run) acceptSome() {
	subs := make([]ledger.Submission, rapid.IntRange(1, 4).Draw(r.T, "how many"))
	for i := range subs {
		subs[i] = r.sub(rapid.SampledFrom([]string{people, people, routine}).Draw(r.T, "target"), func(s *ledger.Submission) {
			s.Await = rapid.IntRange(0, 4).Draw(r.T, "await") > 0
			s.APIKey = rapid.SampledFrom(someKeys).Draw(r.T, "API key")
			s.Priority = rapid.IntRange(0, 2).Draw(r.T, "priority")
			s.Load = rapid.SampledFrom(r.loads).Draw(r.T, "load")
			if s.Load != 0 {
				s.Work = ledger.Digest{1 + byte(rapid.IntRange(0, 9).Draw(r.T, "row"))}
			}
			if n := rapid.IntRange(0, 3).Draw(r.T, "key"); n > 0 {
				s.Key = ledger.Digest{byte(n), s.Target[0]}
			}
			s.SendBy = rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute, -time.Second}).Draw(r.T, "send by")
		})
	}
	r.acceptBoth(subs)
}

func (r *run) acceptBoth(subs []ledger.Submission) {
	got, err := r.Accept(r.Context(), subs)
	r.must(err)
	for i, s := range subs {
		want := r.model.accept(s)
		want.Record.Fields, want.Record.Metadata, want.Record.Result = nil, nil, nil
		if diff := cmp.Diff(want, got[i]); diff != "" {
			r.T.Fatalf("accepting %s: -model +store\n%s", s.ID, diff)
		}
		if !want.Repeated && want.Err == nil {
			r.all = append(r.all, s.ID)
		}
	}
}

func (r *run) claimSome() {
	r.claimBoth(ledger.Want{
		Lane: rapid.SampledFrom([]ledger.LaneID{lane, otherLane, stormLane}).Draw(r.T, "lane"),
		Load: rapid.SampledFrom(r.loads).Draw(r.T, "load"), Max: rapid.IntRange(0, 6).Draw(r.T, "max"),
	})
}

// storm sends many records of a target that mostly fails, so that its breaker opens, and probes it.
func (r *run) storm() {
	subs := make([]ledger.Submission, 12)
	for i := range subs {
		subs[i] = r.sub(firms)
	}
	r.acceptBoth(subs)
	for _, c := range r.claimBoth(ledger.Want{Lane: stormLane, Max: 12}).Work {
		verdict := rapid.SampledFrom(verdicts[1:]).Draw(r.T, "verdict")
		if rapid.IntRange(0, 4).Draw(r.T, "fails") > 0 {
			verdict = ledger.Failed
		}
		r.change(ledger.Entry{Record: c.Record.ID, Event: answerOf(c.Record.Attempts, verdict)})
	}
}

func (r *run) claimBoth(want ledger.Want) ledger.Claims {
	model, store := r.model.claim(want), r.claims(want)
	if diff := cmp.Diff(model, store); diff != "" {
		r.T.Fatalf("claiming %+v: -model +store\n%s", want, diff)
	}
	return store
}

// change applies entries to both and compares what they say.
func (r *run) change(entries ...ledger.Entry) {
	got := r.applyAll(entries...)
	for i, entry := range entries {
		if r.model.rows[entry.Record] == nil {
			r.wantKind(ledger.NotFound, got[i].Err)
			continue
		}
		c := r.model.change(entry.Record, entry.Event, ledger.Digest{})
		if got[i].Moved != c.Moved || got[i].Fresh != c.Fresh || got[i].Record.State != c.Record.State {
			r.T.Fatalf("%T on %s: the store says moved %t, fresh %t, %s; the model %t, %t, %s", entry.Event, entry.Record,
				got[i].Moved, got[i].Fresh, got[i].Record.State, c.Moved, c.Fresh, c.Record.State)
		}
	}
}

var verdicts = []ledger.Verdict{
	ledger.Accepted, ledger.Accepted, ledger.Unsent, ledger.Throttled, ledger.Failed, ledger.Doubtful, ledger.Rejected, ledger.Refused, ledger.Exhausted,
}

func (r *run) answerSome() {
	for range rapid.IntRange(1, 3).Draw(r.T, "how many") {
		id := r.any()
		if len(r.model.attempts[id]) == 0 {
			continue
		}
		n := rapid.IntRange(1, len(r.model.attempts[id])+1).Draw(r.T, "attempt")
		if rapid.IntRange(0, 5).Draw(r.T, "released") == 0 {
			r.change(ledger.Entry{Record: id, Event: ledger.Release{Attempt: n}})
			continue
		}
		verdict := rapid.SampledFrom(verdicts).Draw(r.T, "verdict")
		r.change(ledger.Entry{Record: id, Event: answerOf(n, verdict)})
	}
}

func answerOf(attempt int, verdict ledger.Verdict) ledger.Answer {
	answer := ledger.Answer{
		Attempt: attempt, Outcome: ledger.Answered, Verdict: verdict, Status: 200 + attempt, Excerpt: string(verdict),
		Reason: "because " + string(verdict), Jitter: 0.5,
	}
	if verdict == ledger.Unsent {
		answer.Outcome = ledger.NotSent
	}
	if verdict == ledger.Throttled {
		answer.RetryAfter = 2 * time.Second
	}
	return answer
}

func (r *run) resultOne() {
	fields := fmt.Sprintf(`{"title":%q,"n":%d}`, rapid.SampledFrom([]string{"", "Countess"}).Draw(r.T, "title"), rapid.IntRange(0, 2).Draw(r.T, "n"))
	if rapid.IntRange(0, 3).Draw(r.T, "empty") == 0 {
		fields = `{"title":null}`
	}
	r.change(ledger.Entry{Record: r.any(), Event: ledger.Result{Attempt: 1, Fields: []byte(fields)}})
}

func (r *run) applyDue() {
	due, next, err := r.Due(r.Context(), 1000)
	r.must(err)
	var got []ledger.RecordID
	for _, e := range due {
		got = append(got, e.Record)
	}
	want := r.model.dueNow()
	if len(want) != len(got) || (next == 0) {
		r.T.Fatalf("due %v and next in %s; the model says %v", got, next, want)
	}
	r.change(due...)
}

func (r *run) replaySome() {
	var entries []ledger.Entry
	for range rapid.IntRange(1, 3).Draw(r.T, "how many") {
		entries = append(entries, ledger.Entry{Record: r.any(), Event: ledger.Replay{}})
	}
	r.change(entries...)
}

func (r *run) resolveOne() {
	r.change(ledger.Entry{Record: r.any(), Event: ledger.Resolve{Arrived: rapid.Bool().Draw(r.T, "arrived")}})
}

func (r *run) cancelOne() {
	r.change(ledger.Entry{Record: r.any(), Event: ledger.Cancel{Reason: "enough"}})
}

func (r *run) wait() {
	r.clock.Advance(rapid.SampledFrom([]time.Duration{time.Millisecond, 300 * time.Millisecond, 7 * time.Second, time.Minute, time.Hour, 40 * 24 * time.Hour}).Draw(r.T, "how long"))
	r.model.now = r.clock.Now()
}

func (r *run) prune() {
	keep := ledger.Retention{Bodies: 24 * time.Hour, Metadata: rapid.SampledFrom([]time.Duration{24 * time.Hour, 60 * 24 * time.Hour}).Draw(r.T, "kept")}
	r.pruneAll(keep)
	r.model.prune(keep)
	r.all = slices.DeleteFunc(r.all, func(id ledger.RecordID) bool { return r.model.rows[id] == nil })
}

func (r *run) resume() {
	target := rapid.SampledFrom([]string{people, routine}).Draw(r.T, "target")
	r.must(r.Resume(r.Context(), target))
	delete(r.model.paused, target)
}

func (r *run) restart() {
	if rapid.IntRange(0, 4).Draw(r.T, "spared") > 0 {
		return // opening a ledger takes longer than all else
	}
	r.reopen()
	if r.replicas {
		return
	}
	for _, id := range r.all {
		if r.model.rows[id].State == ledger.Sending {
			r.model.change(id, ledger.Tick{Orphaned: true}, ledger.Digest{})
		}
	}
}

// compareNow compares after some of the steps: reading takes longer than stepping.
func (r *run) compareNow() {
	if r.steps++; r.steps%5 == 0 {
		r.compare()
	}
}

// compare compares the records and the targets.
func (r *run) compare() {
	records, err := r.Records(r.Context(), r.all)
	r.must(err)
	if len(records) != len(r.all) {
		r.T.Fatalf("%d records of %d", len(records), len(r.all))
	}
	for i, id := range r.all {
		if want := r.model.view(id); !reflect.DeepEqual(want, records[i]) { // cmp is slow under the race detector
			r.T.Fatalf("record %s: -model +store\n%s", id, cmp.Diff(want, records[i]))
		}
	}
	r.compareMoney()
	for _, target := range []string{people, routine, firms} {
		status := r.status(target)
		want := ledger.TargetStatus{
			Paused: r.model.paused[target], Breaker: r.model.breaker(target), Used: map[ledger.Digest]int{},
			Counts: r.model.counts(func(rec ledger.Record) bool { return rec.Target == target }),
		}
		_, want.Short = r.model.room(r.model.catalog.Paying(target), target, 1)
		configured, _ := r.opts.Catalog.Target(target)
		for _, w := range configured.Webhooks {
			want.Used[w.ID] = r.model.used[w.ID].Submissions
		}
		if !reflect.DeepEqual(want, status) {
			r.T.Fatalf("%s: -model +store\n%s", target, cmp.Diff(want, status))
		}
	}
}

// compareRest compares what is too much to read after each step.
func (r *run) compareRest() {
	for _, id := range r.all {
		r.compareAttempts(id)
	}
	for _, load := range r.loads[1:] {
		counts, err := r.LoadCounts(r.Context(), load)
		r.must(err)
		if diff := cmp.Diff(r.model.counts(func(rec ledger.Record) bool { return rec.Load == load }), withoutZeros(counts)); diff != "" {
			r.T.Fatalf("load %d: -model +store\n%s", load, diff)
		}
	}
}

func (r *run) compareAttempts(id ledger.RecordID) {
	got, err := r.Attempts(r.Context(), id)
	r.must(err)
	var want []ledger.Attempt
	for _, a := range r.model.attempts[id] {
		want = append(want, a.Attempt)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.T.Fatalf("attempts of %s: -model +store\n%s", id, diff)
	}
}
