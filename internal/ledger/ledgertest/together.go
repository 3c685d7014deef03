package ledgertest

import (
	"context"
	"errors"
	"sync"

	"github.com/claygate/claygate/internal/ledger"
)

var togetherTests = map[string]func(*env){
	"50 callers with one key":          togetherOneKey,
	"50 callers with one row":          togetherOneRow,
	"one fails, the others do not":     togetherOneFails,
	"claims give out each record once": togetherClaims,
	"closing while calls wait":         togetherClose,
	"callers that give up":             togetherGiveUp,
}

func togetherOneKey(e *env) {
	states := make(chan ledger.State, 50)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, keyed(1))})
			if err != nil {
				e.Error(err)
				return
			}
			states <- got[0].Record.State
		})
	}
	wg.Wait()
	close(states)
	seen := map[ledger.State]int{}
	for s := range states {
		seen[s]++
	}
	e.same(map[ledger.State]int{ledger.Queued: 1, ledger.Joined: 49}, seen)
	work := e.claim(10)
	e.same(1, len(work))
	e.result(work[0].Record.ID, `{"title":"Countess"}`)
	e.same(ledger.Counts{"done": 50, ledger.CountSent: 1, ledger.CountCached: 49}, e.status(people).Counts)
}

func togetherOneRow(e *env) {
	load := e.load("leads.csv")
	fresh := make(chan ledger.RecordID, 50)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, row(load, 1))})
			if err != nil {
				e.Error(err)
			} else if !got[0].Repeated {
				fresh <- got[0].Record.ID
			}
		})
	}
	wg.Wait()
	e.same(1, len(fresh))
	e.same(1, e.status(people).Counts.Total())
}

func togetherOneFails(e *env) {
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			target, want := people, error(nil)
			if i%20 == 0 {
				target, want = "nowhere", &ledger.Error{Kind: ledger.NotFound}
			}
			_, err := e.Accept(e.Context(), []ledger.Submission{e.sub(target)})
			if (err == nil) != (want == nil) || err != nil && ledger.KindOf(err) != ledger.KindOf(want) {
				e.Errorf("%s: %v", target, err)
			}
		})
	}
	wg.Wait()
	e.same(ledger.Counts{"queued": 57}, e.status(people).Counts)
}

func togetherClaims(e *env) {
	const records = 300
	var mu sync.Mutex
	seen := map[ledger.RecordID]int{}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range records / 3 {
				if _, err := e.Accept(e.Context(), []ledger.Submission{e.sub(routine)}); err != nil {
					e.Error(err)
				}
			}
		})
	}
	for range 5 {
		wg.Go(func() {
			for {
				got, err := e.Claim(e.Context(), ledger.Want{Lane: otherLane, Max: 7})
				if err != nil {
					e.Error(err)
					return
				}
				mu.Lock()
				for _, c := range got.Work {
					seen[c.Record.ID]++
				}
				all := len(seen) == records
				mu.Unlock()
				if all {
					return
				}
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 {
			e.Errorf("%s was given out %d times", id, n)
		}
	}
	e.same(ledger.Counts{"sending": records, ledger.CountSent: records}, e.status(routine).Counts)
}

func togetherClose(e *env) {
	var mu sync.Mutex
	var kept []ledger.RecordID
	var wg sync.WaitGroup
	started := make(chan struct{}, 20)
	for range 20 {
		wg.Go(func() {
			for {
				s := e.sub(people)
				_, err := e.Accept(e.Context(), []ledger.Submission{s})
				if err != nil {
					e.wantKind(ledger.Unavailable, err)
					return
				}
				mu.Lock()
				kept = append(kept, s.ID)
				mu.Unlock()
				select {
				case started <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 20 {
		<-started
	}
	e.must(e.Close())
	wg.Wait()
	e.Store = e.open(e.test, e.opts)
	e.same(len(kept), len(e.states(kept...)))
	e.same(len(kept), e.status(people).Counts.Total())
}

// Whoever gives up gets its context's error; the same submission handed in again is the same record.
func togetherGiveUp(e *env) {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(e.Context())
			s := e.sub(people)
			go cancel()
			if _, err := e.Accept(ctx, []ledger.Submission{s}); err != nil && !errors.Is(err, context.Canceled) {
				e.Error(err)
			}
			if _, err := e.Accept(e.Context(), []ledger.Submission{s}); err != nil {
				e.Error(err)
			}
		})
	}
	wg.Wait()
	e.same(ledger.Counts{"queued": 20}, e.status(people).Counts)
}
