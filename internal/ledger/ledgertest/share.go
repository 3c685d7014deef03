package ledgertest

import (
	"github.com/claygate/claygate/internal/ledger"
)

var shareTests = map[string]func(*env){
	"done together":                shareDone,
	"dead together":                shareDead,
	"a late result":                shareLateResult,
	"a replayed leader":            shareReplayedLeader,
	"a replayed follower":          shareReplayedFollower,
	"a load is retried":            shareRetriedLoad,
	"a canceled leader":            shareCanceledLeader,
	"a chain":                      shareChain,
	"a result of its own":          shareOwnResult,
	"an update is the leader's":    shareUpdate,
	"other targets share nothing":  shareNothing,
	"replay beside a newer result": shareReplayBesideResult,
}

// shared returns a claimed leader and two that joined it.
func (e *env) shared() (ledger.Claimed, ledger.RecordID, ledger.RecordID) {
	e.Helper()
	c := e.sent(people, keyed(1))
	got := e.accept(e.sub(people, keyed(1)), e.sub(people, keyed(1), func(s *ledger.Submission) { s.Load = e.load("b.csv") }))
	return c, got[0].ID, got[1].ID
}

func shareDone(e *env) {
	leader, a, b := e.shared()
	changed, cancel := e.hub.Subscribe(a)
	defer cancel()
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.woken(changed)
	e.reopen()
	for _, id := range []ledger.RecordID{a, b} {
		r := e.record(id)
		if r.State != ledger.Done || !r.Cached || string(r.Result) != `{"title":"Countess"}` || r.Attempts != 0 || r.DoneAt.IsZero() {
			e.Errorf("it became %+v", r)
		}
		if string(r.Fields) == string(leader.Record.Fields) {
			e.Error("it has the leader's input")
		}
	}
	e.same(ledger.Counts{"done": 3, ledger.CountSent: 1, ledger.CountCached: 2}, e.status(people).Counts)
	counts, err := e.LoadCounts(e.Context(), e.load("b.csv"))
	e.must(err)
	e.same(ledger.Counts{"done": 1, ledger.CountCached: 1}, withoutZeros(counts))
}

func shareDead(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Rejected)
	e.wantStates([]ledger.State{ledger.Dead, ledger.Dead, ledger.Dead}, leader.Record.ID, a, b)
	e.same("because rejected", e.record(a).Reason)
	e.same(ledger.Queued, e.accept(e.sub(people, keyed(1)))[0].State)
}

func shareLateResult(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Accepted)
	e.clock.Advance(timeout)
	e.same(1, e.tickDue())
	e.wantStates([]ledger.State{ledger.Expired, ledger.Expired, ledger.Expired}, leader.Record.ID, a, b)
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Done}, leader.Record.ID, a, b)
	e.same(`{"title":"Countess"}`, string(e.record(b).Result))
}

func shareReplayedLeader(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Rejected)
	e.apply(leader.Record.ID, ledger.Replay{})
	e.wantStates([]ledger.State{ledger.Queued, ledger.Dead, ledger.Dead}, leader.Record.ID, a, b)
	again := e.accept(e.sub(people, keyed(1)))[0]
	e.same(leader.Record.ID, again.Leader)
	e.claim(1)
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Done, ledger.Done}, leader.Record.ID, a, b, again.ID)
}

func shareReplayedFollower(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Rejected)
	e.apply(a, ledger.Replay{})
	e.wantStates([]ledger.State{ledger.Dead, ledger.Queued, ledger.Dead}, leader.Record.ID, a, b)
	e.same(a, e.accept(e.sub(people, keyed(1)))[0].Leader) // it is the one to join now
	e.claim(1)
	e.result(a, `{"title":"Countess"}`)
	r := e.record(a)
	if r.Cached || r.Attempts != 1 || !r.Leader.IsZero() {
		e.Errorf("it became %+v, want it done by itself", r)
	}
	e.wantStates([]ledger.State{ledger.Dead, ledger.Dead}, leader.Record.ID, b)
	e.same(ledger.Done, e.accept(e.sub(people, keyed(1)))[0].State)
}

// Three failed rows with one e-mail, retried together, were sent and paid three times.
func shareRetriedLoad(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Rejected)
	e.applyAll(ledger.Entry{Record: b, Event: ledger.Replay{}}, ledger.Entry{Record: leader.Record.ID, Event: ledger.Replay{}}, ledger.Entry{Record: a, Event: ledger.Replay{}})
	e.wantStates([]ledger.State{ledger.Joined, ledger.Joined, ledger.Queued}, leader.Record.ID, a, b)
	e.same([]ledger.RecordID{b}, ids(e.claim(5)))
	e.result(b, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Done}, leader.Record.ID, a, b)
	if e.record(leader.Record.ID).Cached || !e.record(a).Cached {
		e.Error("what was sent once is counted as cached, or what was not is not")
	}
}

// Who gives up a record gives up nobody else's: the first that joined it goes on, and the others with that one. Rows of
// the same load are given up with it.
func shareCanceledLeader(e *env) {
	mine := func(s *ledger.Submission) { s.Load = e.load("a.csv") }
	got := e.accept(e.sub(people, keyed(1), mine), e.sub(people, keyed(1), mine), e.sub(people, keyed(1)),
		e.sub(people, keyed(1), func(s *ledger.Submission) { s.Load = e.load("b.csv") }))
	e.apply(got[0].ID, ledger.Cancel{Reason: "enough"})
	e.reopen()
	e.wantStates([]ledger.State{ledger.Canceled, ledger.Canceled, ledger.Queued, ledger.Joined}, got[0].ID, got[1].ID, got[2].ID, got[3].ID)
	e.same(got[2].ID, e.record(got[3].ID).Leader)
	e.same(got[2].ID, e.accept(e.sub(people, keyed(1)))[0].Leader)
	claims, err := e.Claim(e.Context(), ledger.Want{Lane: lane, Load: e.load("b.csv"), Max: 5})
	e.must(err)
	e.same([]ledger.RecordID{got[2].ID}, ids(claims.Work)) // the load whose row joined it waits for it
	e.result(got[2].ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Canceled, ledger.Canceled, ledger.Done, ledger.Done}, got[0].ID, got[1].ID, got[2].ID, got[3].ID)
}

// A former leader joins another record; those that had joined it end with it.
func shareChain(e *env) {
	leader, a, b := e.shared()
	e.answer(leader, ledger.Rejected)
	other := e.accept(e.sub(people, keyed(1)))[0]
	e.apply(leader.Record.ID, ledger.Replay{})
	e.wantStates([]ledger.State{ledger.Queued, ledger.Joined, ledger.Dead, ledger.Dead}, other.ID, leader.Record.ID, a, b)
	e.claim(1)
	e.result(other.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Done, ledger.Done}, other.ID, leader.Record.ID, a, b)
	e.same(4, e.status(people).Counts["done"])
}

func shareOwnResult(e *env) {
	leader, a, b := e.shared()
	e.result(a, `{"title":"Ms"}`)
	e.wantStates([]ledger.State{ledger.Sending, ledger.Done, ledger.Joined}, leader.Record.ID, a, b)
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Done, ledger.Done}, leader.Record.ID, a, b)
	e.same(`{"title":"Ms"}`, string(e.record(a).Result))
	e.same(1, e.record(a).Revision)
}

func shareUpdate(e *env) {
	leader, a, _ := e.shared()
	e.result(leader.Record.ID, `{"title":""}`)
	e.result(leader.Record.ID, `{"title":"Countess"}`)
	e.same(2, e.record(leader.Record.ID).Revision)
	e.same(1, e.record(a).Revision)
	e.same(`{"title":"Countess"}`, string(e.record(e.accept(e.sub(people, keyed(1)))[0].ID).Result))
}

func shareNothing(e *env) {
	got := e.accept(e.sub(people, keyed(1)), e.sub(people), e.sub(people), e.sub(people, keyed(1), func(s *ledger.Submission) { s.Await = false }))
	for _, r := range got {
		e.same(ledger.Queued, r.State)
	}
}

func shareReplayBesideResult(e *env) {
	leader, a, _ := e.shared()
	e.answer(leader, ledger.Rejected)
	e.accept(e.sub(people, keyed(1)))
	newer := e.claim(1)[0]
	e.result(newer.Record.ID, `{"title":"Countess"}`)
	e.apply(a, ledger.Replay{}) // a person asks for it: it is sent
	e.same([]ledger.RecordID{a}, ids(e.claim(5)))
	e.same(a, e.accept(e.sub(people, keyed(1)))[0].Leader)
}
