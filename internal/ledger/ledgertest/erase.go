package ledgertest

import (
	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/ledger"
)

var eraseTests = map[string]func(*env){
	"in every state":         eraseStates,
	"by key, whole":          eraseKey,
	"one of several":         eraseLeader,
	"what comes afterwards":  eraseLate,
	"a target, step by step": eraseTarget,
	"what is to be told":     eraseOutbox,
	"what belongs to none":   eraseLoose,
	"items of followed runs": eraseItems,
}

// eraseAll erases until there is no more, and returns what that was.
func (e *env) eraseAll(what ledger.Erasure) (sum ledger.Erased) {
	e.Helper()
	for range 10_000 {
		step, err := e.Erase(e.Context(), what)
		e.must(err)
		sum.Records, sum.Canceled, sum.AtClay = sum.Records+step.Records, sum.Canceled+step.Canceled, sum.AtClay+step.AtClay
		sum.Loose += step.Loose
		if what.After = step.Next; !step.More {
			return sum
		}
	}
	e.Fatal("there is always more")
	return sum
}

// bare checks that nothing of a record's bodies can be read any more.
func (e *env) bare(ids ...ledger.RecordID) {
	e.Helper()
	for _, id := range ids {
		r := e.record(id)
		if !r.Erased || r.Fields != nil || r.Metadata != nil || r.Result != nil || r.CallbackURL != "" {
			e.Errorf("record %s is %+v", id, r)
		}
		attempts, err := e.Attempts(e.Context(), id)
		e.must(err)
		for _, a := range attempts {
			e.same("", a.Excerpt)
		}
	}
}

func about(s *ledger.Submission) { s.Metadata = []byte(`{"row":7}`) }

func eraseStates(e *env) {
	done, dead, expired := e.ended(ledger.Done, about), e.ended(ledger.Dead, about), e.ended(ledger.Expired, about)
	sending, sent, uncertain := e.sent(people, about), e.sent(people, about, keyed(7)), e.sent(people, about)
	e.answer(sent, ledger.Accepted)
	e.answer(uncertain, ledger.Doubtful)
	joined, queued := e.accept(e.sub(people, about, keyed(7)))[0].ID, e.accept(e.sub(people, about))[0].ID
	all := []ledger.RecordID{done, dead, expired, joined, sending.Record.ID, sent.Record.ID, uncertain.Record.ID, queued}
	changed, cancel := e.hub.Subscribe(queued)
	defer cancel()
	e.same(ledger.Erased{Records: 8, Canceled: 5, AtClay: 5}, e.eraseAll(ledger.Erasure{Records: append(all, ledger.RecordID{99})}))
	e.woken(changed)
	e.same(ledger.Erased{}, e.eraseAll(ledger.Erasure{Records: all}))
	e.reopen()
	e.bare(all...)
	e.wantStates([]ledger.State{ledger.Done, ledger.Dead, ledger.Expired, ledger.Canceled, ledger.Canceled, ledger.Canceled, ledger.Canceled, ledger.Canceled}, all...)
	e.same(ledger.ErasedReason, e.record(dead).Reason)
	e.same(0, len(e.claim(10)))
	e.same(ledger.Counts{"canceled": 5, ledger.CountSent: 3}, e.status(people).Counts)
}

// All that share a key go together: none of them is sent in another's place.
func eraseKey(e *env) {
	old := e.ended(ledger.Done, keyed(1))
	leader := e.sent(firms, keyed(1), func(s *ledger.Submission) { s.MaxAge = new(0 * day) })
	e.answer(leader, ledger.Accepted)
	records := []ledger.RecordID{old, leader.Record.ID}
	for range 120 {
		records = append(records, e.accept(e.sub(firms, keyed(1)))[0].ID)
	}
	other := e.accept(e.sub(firms, keyed(2)))[0].ID
	step, err := e.Erase(e.Context(), ledger.Erasure{Keys: []ledger.Digest{{1}}})
	e.must(err)
	if !step.More || step.Records == 0 {
		e.Errorf("one step did %+v: others wait for it", step)
	}
	for more := true; more; {
		if work := e.claim(10); len(work) > 0 && work[0].Record.ID != other {
			e.Fatalf("%v is sent though its key is being erased", ids(work))
		}
		step, err := e.Erase(e.Context(), ledger.Erasure{Keys: []ledger.Digest{{1}}})
		e.must(err)
		more = step.More
	}
	e.bare(records...)
	e.same(false, e.record(other).Erased)
	e.same(ledger.Queued, e.accept(e.sub(firms, keyed(1)))[0].State) // handed in again it is new work
}

// Whoever erases one of several records for the same work leaves the others theirs, those of the same load too.
func eraseLeader(e *env) {
	load := e.load("leads.csv")
	leader := e.accept(e.sub(people, keyed(1), row(load, 1)))[0].ID
	next, last := e.accept(e.sub(people, keyed(1), row(load, 2)))[0].ID, e.accept(e.sub(people, keyed(1)))[0].ID
	e.eraseAll(ledger.Erasure{Records: []ledger.RecordID{leader}})
	e.wantStates([]ledger.State{ledger.Canceled, ledger.Queued, ledger.Joined}, leader, next, last)
	e.same(next, e.claim(5)[0].Record.ID)
}

// The answer of an attempt that was under way is a fact, and so is that a result came; nothing of them is kept.
func eraseLate(e *env) {
	c := e.sent(people)
	id := c.Record.ID
	e.eraseAll(ledger.Erasure{Records: []ledger.RecordID{id}})
	e.apply(id, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200, Excerpt: "Ada"})
	got := e.applyAll(ledger.Entry{
		Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)},
		Callback: &ledger.Callback{Target: people, Body: []byte(`{"title":"Countess"}`)},
	})[0]
	if got.Err != nil || got.Moved || got.Fresh {
		e.Errorf("a late result did %+v", got)
	}
	e.bare(id)
	attempts, err := e.Attempts(e.Context(), id)
	e.must(err)
	e.same([]any{ledger.Accepted, 200}, []any{attempts[0].Verdict, attempts[0].Status})
	e.same(0, len(e.loose()))
	for _, event := range []ledger.Event{ledger.Replay{}, ledger.Resolve{Arrived: true}, ledger.Resolve{}} {
		e.wantKind(ledger.Conflict, e.applyAll(ledger.Entry{Record: id, Event: event})[0].Err)
	}
	e.clock.Advance(keep.Metadata)
	e.same(1, e.pruneAll(keep).Records)
}

func eraseTarget(e *env) {
	var all []ledger.RecordID
	var subs []ledger.Submission
	for range 300 {
		subs = append(subs, e.sub(people, keyed(byte(len(subs)%3+1))))
	}
	for _, r := range e.accept(subs...) {
		all = append(all, r.ID)
	}
	other := e.accept(e.sub(firms, keyed(9)))[0].ID
	e.stray(people)
	e.stray(firms)
	step, err := e.Erase(e.Context(), ledger.Erasure{Target: people})
	e.must(err)
	if !step.More || step.Records == 0 || step.Records > 150 {
		e.Errorf("one step did %+v: others wait for it", step)
	}
	rest := e.eraseAll(ledger.Erasure{Target: people, After: step.Next})
	e.same(ledger.Erased{Records: 300, Canceled: 300, Loose: 1}, ledger.Erased{
		Records: step.Records + rest.Records, Canceled: step.Canceled + rest.Canceled, AtClay: rest.AtClay, Loose: step.Loose + rest.Loose,
	})
	e.bare(all...)
	e.same(false, e.record(other).Erased)
	e.same(firms, e.loose()[0].Target)
	e.same(ledger.Erased{}, e.eraseAll(ledger.Erasure{Target: people}))
}

// What was to be forwarded is not any more, and what waited behind it may go.
func eraseOutbox(e *env) {
	e.forwarding()
	hook := func(s *ledger.Submission) { s.CallbackURL = "https://example.com/hook" }
	id, behind := e.done(hook, keyed(1)), e.done(hook, keyed(1), func(s *ledger.Submission) { s.MaxAge = new(0 * day) })
	e.eraseAll(ledger.Erasure{Records: []ledger.RecordID{id}})
	e.wantOutgoing(crm, news(behind, ledger.RecordDone, 1))
	e.wantOutgoing("@example.com", news(behind, ledger.RecordDone, 1))
}

// stray has a callback kept that matches no record.
func (e *env) stray(target string) {
	e.Helper()
	e.wantKind(ledger.NotFound, e.applyAll(ledger.Entry{
		Record: ledger.RecordID{9}, Event: ledger.Result{Fields: []byte(`{}`)}, Callback: &ledger.Callback{Target: target, Body: []byte(`{"of":"` + target + `"}`)},
	})[0].Err)
}

// loose returns all bodies that belong to no record.
func (e *env) loose() (all []ledger.Loose) {
	e.Helper()
	for {
		var after ledger.LooseID
		if len(all) > 0 {
			after = all[len(all)-1].ID
		}
		some, err := e.Loose(e.Context(), after, 2)
		e.must(err)
		if len(some) == 0 {
			return all
		}
		all = append(all, some...)
	}
}

func eraseLoose(e *env) {
	for range 2 {
		e.stray(people)
		e.stray(firms)
	}
	all := e.loose()
	e.same(4, len(all))
	e.same([]any{people, `{"of":"people"}`}, []any{all[0].Target, string(all[0].Body)})
	e.same(ledger.Erased{Loose: 2}, e.eraseAll(ledger.Erasure{Loose: []ledger.LooseID{all[0].ID, all[3].ID}}))
	e.same(all[1:3], e.loose())
}

// The items keep their places, because they are read by them.
func eraseItems(e *env) {
	e.routines(ledger.RunPolicy{})
	e.stray(people)
	run := e.followed(ledger.Following{Clay: "run_of_others", Kind: ledger.Inline, Size: 3})
	e.happen(run.ID, ledger.RunItems{Items: bodies(`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`), Last: true})
	all := e.loose()
	if diff := cmp.Diff([]ledger.Loose{
		{ID: ledger.LooseID{Run: run.ID, N: 0}, Lane: apiLane, Body: []byte(`{"id":"a"}`)},
		{ID: ledger.LooseID{Run: run.ID, N: 1}, Lane: apiLane, Body: []byte(`{"id":"b"}`)},
		{ID: ledger.LooseID{Run: run.ID, N: 2}, Lane: apiLane, Body: []byte(`{"id":"c"}`)},
	}, all[1:]); diff != "" {
		e.Errorf("-want +got\n%s", diff)
	}
	e.same(ledger.Erased{Loose: 1}, e.eraseAll(ledger.Erasure{Loose: []ledger.LooseID{all[2].ID}}))
	e.same([]string{`{"id":"a"}`, `{}`, `{"id":"c"}`}, e.brought(run.ID))
	e.same(ledger.Erased{Loose: 2}, e.eraseAll(ledger.Erasure{Lane: apiLane}))
	e.same(ledger.Erased{}, e.eraseAll(ledger.Erasure{Lane: apiLane}))
	e.same([]string{`{}`, `{}`, `{}`}, e.brought(run.ID))
}

// eraseOne erases one record of a random history, and sometimes all of its key.
func (r *run) eraseOne() {
	id := r.any()
	if r.model.rows[id] == nil {
		return
	}
	r.eraseAll(ledger.Erasure{Records: []ledger.RecordID{id}})
	r.model.erase(id)
}
