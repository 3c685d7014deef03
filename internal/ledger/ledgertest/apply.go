package ledgertest

import (
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var applyTests = map[string]func(*env){
	"an ordinary life":          applyLife,
	"a result before its send":  applyEarlyResult,
	"a second result":           applySecondResult,
	"results in parts":          applyParts,
	"an answer, twice and late": applyLateAnswers,
	"doubt and what follows":    applyDoubt,
	"refusals":                  applyRefusals,
	"several for one record":    applySeveral,
	"replay":                    applyReplay,
	"replay after send by":      applyReplaySendBy,
	"cancel":                    applyCancel,
	"what is due":               applyDue,
	"waking those who wait":     applyWakes,
	"a target that is gone":     applyGoneTarget,
	"a catalog that changes":    applyConfigure,
}

func applyLife(e *env) {
	load := e.load("leads.csv")
	c := e.sent(people, row(load, 1))
	e.clock.Advance(time.Second)
	got := e.apply(c.Record.ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 202, Excerpt: "ok"})
	if !got.Moved || got.Fresh || got.Record.State != ledger.Sent || got.Record.Fields != nil {
		e.Errorf("after the answer: %+v", got)
	}
	e.clock.Advance(time.Minute)
	got = e.result(c.Record.ID, `{"title":"Countess"}`)
	if !got.Moved || !got.Fresh || got.Record.State != ledger.Done || got.Record.Revision != 1 {
		e.Errorf("after the result: %+v", got)
	}
	want := c.Record
	want.State, want.AtClay, want.Revision, want.Result = ledger.Done, true, 1, []byte(`{"title":"Countess"}`)
	want.SinceSend, want.DoneAt = 61*time.Second, e.clock.Now().Truncate(time.Microsecond)
	for range 2 {
		e.same(want, e.record(want.ID))
		counts, err := e.LoadCounts(e.Context(), load)
		e.must(err)
		e.same(ledger.Counts{"done": 1, ledger.CountSent: 1}, withoutZeros(counts))
		e.same(withoutZeros(counts), e.status(people).Counts)
		attempts, err := e.Attempts(e.Context(), want.ID)
		e.must(err)
		e.same([]ledger.Attempt{{
			Record: want.ID, N: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 202, Excerpt: "ok",
			StartedAt: want.CreatedAt, AnsweredAt: want.CreatedAt.Add(time.Second),
		}}, attempts)
		e.reopen()
	}
}

func applyEarlyResult(e *env) {
	c := e.sent(people)
	e.result(c.Record.ID, `{"title":"Countess"}`)
	got := e.answer(c, ledger.Doubtful)
	if got.Moved || got.Record.State != ledger.Done {
		e.Errorf("the answer made it %+v", got)
	}
	attempts, err := e.Attempts(e.Context(), c.Record.ID)
	e.must(err)
	if a := attempts[0]; a.Verdict != ledger.Doubtful || !a.MayDuplicate {
		e.Errorf("the attempt is %+v", a)
	}
	e.clock.Advance(24 * time.Hour)
	e.same(0, e.tickDue())
}

func applySecondResult(e *env) {
	c := e.sent(people)
	e.result(c.Record.ID, `{"title":"Countess","phone":""}`)
	done := e.record(c.Record.ID).DoneAt
	e.clock.Advance(time.Minute)
	again := e.result(c.Record.ID, `{"title":"Ms","phone":""}`)
	if again.Moved || again.Fresh || again.Record.Revision != 1 {
		e.Errorf("what brings nothing new made it %+v", again)
	}
	more := e.result(c.Record.ID, `{"title":"Ms","phone":"1"}`)
	if more.Moved || !more.Fresh || more.Record.Revision != 2 {
		e.Errorf("what fills a field made it %+v", more)
	}
	e.reopen()
	r := e.record(c.Record.ID)
	if string(r.Result) != `{"phone":"1","title":"Countess"}` || r.Revision != 2 || !r.DoneAt.Equal(done) {
		e.Errorf("stored as %+v", r)
	}
}

func applyLateAnswers(e *env) {
	c := e.sent(people)
	e.answer(c, ledger.Failed)
	e.clock.Advance(time.Minute)
	again := e.claim(5)[0]
	if again.Record.Attempts != 2 || again.Record.MayDuplicate != 1 {
		e.Errorf("claimed again as %+v", again.Record)
	}
	e.answer(c, ledger.Accepted) // of the first attempt
	e.wantStates([]ledger.State{ledger.Sending}, c.Record.ID)
	e.answer(again, ledger.Accepted)
	e.answer(again, ledger.Failed) // a contradiction is written down, and no more
	e.wantStates([]ledger.State{ledger.Sent}, c.Record.ID)
	attempts, err := e.Attempts(e.Context(), c.Record.ID)
	e.must(err)
	if len(attempts) != 2 || attempts[0].Verdict != ledger.Accepted || !attempts[0].MayDuplicate || attempts[1].Verdict != ledger.Failed {
		e.Errorf("attempts %+v", attempts)
	}
	e.apply(c.Record.ID, ledger.Answer{Attempt: 7, Outcome: ledger.Answered, Verdict: ledger.Rejected}) // there is none
	e.same(ledger.Counts{"sent": 1, ledger.CountSent: 1, ledger.CountDuplicate: 1}, e.status(people).Counts)
}

func applyDoubt(e *env) {
	wait, hold := e.sent(people), e.sent(routine)
	e.answer(wait, ledger.Doubtful)
	e.answer(hold, ledger.Doubtful)
	e.clock.Advance(timeout - time.Microsecond)
	e.same(0, e.tickDue())
	e.clock.Advance(time.Microsecond)
	e.same(1, e.tickDue())
	again := e.claim(5)[0]
	if again.Record.MayDuplicate != 1 || again.Record.Attempts != 2 {
		e.Errorf("resent as %+v", again.Record)
	}
	e.answer(again, ledger.Doubtful)
	e.clock.Advance(time.Hour)
	e.same(2, e.tickDue())
	e.wantStates([]ledger.State{ledger.Expired, ledger.Dead}, wait.Record.ID, hold.Record.ID)
	late := e.result(wait.Record.ID, `{"title":"Countess"}`)
	if !late.Moved || late.Record.State != ledger.Done || late.Record.Reason != "" {
		e.Errorf("a late result made it %+v", late)
	}
}

func applyRefusals(e *env) {
	c := e.sent(people)
	got := e.applyAll(
		ledger.Entry{Record: ledger.RecordID{0: 9}, Event: ledger.Tick{}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Cancel{}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Replay{}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Result{Fields: []byte(`[]`)}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted}},
	)
	e.wantKind(ledger.NotFound, got[0].Err)
	e.wantKind(ledger.Conflict, got[1].Err)
	e.wantKind(ledger.Conflict, got[2].Err)
	e.wantKind(ledger.Invalid, got[3].Err)
	e.must(got[4].Err)
	if r := got[1].Record; r.ID != c.Record.ID || r.State != ledger.Sending {
		e.Errorf("a refusal shows %+v, want the record as it is", r)
	}
	e.wantStates([]ledger.State{ledger.Sent}, c.Record.ID)
}

func applySeveral(e *env) {
	c := e.sent(people)
	got := e.applyAll(
		ledger.Entry{Record: c.Record.ID, Event: ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Rejected, Reason: "bad"}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Replay{}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Cancel{Reason: "enough"}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Result{Fields: []byte(`{"a":1}`)}},
		ledger.Entry{Record: c.Record.ID, Event: ledger.Result{Fields: []byte(`{"b":1}`)}},
	)
	for i, want := range []ledger.State{ledger.Dead, ledger.Queued, ledger.Canceled, ledger.Done, ledger.Done} {
		e.must(got[i].Err)
		e.same(want, got[i].Record.State)
	}
	r := e.record(c.Record.ID)
	if string(r.Result) != `{"a":1,"b":1}` || r.Revision != 2 {
		e.Errorf("stored as %+v", r)
	}
	e.same(ledger.Counts{"done": 1, ledger.CountSent: 1}, e.status(people).Counts)
}

func applyReplay(e *env) {
	c := e.sent(people, keyed(1))
	e.answer(c, ledger.Accepted)
	e.clock.Advance(timeout)
	e.same(1, e.tickDue())
	e.wantStates([]ledger.State{ledger.Expired}, c.Record.ID)
	e.apply(c.Record.ID, ledger.Replay{})
	attempts, err := e.Attempts(e.Context(), c.Record.ID)
	e.must(err)
	if !attempts[0].MayDuplicate {
		e.Error("a row is at Clay, it is replayed, and its attempt is not flagged")
	}
	again := e.claim(1)[0]
	if again.Record.MayDuplicate != 1 || again.Record.Reason != "" {
		e.Errorf("claimed as %+v", again.Record)
	}
	e.answer(again, ledger.Accepted)
	e.clock.Advance(timeout - time.Microsecond)
	e.same(0, e.tickDue()) // the wait counts from the last send
}

func applyReplaySendBy(e *env) {
	r := e.accept(e.sub(people, func(s *ledger.Submission) { s.SendBy = time.Minute }))[0]
	e.clock.Advance(time.Hour)
	e.tickDue()
	e.wantStates([]ledger.State{ledger.Expired}, r.ID)
	e.apply(r.ID, ledger.Replay{})
	e.reopen()
	e.same(0, e.tickDue())
	e.same([]ledger.RecordID{r.ID}, ids(e.claim(1)))
}

func applyCancel(e *env) {
	r := e.accept(e.sub(people))[0]
	e.apply(r.ID, ledger.Cancel{Reason: "the input no longer has it"})
	e.same(0, len(e.claim(5)))
	e.same("the input no longer has it", e.record(r.ID).Reason)
	e.apply(r.ID, ledger.Replay{})
	e.same(1, len(e.claim(5)))
}

func applyDue(e *env) {
	due, next, err := e.Due(e.Context(), 10)
	e.must(err)
	e.same(0, len(due))
	e.same(ledger.Never, next)
	by := func(d time.Duration) func(*ledger.Submission) { return func(s *ledger.Submission) { s.SendBy = d } }
	got := e.accept(e.sub(people, by(3*time.Second)), e.sub(people, by(time.Second)), e.sub(people, by(2*time.Second)), e.sub(people, by(time.Hour)))
	_, next, err = e.Due(e.Context(), 10)
	e.must(err)
	e.same(time.Second, next)
	e.clock.Advance(3 * time.Second)
	due, next, err = e.Due(e.Context(), 10)
	e.must(err)
	e.same(time.Hour-3*time.Second, next)
	e.same([]ledger.Entry{
		{Record: got[1].ID, Event: ledger.Tick{}}, {Record: got[2].ID, Event: ledger.Tick{}}, {Record: got[0].ID, Event: ledger.Tick{}},
	}, due)
	// Of more than it may return, it says that the next one is due at once.
	due, next, err = e.Due(e.Context(), 2)
	e.must(err)
	e.same(2, len(due))
	e.same(time.Duration(0), next)
}

func applyWakes(e *env) {
	load := e.load("leads.csv")
	r := e.accept(e.sub(people, row(load, 1)))[0]
	woken := map[string]<-chan struct{}{}
	for name, topic := range map[string]any{"record": r.ID, "load": load, "lane": lane, "deadlines": ledger.Deadlines, "pauses": ledger.Pauses, "other": ledger.RecordID{1}} {
		changed, cancel := e.hub.Subscribe(topic)
		defer cancel()
		woken[name] = changed
	}
	want := func(names ...string) {
		e.Helper()
		wanted := map[string]bool{}
		for _, name := range names {
			wanted[name] = true
		}
		for name, changed := range woken {
			select {
			case <-changed:
				if !wanted[name] {
					e.Errorf("%s was woken", name)
				}
			default:
				if wanted[name] {
					e.Errorf("%s was not woken", name)
				}
			}
		}
	}
	c := e.claim(1)[0]
	want("record", "load", "deadlines")
	e.answer(c, ledger.Failed)
	want("record", "load", "lane")
	e.must(e.Pause(e.Context(), people, ledger.Pause{Reason: "so"}))
	want("lane", "pauses")
	e.accept(e.sub(people, row(load, 2)))
	want("load", "lane")
	e.result(r.ID, `{}`)
	want("record", "load")
	_, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people), e.sub("nowhere")})
	e.wantKind(ledger.NotFound, err)
	want()
}

// The records of a target that is no longer configured can still end.
func applyGoneTarget(e *env) {
	c, waits := e.sent(people), e.accept(e.sub(people))[0]
	all := e.opts.Catalog
	e.opts.Catalog = ledger.NewCatalog([]ledger.Target{{Name: firms, Lane: lane}}, nil)
	e.reopen()
	e.same(0, len(e.claim(5)))
	e.result(c.Record.ID, `{"title":"Countess"}`)
	e.wantStates([]ledger.State{ledger.Done, ledger.Queued}, c.Record.ID, waits.ID)
	again, err := e.Accept(e.Context(), []ledger.Submission{e.sub(people, func(s *ledger.Submission) { s.ID = waits.ID })})
	e.must(err)
	if !again[0].Repeated {
		e.Error("a record of a target that is gone is not known any more")
	}
	e.opts.Catalog = all
	e.reopen()
	e.same([]ledger.RecordID{waits.ID}, ids(e.claim(5)))
}
