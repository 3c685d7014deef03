package ledgertest

import (
	"errors"
	"fmt"
	"maps"
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

// worker is a routine whose records leave in runs; apiLane is its lane.
const (
	worker                = "worker"
	apiLane ledger.LaneID = "other/api"
)

// runHistory is one random history of a ledger whose records leave in runs, and of its model.
type runHistory struct {
	*run
	fates  map[ledger.RunID]string // what is known of a start: "" while nothing is
	spared map[ledger.RunID]bool   // runs that Clay did not begin to work on
}

// checkRunsAgainstModel plays random histories of runs on a store and on the model and compares all that can be read.
func checkRunsAgainstModel(t *testing.T, open Opener, replicas bool) {
	dir, histories := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		r := &run{env: newEnv(t, filepath.Join(dir, strconv.Itoa(histories)), open)}
		r.replicas = replicas
		h := &runHistory{run: r, fates: map[ledger.RunID]string{}, spared: map[ledger.RunID]bool{}}
		h.start(rt)
		defer func() { _ = errors.Join(r.Close(), os.RemoveAll(r.opts.Dir)) }()
		actions := map[string]func(){
			"": h.compareNow, "accept": h.accept, "claim": h.claim, "claim2": h.claim, "start": h.answer, "start2": h.answer, "run": h.happens,
			"run2": h.happens, "poll": h.poll, "found": h.found, "follow": h.follow, "due": h.applyDue, "replay": h.replaySome, "cancel": h.cancelOne,
			"wait": h.wait, "resume": h.resumeWorker, "restart": h.restartRuns,
		}
		steps := map[string]func(*rapid.T){}
		for name, act := range actions {
			steps[name] = func(rt *rapid.T) { r.T, r.reporter = rt, rt; act() }
		}
		rt.Repeat(steps)
		r.T, r.reporter = rt, rt
		h.compare()
		h.compareRest()
		h.compareRuns()
		h.compareRunLists()
		h.checkStarts()
	})
}

func (h *runHistory) start(rt *rapid.T) {
	h.T, h.reporter = rt, rt
	h.opts.Catalog = ledger.NewCatalog([]ledger.Target{{
		Name: worker, Lane: apiLane, Runs: &ledger.RunPolicy{BulkFrom: 6, BulkSize: 8, Linger: time.Second},
		Cost: ledger.Cost{Actions: 700}, Budget: someBudget(rt, "target"),
		OnUncertain: rapid.SampledFrom([]ledger.UncertainPolicy{"", ledger.Wait, ledger.Resend}).Draw(rt, "policy"),
	}}, map[ledger.LaneID]ledger.Pace{apiLane: {PerSecond: 5, Burst: 5, Adaptive: true}}).WithBudgets(someBudgets(rt))
	h.clock.Advance(-h.clock.Now().Sub(h.clock.Now().Truncate(time.Microsecond)))
	h.opts.Volatile = true
	h.Store = h.open(h.test, h.opts)
	h.loads = []ledger.LoadID{0, h.load("a.csv")}
	h.model = newMemory(h.opts.Catalog)
	h.model.now = h.clock.Now()
}

func (h *runHistory) accept() {
	subs := make([]ledger.Submission, rapid.IntRange(1, 5).Draw(h.T, "how many"))
	for i := range subs {
		subs[i] = h.sub(worker, func(s *ledger.Submission) {
			s.APIKey = rapid.SampledFrom(someKeys).Draw(h.T, "API key")
			s.Priority = rapid.IntRange(0, 1).Draw(h.T, "priority")
			s.SendBy = rapid.SampledFrom([]time.Duration{0, 0, 0, time.Minute}).Draw(h.T, "send by")
			if n := rapid.IntRange(0, 6).Draw(h.T, "key"); n == 1 {
				s.Key = ledger.Digest{byte(n)}
			}
		})
	}
	got, err := h.Accept(h.Context(), subs)
	h.must(err)
	for i, s := range subs {
		want := h.model.accept(s)
		if diff := cmp.Diff(want.Err, got[i].Err); diff != "" {
			h.T.Fatalf("accepting %s: -model +store\n%s", s.ID, diff)
		}
		if want.Err == nil {
			h.all = append(h.all, got[i].Record.ID)
		}
	}
}

func (h *runHistory) claim() {
	want := ledger.Want{Lane: apiLane, Max: rapid.IntRange(0, 3).Draw(h.T, "max"), Full: rapid.IntRange(0, 2).Draw(h.T, "full") == 0}
	model, store := h.model.claimRun(want), h.claims(want)
	if diff := cmp.Diff(model, store); diff != "" {
		h.T.Fatalf("claiming %+v: -model +store\n%s", want, diff)
	}
}

// any returns one of the runs, 0 for none.
func (h *runHistory) anyRun() ledger.RunID {
	if h.model.last == 0 {
		return 0
	}
	id := ledger.RunID(rapid.Int64Range(1, int64(h.model.last)).Draw(h.T, "run"))
	if h.model.runs[id] == nil {
		return 0
	}
	return id
}

// apply lets an event happen to a run of both and compares what they say.
func (h *runHistory) apply(id ledger.RunID, e ledger.RunEvent) {
	got, err := h.ApplyRun(h.Context(), id, e)
	h.must(err)
	if want := h.model.applyRun(id, e); !reflect.DeepEqual(want, got) {
		h.T.Fatalf("%T on run %d: -model +store\n%s", e, id, cmp.Diff(want, got))
	}
}

// answer ends a start that has no answer yet. What became of it at Clay was settled before.
func (h *runHistory) answer() {
	id := h.anyRun()
	if id == 0 || h.model.runs[id].State == ledger.RunFound || h.model.runs[id].Followed {
		return
	}
	verdicts := []ledger.Verdict{
		ledger.Accepted, ledger.Accepted, ledger.Doubtful, ledger.Unsent, ledger.Throttled, ledger.Refused, ledger.Divided,
	}
	v := rapid.SampledFrom(verdicts).Draw(h.T, "verdict")
	switch h.fates[id] {
	case "answered":
		return
	case "adopted":
		v = ledger.Accepted
	}
	h.fates[id] = "answered"
	a := ledger.Answer{Outcome: ledger.Answered, Verdict: v, Status: 202, Reason: "because " + string(v), Jitter: 0.5}
	if v == ledger.Unsent {
		a.Outcome = ledger.NotSent
	}
	h.apply(id, ledger.RunAnswer{Answer: a, Clay: name(id)})
}

func name(id ledger.RunID) string { return fmt.Sprintf("run_%d", id) }

// happens lets something happen to a run that Clay was asked about.
func (h *runHistory) happens() {
	id := h.anyRun()
	if id == 0 {
		return
	}
	open := h.model.runs[id].State == ledger.RunRunning
	switch rapid.SampledFrom([]string{"progress", "items", "items", "items", "ended", "failed", "unworked", "gone", "trouble"}).Draw(h.T, "what") {
	case "progress":
		h.apply(id, ledger.RunProgress{Jitter: 0.5})
	case "items":
		h.apply(id, ledger.RunItems{
			Items: h.items(id), From: rapid.SampledFrom([]int{0, h.model.runs[id].Brought}).Draw(h.T, "from"), Cursor: rapid.SampledFrom([]string{"", "next"}).Draw(h.T, "cursor"), Last: rapid.Bool().Draw(h.T, "last"),
		})
	case "ended":
		h.apply(id, ledger.RunEnded{})
	case "failed":
		h.apply(id, ledger.RunFailed{Reason: "processing_failed", Answer: []byte(`{"status":"processing_failed"}`)})
	case "unworked":
		if open { // Clay says so before it works on anything
			h.spared[id] = true
			h.apply(id, ledger.RunFailed{Reason: "validation_failed", Unworked: true, Items: h.items(id)})
		}
	case "gone":
		h.apply(id, ledger.RunGone{})
	case "trouble":
		v := rapid.SampledFrom([]ledger.Verdict{ledger.Failed, ledger.Throttled, ledger.Refused}).Draw(h.T, "verdict")
		answer := ledger.Answer{Outcome: ledger.Answered, Verdict: v, Reason: "trouble", Jitter: 0.5}
		h.apply(id, ledger.RunTrouble{Answer: answer, Restart: v == ledger.Failed && rapid.Bool().Draw(h.T, "restart")})
	}
}

// items draws results: of records that the run carries, of others, and of nobody.
func (h *runHistory) items(id ledger.RunID) (items []ledger.RunItem) {
	carried := h.model.carried(id)
	for range rapid.IntRange(0, 3).Draw(h.T, "items") {
		item := ledger.RunItem{Record: h.any(), Body: fmt.Appendf(nil, `{"n":%d}`, rapid.IntRange(0, 9).Draw(h.T, "n"))}
		if len(carried) > 0 && rapid.IntRange(0, 3).Draw(h.T, "its own") > 0 {
			item.Record = rapid.SampledFrom(carried).Draw(h.T, "record")
		}
		if rapid.IntRange(0, 2).Draw(h.T, "failed") == 0 {
			item.Reason = "not found"
		} else {
			item.Result = []byte(`{"name":"Jo"}`)
		}
		items = append(items, item)
	}
	return items
}

func (h *runHistory) poll() {
	run, wait, err := h.Poll(h.Context(), apiLane)
	h.must(err)
	wantRun, wantWait := h.model.poll(apiLane)
	if diff := cmp.Diff(wantRun, run); diff != "" || wait != wantWait {
		h.T.Fatalf("asking: wait %s, the model %s; -model +store\n%s", wait, wantWait, diff)
	}
}

func (h *runHistory) resumeWorker() {
	h.must(h.Resume(h.Context(), worker))
	delete(h.model.paused, worker)
}

func (h *runHistory) restartRuns() {
	if rapid.IntRange(0, 4).Draw(h.T, "spared") > 0 {
		return // opening a ledger takes longer than all else
	}
	h.reopen()
	if h.replicas {
		return
	}
	for _, id := range h.all {
		if h.model.rows[id].State == ledger.Sending {
			h.model.change(id, ledger.Tick{Orphaned: true}, ledger.Digest{})
		}
	}
	for id := ledger.RunID(1); id <= h.model.last; id++ {
		if r := h.model.runs[id]; r != nil && r.State == ledger.RunStarting {
			h.model.applyRun(id, ledger.RunTick{Orphaned: true})
		}
	}
}

// compareRuns compares the runs and what they carry.
func (h *runHistory) compareRuns() {
	for id, want := range h.model.runs {
		got, err := h.Run(h.Context(), id)
		h.must(err)
		got.SinceStart = 0
		if diff := cmp.Diff(want.Run, got); diff != "" {
			h.T.Fatalf("run %d: -model +store\n%s", id, diff)
		}
		h.compareBrought(id)
		carried, err := h.Carried(h.Context(), id, ledger.RecordID{}, 100)
		h.must(err)
		var ids []ledger.RecordID
		for _, r := range carried {
			ids = append(ids, r.ID)
		}
		if diff := cmp.Diff(h.model.carried(id), ids); diff != "" {
			h.T.Fatalf("run %d carries: -model +store\n%s", id, diff)
		}
	}
}

// compareRunLists compares the list of all runs, and those of one state, page by page.
func (h *runHistory) compareRunLists() {
	ids := slices.Sorted(maps.Keys(h.model.runs))
	slices.Reverse(ids)
	state := rapid.SampledFrom(ledger.RunStates).Draw(h.T, "state")
	for _, q := range []ledger.RunQuery{{Max: 2}, {Max: 2, Target: worker}, {Max: 1, States: []ledger.RunState{state}}} {
		var want, got []ledger.RunID
		for _, id := range ids {
			r := h.model.runs[id]
			if (q.Target == "" || r.Target == q.Target) && (q.States == nil || r.State == state) {
				want = append(want, id)
			}
		}
		for {
			page, err := h.ListRuns(h.Context(), q)
			h.must(err)
			for _, r := range page {
				got = append(got, r.ID)
				q.Before = r.ID
			}
			if len(page) == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			h.T.Fatalf("runs of %+v: -model +store\n%s", q, diff)
		}
	}
}

// checkStarts checks that no record is in two runs that may both have worked on it unless that is counted.
func (h *runHistory) checkStarts() {
	for _, id := range h.all {
		starts := 0
		for _, a := range h.model.attempts[id] {
			if run := h.model.runs[a.run]; run != nil && run.State != ledger.RunRejected && !h.spared[a.run] {
				starts++
			}
		}
		if r := h.model.rows[id]; starts > 1+r.MayDuplicate {
			h.T.Fatalf("%s is in %d runs that may have worked on it, and %d may be doubled", id, starts, r.MayDuplicate)
		}
	}
}
