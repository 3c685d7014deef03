package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// brought returns all that is kept of a run's items.
func (e *env) brought(id ledger.RunID) (all []string) {
	e.Helper()
	for {
		some, err := e.Brought(e.Context(), id, len(all), 2)
		e.must(err)
		if len(some) == 0 {
			return all
		}
		for _, body := range some {
			all = append(all, string(body))
		}
	}
}

// followed has a run followed and returns it.
func (e *env) followed(f ledger.Following) ledger.Run {
	e.Helper()
	f.Lane = apiLane
	e.must(e.Follow(e.Context(), f))
	r, err := e.Named(e.Context(), f.Lane, f.Clay)
	e.must(err)
	return r
}

// bodies are items that were given as these texts.
func bodies(texts ...string) (items []ledger.RunItem) {
	for _, text := range texts {
		items = append(items, ledger.RunItem{Body: []byte(text)})
	}
	return items
}

// A run that a caller started is asked for also after a restart, and its items are kept as long as results are, then the
// run as long as runs are.
func runFollowed(e *env) {
	e.routines(ledger.RunPolicy{})
	run := e.followed(ledger.Following{Clay: "run_of_others", Kind: ledger.Inline, Size: 3})
	e.same([]any{ledger.RunRunning, ledger.Inline, 3, true, ""}, []any{run.State, run.Kind, run.Size, run.Followed, run.Target})
	e.same(run.ID, e.followed(ledger.Following{Clay: "run_of_others", Kind: ledger.Inline, Size: 9}).ID)
	e.reopen()
	e.clock.Advance(time.Minute)
	polled, _, err := e.Poll(e.Context(), apiLane)
	e.must(err)
	e.same(run.ID, polled.ID)
	e.happen(run.ID, ledger.RunItems{Items: bodies(`{"id":"a"}`, `{"id":"b"}`), Cursor: "next"})
	run = e.happen(run.ID, ledger.RunItems{Items: bodies(`{"id":"c"}`), From: 2, Last: true})
	e.same([]any{ledger.RunDone, 3, int64(30)}, []any{run.State, run.Brought, run.Bytes})
	e.same([]string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}, e.brought(run.ID))
	for _, after := range []struct {
		days time.Duration
		kept int
	}{{29, 3}, {2, 0}, {58, 0}} {
		_, err = e.Run(e.Context(), run.ID)
		e.must(err)
		e.clock.Advance(after.days * 24 * time.Hour)
		_, err = e.Prune(e.Context(), ledger.Retention{})
		e.must(err)
		e.same(after.kept, len(e.brought(run.ID)))
	}
	e.clock.Advance(2 * 24 * time.Hour)
	_, err = e.Prune(e.Context(), ledger.Retention{})
	e.must(err)
	_, err = e.Named(e.Context(), apiLane, "run_of_others")
	e.wantKind(ledger.NotFound, err)
}

// A file is read from its beginning after a break: what is kept is the file as it was read last.
func runFollowedAgain(e *env) {
	e.routines(ledger.RunPolicy{})
	run := e.followed(ledger.Following{Clay: "bulk_of_others", Kind: ledger.Bulk})
	e.happen(run.ID, ledger.RunItems{Items: bodies("a", "b", "c")})
	e.happen(run.ID, ledger.RunItems{Items: bodies("d"), From: 3})
	e.happen(run.ID, ledger.RunItems{Items: bodies("b", "a")})
	run = e.happen(run.ID, ledger.RunItems{Items: bodies("c"), From: 2, Last: true})
	e.same([]string{"b", "a", "c"}, e.brought(run.ID))
	e.same([]any{3, int64(3)}, []any{run.Brought, run.Bytes})
}

func runFollowedTooLong(e *env) {
	e.routines(ledger.RunPolicy{})
	run := e.followed(ledger.Following{Clay: "bulk_of_others", Kind: ledger.Bulk})
	e.happen(run.ID, ledger.RunItems{Items: bodies("a")})
	long := ledger.RunItem{Body: make([]byte, ledger.MaxFollowed)}
	run = e.happen(run.ID, ledger.RunItems{Items: []ledger.RunItem{long}, From: 1})
	e.same([]any{ledger.RunLost, 0}, []any{run.State, run.Brought})
	e.same([]string(nil), e.brought(run.ID))
}

// A completion webhook may overtake the answer to the start that it tells of.
func runFollowedFound(e *env) {
	ours := e.gather(1, ledger.RunPolicy{})
	known, err := e.Completed(e.Context(), apiLane, "run_of_others")
	e.must(err)
	e.same(true, known)
	run := e.followed(ledger.Following{Clay: "run_of_others", Kind: ledger.Inline, Size: 1})
	e.same([]any{ledger.RunRunning, true}, []any{run.State, run.Followed})
	e.happen(ours.Run.ID, startAnswer(ledger.Accepted))
	same := e.followed(ledger.Following{Clay: "run_1", Kind: ledger.Inline})
	e.same([]any{ours.Run.ID, false, worker}, []any{same.ID, same.Followed, same.Target})
}

// Of a run that ends without results what Clay said of it is kept, and nothing that came before.
func runFollowedFailed(e *env) {
	e.routines(ledger.RunPolicy{})
	run := e.followed(ledger.Following{Clay: "bulk_of_others", Kind: ledger.Bulk})
	e.happen(run.ID, ledger.RunItems{Items: bodies("a", "b")})
	run = e.happen(run.ID, ledger.RunFailed{Reason: "because", Answer: []byte(`{"status":"x"}`)})
	e.same([]any{ledger.RunLost, 1, int64(14)}, []any{run.State, run.Brought, run.Bytes})
	e.same([]string{`{"status":"x"}`}, e.brought(run.ID))
}

// A start that was given its name late can leave a run behind that was found by that name and is being read: which of the
// two a name led to was left to chance, and the caller's follow could make a third.
func runFollowedOurs(e *env) {
	e.routines(ledger.RunPolicy{})
	e.accept(e.sub(worker))
	ours := e.claims(ledger.Want{Lane: apiLane, Max: 1}).Run.ID
	e.happen(ours, startAnswer(ledger.Doubtful))
	found := e.completed("run_1", true)
	e.happen(found, ledger.RunItems{Items: []ledger.RunItem{{Record: ledger.RecordID{9, 9}}}, Cursor: "next"})
	e.happen(ours, ledger.RunAdopted{Clay: "run_1"})
	e.same(ours, e.followed(ledger.Following{Clay: "run_1", Kind: ledger.Inline, Size: 1}).ID)
	runs, err := e.ListRuns(e.Context(), ledger.RunQuery{Max: 10})
	e.must(err)
	for _, r := range runs {
		e.same(false, r.Followed)
	}
}
