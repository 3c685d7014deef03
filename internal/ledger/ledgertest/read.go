package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var readTests = map[string]func(*env){
	"records in the order asked for": readOrder,
	"very many records":              readMany,
	"attempts":                       readAttempts,
	"what is not there":              readNothing,
	"what waits":                     readOldest,
	"while a writer is busy":         readWhileBusy,
}

func readOrder(e *env) {
	got := e.accept(e.sub(people), e.sub(people), e.sub(people))
	unknown := ledger.RecordID{0: 9}
	records, err := e.Records(e.Context(), []ledger.RecordID{got[2].ID, unknown, got[0].ID, got[2].ID})
	e.must(err)
	var order []ledger.RecordID
	for _, r := range records {
		order = append(order, r.ID)
		if len(r.Fields) == 0 {
			e.Error("a record without its fields")
		}
	}
	e.same([]ledger.RecordID{got[2].ID, got[0].ID, got[2].ID}, order)
}

// A database bounds the parameters of a statement: SQLite takes 32,766.
func readMany(e *env) {
	r := e.accept(e.sub(people))[0]
	asked := make([]ledger.RecordID, 40_000)
	for i := range asked {
		asked[i] = ledger.RecordID{byte(i), byte(i >> 8), byte(i >> 16), 1}
	}
	asked[39_999] = r.ID
	got, err := e.Records(e.Context(), asked)
	e.must(err)
	if len(got) != 1 || got[0].ID != r.ID {
		e.Errorf("%d records, want the one that is there", len(got))
	}
}

func readAttempts(e *env) {
	c := e.sent(firms)
	for n := 2; n < 13; n++ {
		e.apply(c.Record.ID, ledger.Release{Attempt: n - 1})
		c = e.claim(1)[0]
		e.clock.Advance(1e9)
	}
	got, err := e.Attempts(e.Context(), c.Record.ID)
	e.must(err)
	e.same(12, len(got))
	for i, a := range got {
		if a.N != i+1 || (a.Outcome == ledger.Released) != (i < 11) || a.AnsweredAt.IsZero() != (i == 11) {
			e.Errorf("attempt %d is %+v", i+1, a)
		}
	}
}

func readNothing(e *env) {
	attempts, err := e.Attempts(e.Context(), ledger.RecordID{9})
	e.must(err)
	e.same(0, len(attempts))
	counts, err := e.LoadCounts(e.Context(), 99)
	e.must(err)
	e.same(ledger.Counts{}, counts)
	waiting, err := e.Waiting(e.Context(), 99)
	e.must(err)
	e.same(0, len(waiting))
	waiting, err = e.Waiting(e.Context(), 0)
	e.must(err)
	e.same(0, len(waiting))
	e.same(ledger.TargetStatus{Counts: ledger.Counts{}, Used: map[ledger.Digest]int{}}, e.status("nowhere"))
}

// Readers get their answer while a writer is in the middle of a transaction, and see what was before it.
func readWhileBusy(e *env) {
	r := e.accept(e.sub(people))[0]
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- e.Preview(e.Context(), func(yield func(ledger.Submission) bool) {
			yield(e.sub(people))
			close(entered)
			<-leave
		}, func(ledger.Acceptance) {})
	}()
	<-entered
	e.wantStates([]ledger.State{ledger.Queued}, r.ID)
	e.same(1, e.status(people).Counts.Total())
	_, err := e.Attempts(e.Context(), r.ID)
	e.must(err)
	_, _, err = e.Due(e.Context(), 10)
	e.must(err)
	_, err = e.LoadCounts(e.Context(), 1)
	e.must(err)
	close(leave)
	e.must(<-done)
}

func readOldest(e *env) {
	oldest := func() time.Duration {
		e.Helper()
		got, err := e.Oldest(e.Context(), people)
		e.must(err)
		return got
	}
	e.same(time.Duration(0), oldest())
	e.accept(e.sub(people))
	e.clock.Advance(time.Hour)
	e.accept(e.sub(people, priority(9)), e.sub(firms))
	e.clock.Advance(time.Minute)
	e.same(time.Hour+time.Minute, oldest())
	e.accept(e.sub(people))
	e.claims(ledger.Want{Lane: lane, Max: 1}) // the one of the highest priority
	e.same(time.Hour+time.Minute, oldest())
	e.claims(ledger.Want{Lane: lane, Max: 2})
	e.same(time.Duration(0), oldest())
}
