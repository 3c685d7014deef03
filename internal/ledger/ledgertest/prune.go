package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var pruneTests = map[string]func(*env){
	"bodies, then records":    pruneInTurn,
	"nothing under way":       pruneNothingOpen,
	"the cache forgets":       pruneCache,
	"what was erased stays":   pruneStays,
	"counts and lists":        pruneCounts,
	"notices":                 pruneNotices,
	"idempotency keys":        pruneOnce,
	"callbacks":               pruneCallbacks,
	"very many, step by step": pruneSteps,
}

const day = 24 * time.Hour

// keep is the retention of the suite's tests.
var keep = ledger.Retention{Bodies: 30 * day, Metadata: 90 * day}

// pruneAll prunes until there is no more, and returns what that was.
func (e *env) pruneAll(keep ledger.Retention) (sum ledger.Pruned) {
	e.Helper()
	for range 10_000 {
		p, err := e.Prune(e.Context(), keep)
		e.must(err)
		sum.Bodies, sum.Records, sum.Others = sum.Bodies+p.Bodies, sum.Records+p.Records, sum.Others+p.Others
		if !p.More {
			return sum
		}
	}
	e.Fatal("there is always more")
	return sum
}

// ended makes a record that ended in the state.
func (e *env) ended(state ledger.State, change ...func(*ledger.Submission)) ledger.RecordID {
	e.Helper()
	change = append(change, priority(1))
	switch state {
	case ledger.Canceled:
		id := e.accept(e.sub(firms, change...))[0].ID
		e.apply(id, ledger.Cancel{Reason: "enough"})
		return id
	case ledger.Expired:
		id := e.sent(firms, change...).Record.ID
		e.apply(id, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Excerpt: "Ada"})
		e.clock.Advance(timeout)
		e.tickDue()
		return id
	}
	c := e.sent(firms, change...)
	if state == ledger.Dead {
		e.apply(c.Record.ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Reason: "no", Excerpt: "Ada"})
	} else {
		e.result(c.Record.ID, `{"title":"Countess"}`)
	}
	return c.Record.ID
}

func pruneInTurn(e *env) {
	about := func(s *ledger.Submission) { s.Metadata = []byte(`{"row":7}`) }
	for _, state := range []ledger.State{ledger.Done, ledger.Dead, ledger.Expired, ledger.Canceled} {
		id := e.ended(state, about)
		e.clock.Advance(keep.Bodies - time.Second)
		e.same(ledger.Pruned{}, dropOthers(e.pruneAll(keep)))
		before := e.record(id)
		e.clock.Advance(time.Second)
		e.same(ledger.Pruned{Bodies: 1}, e.pruneAll(keep))
		before.Erased, before.Fields, before.Result = true, nil, nil
		got := e.record(id)
		got.SinceDone, got.SinceSend, before.SinceDone, before.SinceSend = 0, 0, 0, 0
		e.same(before, got)
		attempts, err := e.Attempts(e.Context(), id)
		e.must(err)
		for _, a := range attempts {
			e.same("", a.Excerpt)
		}
		e.clock.Advance(keep.Metadata - keep.Bodies - time.Second)
		e.same(ledger.Pruned{}, dropOthers(e.pruneAll(keep)))
		e.clock.Advance(time.Second)
		e.same(ledger.Pruned{Records: 1}, dropOthers(e.pruneAll(keep)))
		e.reopen()
		e.same([]ledger.State{}, e.states(id))
		if attempts, err = e.Attempts(e.Context(), id); err != nil || len(attempts) > 0 {
			e.Errorf("its attempts are left: %v, %v", attempts, err)
		}
	}
	e.same(ledger.Counts{}, e.status(firms).Counts)
}

// dropOthers leaves out the notices.
func dropOthers(p ledger.Pruned) ledger.Pruned {
	p.Others = 0
	return p
}

func pruneNothingOpen(e *env) {
	sending := e.sent(people)
	sent := e.sent(people, keyed(1))
	joined := e.accept(e.sub(people, keyed(1)))[0].ID
	e.answer(sent, ledger.Accepted)
	uncertain := e.sent(people)
	e.answer(uncertain, ledger.Doubtful)
	held := e.sent(routine)
	e.answer(held, ledger.Doubtful)
	queued := e.accept(e.sub(people))[0].ID
	replayed := e.ended(ledger.Dead)
	e.clock.Advance(keep.Bodies - time.Hour)
	e.apply(replayed, ledger.Replay{})
	e.clock.Advance(1000 * day)
	e.same(ledger.Pruned{}, dropOthers(e.pruneAll(keep)))
	e.wantStates([]ledger.State{ledger.Sending, ledger.Sent, ledger.Joined, ledger.Uncertain, ledger.Uncertain, ledger.Queued, ledger.Queued},
		sending.Record.ID, sent.Record.ID, joined, uncertain.Record.ID, held.Record.ID, queued, replayed)
	if string(e.record(replayed).Fields) == "" {
		e.Error("a record that was replayed in time has lost its fields")
	}
}

// What was erased answers nothing, though its result would be young enough.
func pruneCache(e *env) {
	one := e.ended(ledger.Done, keyed(1))
	age := func(s *ledger.Submission) { long := 1000 * day; s.MaxAge = &long }
	e.clock.Advance(keep.Bodies)
	e.same(ledger.Done, e.acceptOne(e.sub(firms, keyed(1), age)).Record.State)
	e.pruneAll(keep)
	again := e.acceptOne(e.sub(firms, keyed(1), age)).Record
	e.same(ledger.Queued, again.State)
	e.same(ledger.Joined, e.acceptOne(e.sub(firms, keyed(1))).Record.State)
	e.clock.Advance(keep.Metadata)
	e.pruneAll(keep) // the first owner goes, and the key is another's by now
	e.same([]ledger.State{}, e.states(one))
	e.same(ledger.Joined, e.acceptOne(e.sub(firms, keyed(1))).Record.State)
}

// What comes for an erased record is taken, and changes nothing; a person is told why it cannot go on.
func pruneStays(e *env) {
	done, dead := e.ended(ledger.Done), e.ended(ledger.Expired)
	e.clock.Advance(keep.Bodies)
	e.pruneAll(keep)
	for _, id := range []ledger.RecordID{done, dead} {
		before := e.record(id)
		got := e.applyAll(ledger.Entry{
			Record: id, Event: ledger.Result{Attempt: 1, Fields: []byte(`{"title":"Countess"}`)},
			Callback: &ledger.Callback{Target: firms, Body: []byte(`{"title":"Countess"}`)},
		})[0]
		if got.Err != nil || got.Moved || got.Fresh {
			e.Errorf("a late result did %+v", got)
		}
		e.same(before, e.record(id))
	}
	for _, event := range []ledger.Event{ledger.Replay{}, ledger.Resolve{Arrived: true}, ledger.Resolve{}} {
		e.wantKind(ledger.Conflict, e.applyAll(ledger.Entry{Record: dead, Event: event})[0].Err)
	}
}

func pruneCounts(e *env) {
	load := e.load("leads.csv")
	old := e.ended(ledger.Dead, row(load, 1), keyed(3))
	e.clock.Advance(keep.Metadata)
	fresh := e.ended(ledger.Dead, row(load, 2), keyed(3))
	e.pruneAll(keep)
	e.pruneAll(keep) // what was erased now may have been kept long enough
	want := ledger.Counts{"dead": 1, ledger.CountSent: 1}
	e.same(want, e.status(firms).Counts)
	counts, err := e.LoadCounts(e.Context(), load)
	e.must(err)
	e.same(want, withoutZeros(counts))
	for _, q := range []ledger.Query{{Max: 5}, {Max: 5, Target: firms}, {Max: 5, Key: ledger.Digest{3}}} {
		e.same([]ledger.RecordID{fresh}, e.pages(q))
	}
	again := e.accept(e.sub(people, row(load, 1)))[0]
	if again.ID == old || again.State != ledger.Queued {
		e.Errorf("a row whose record was removed is %+v", again)
	}
}

func pruneNotices(e *env) {
	for range 3 {
		e.ended(ledger.Done)
	}
	last, err := e.LastNotice(e.Context())
	e.must(err)
	e.clock.Advance(ledger.NoticeRetention)
	e.same(ledger.Pruned{Others: 2}, e.pruneAll(keep))
	got, err := e.LastNotice(e.Context())
	e.must(err)
	e.same(last, got)
}

func pruneOnce(e *env) {
	first := e.acceptOne(e.sub(people, once(1, 1))).Record.ID
	e.clock.Advance(ledger.OnceRetention)
	e.same(1, e.pruneAll(keep).Others)
	e.same(0, e.pruneAll(keep).Others)
	// A record that is kept more shortly than its key does not make the key useless.
	second := e.acceptOne(e.sub(people, once(1, 1))).Record.ID
	e.apply(second, ledger.Cancel{Reason: "enough"})
	e.clock.Advance(time.Minute)
	e.pruneAll(ledger.Retention{Bodies: time.Second, Metadata: time.Second})
	third := e.acceptOne(e.sub(people, once(1, 1)))
	if third.Repeated || third.Err != nil || third.Record.ID == first {
		e.Errorf("a key whose record is gone is %+v", third)
	}
}

func pruneCallbacks(e *env) {
	stray := ledger.Entry{
		Record: ledger.RecordID{9}, Event: ledger.Result{Fields: []byte(`{}`)}, Callback: &ledger.Callback{Target: people, Body: []byte(`{}`)},
	}
	e.wantKind(ledger.NotFound, e.applyAll(stray)[0].Err)
	e.clock.Advance(keep.Bodies)
	e.same(1, e.pruneAll(keep).Others)
	e.same(0, e.pruneAll(keep).Others)
}

func pruneSteps(e *env) {
	const n = 500
	subs := make([]ledger.Submission, n)
	for i := range subs {
		subs[i] = e.sub(people)
	}
	cancels := make([]ledger.Entry, n)
	for i, r := range e.accept(subs...) {
		cancels[i] = ledger.Entry{Record: r.ID, Event: ledger.Cancel{}}
	}
	e.applyAll(cancels...)
	e.clock.Advance(keep.Metadata)
	p, err := e.Prune(e.Context(), keep)
	e.must(err)
	if !p.More || p.Bodies == 0 || p.Bodies > n/2 {
		e.Errorf("one step did %+v: others wait for it", p)
	}
	all := e.pruneAll(keep)
	e.same(n, p.Bodies+all.Bodies)
	e.same(n, p.Records+all.Records)
	e.same(ledger.Counts{}, e.status(people).Counts)
}
