package ledgertest

import (
	"slices"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

var claimTests = map[string]func(*env){
	"how much a webhook takes lately": claimFlow,
	"what it gives":                   claimGives,
	"in what order":                   claimOrder,
	"not before it is ready":          claimReady,
	"one load only":                   claimLoad,
	"what a load has joined":          claimJoinedByLoad,
	"targets take turns":              claimTurns,
	"paused targets":                  claimPaused,
	"refused targets":                 claimRefused,
	"nothing after send by":           claimAfterSendBy,
	"webhooks in their order":         claimWebhooks,
	"webhook full at Clay":            claimExhausted,
	"submissions are counted":         claimCounts,
	"orphans":                         claimOrphans,
	"nothing of unknown lanes":        claimUnknownLane,
}

func claimGives(e *env) {
	s := e.sub(people, func(s *ledger.Submission) { s.Metadata = []byte(`{"row":1}`) })
	e.accept(s)
	c := e.claim(5)[0]
	if c.Record.State != ledger.Sending || c.Record.Attempts != 1 || string(c.Record.Fields) != string(s.Fields) || c.Webhook != first {
		e.Errorf("claimed %+v", c)
	}
	e.same(0, len(e.claim(5)))
	e.wantStates([]ledger.State{ledger.Sending}, s.ID)
	attempts, err := e.Attempts(e.Context(), s.ID)
	e.must(err)
	e.same([]ledger.Attempt{{Record: s.ID, N: 1, StartedAt: e.clock.Now().Truncate(time.Microsecond)}}, attempts)
	e.same(ledger.Counts{"sending": 1, ledger.CountSent: 1}, e.status(people).Counts)
}

func claimOrder(e *env) {
	var want []ledger.RecordID
	for _, p := range []int{0, 1 << 40, 0, -3, 7, 7} {
		want = append(want, e.accept(e.sub(firms, priority(p)))[0].ID)
		e.clock.Advance(time.Millisecond)
	}
	got := append(ids(e.claim(2)), ids(e.claim(9))...)
	e.same([]ledger.RecordID{want[1], want[4], want[5], want[0], want[2], want[3]}, got)
}

func claimReady(e *env) {
	c := e.sent(people)
	e.answer(c, ledger.Failed) // jitter 0.5: half of 250 ms
	got := e.claims(ledger.Want{Lane: lane, Max: 5})
	if len(got.Work) != 0 || got.Wait != 125*time.Millisecond {
		e.Errorf("claimed %d, wait %s, want none and 125ms", len(got.Work), got.Wait)
	}
	late := e.accept(e.sub(people, priority(-1)))[0]
	got = e.claims(ledger.Want{Lane: lane, Max: 5})
	if !slices.Equal(ids(got.Work), []ledger.RecordID{late.ID}) || got.Wait != 125*time.Millisecond {
		e.Errorf("claimed %v, wait %s", ids(got.Work), got.Wait)
	}
	e.clock.Advance(125 * time.Millisecond)
	got = e.claims(ledger.Want{Lane: lane, Max: 5})
	if !slices.Equal(ids(got.Work), []ledger.RecordID{c.Record.ID}) || got.Wait != ledger.Never {
		e.Errorf("claimed %v, wait %s, want the failed one and never", ids(got.Work), got.Wait)
	}
}

func claimLoad(e *env) {
	a, b := e.load("a.csv"), e.load("b.csv")
	e.accept(e.sub(people, row(a, 1)), e.sub(people))
	mine := e.accept(e.sub(people, row(b, 1)), e.sub(people, row(b, 2)))
	waiting, err := e.Waiting(e.Context(), b)
	e.must(err)
	e.same(2, len(waiting))
	got := e.claims(ledger.Want{Lane: lane, Load: b, Max: 5})
	e.same([]ledger.RecordID{mine[0].ID, mine[1].ID}, ids(got.Work))
	e.same(ledger.Never, got.Wait)
	e.same(2, len(e.claim(5)))
	waiting, err = e.Waiting(e.Context(), b)
	e.must(err)
	e.same(0, len(waiting))
	counts, err := e.LoadCounts(e.Context(), b)
	e.must(err)
	e.same(ledger.Counts{"sending": 2, ledger.CountSent: 2}, withoutZeros(counts))
}

// A load whose rows had joined what another load left in the queue waited for ever: it claimed its own rows only.
func claimJoinedByLoad(e *env) {
	a, b := e.load("a.csv"), e.load("b.csv")
	left := e.accept(e.sub(people, row(a, 1), keyed(1)), e.sub(people, row(a, 2)))
	again := e.sub(people, row(b, 1), keyed(1))
	e.accept(again)
	waiting, err := e.Waiting(e.Context(), b)
	e.must(err)
	e.same(0, len(waiting))
	e.same([]ledger.RecordID{left[0].ID}, ids(e.claims(ledger.Want{Lane: lane, Load: b, Max: 5}).Work))
	e.apply(left[0].ID, ledger.Release{Attempt: 1})
	// The first load is run again, and then the second: whoever asks last gets it.
	e.accept(e.sub(people, row(a, 1), keyed(1)))
	e.same(0, len(e.claims(ledger.Want{Lane: lane, Load: b, Max: 5}).Work))
	e.accept(again)
	e.same([]ledger.RecordID{left[0].ID}, ids(e.claims(ledger.Want{Lane: lane, Load: b, Max: 5}).Work))
	e.same([]ledger.RecordID{left[1].ID}, ids(e.claims(ledger.Want{Lane: lane, Load: a, Max: 5}).Work))
}

// A bulk load on one target kept another target of the same lane from sending anything.
func claimTurns(e *env) {
	var bulk []ledger.Submission
	for range 40 {
		bulk = append(bulk, e.sub(firms))
	}
	e.accept(bulk...)
	e.accept(e.sub(people), e.sub(people), e.sub(people))
	seen := map[string]int{}
	for range 8 {
		for _, c := range e.claim(1) {
			seen[c.Record.Target]++
		}
	}
	if seen[people] != 3 || seen[firms] != 5 {
		e.Errorf("claimed %v, want the 3 people and 5 firms", seen)
	}
}

func claimPaused(e *env) {
	got := e.accept(e.sub(people), e.sub(firms))
	e.must(e.Pause(e.Context(), people, ledger.Pause{Reason: "the key is wrong", Status: 401}))
	e.same([]ledger.RecordID{got[1].ID}, ids(e.claim(5)))
	e.reopen()
	e.same(ledger.Pause{Reason: "the key is wrong", Status: 401}, e.status(people).Paused)
	e.same(0, len(e.claim(5)))
	changed, cancel := e.hub.Subscribe(lane)
	defer cancel()
	e.must(e.Resume(e.Context(), people))
	e.woken(changed)
	e.same(ledger.Pause{}, e.status(people).Paused)
	e.same([]ledger.RecordID{got[0].ID}, ids(e.claim(5)))
}

func claimRefused(e *env) {
	c := e.sent(people)
	e.apply(c.Record.ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Refused, Status: 401, Reason: "the token is wrong"})
	e.same(ledger.Pause{Reason: "the token is wrong", Status: 401}, e.status(people).Paused)
	e.same(0, len(e.claim(5)))
	e.must(e.Resume(e.Context(), people))
	again := e.claim(5)
	if len(again) != 1 || again[0].Record.Tries != 0 || again[0].Record.MayDuplicate != 0 {
		e.Errorf("claimed %+v, want the record with all its tries", again)
	}
}

// After a stop of hours the first claim came before the first tick and sent what was too late.
func claimAfterSendBy(e *env) {
	by := func(s *ledger.Submission) { s.SendBy = time.Minute }
	got := e.accept(e.sub(people, by, priority(1)), e.sub(people, by, priority(1)), e.sub(people))
	e.clock.Advance(time.Hour)
	claims := e.claims(ledger.Want{Lane: lane, Max: 2})
	if len(claims.Work) == 0 {
		e.same(time.Duration(0), claims.Wait)
		claims = e.claims(ledger.Want{Lane: lane, Max: 2})
	}
	e.same([]ledger.RecordID{got[2].ID}, ids(claims.Work))
	e.wantStates([]ledger.State{ledger.Expired, ledger.Expired, ledger.Sending}, got[0].ID, got[1].ID, got[2].ID)
	e.same(1, e.status(people).Used[first])
}

func claimWebhooks(e *env) {
	var subs []ledger.Submission
	for range 10 {
		subs = append(subs, e.sub(people))
	}
	e.accept(subs...)
	var used []ledger.Digest
	for _, wantWait := range []time.Duration{0, 0, ledger.Never} {
		got := e.claims(ledger.Want{Lane: lane, Max: 20})
		e.same(wantWait, got.Wait)
		for _, c := range got.Work {
			used = append(used, c.Webhook)
		}
	}
	e.same([]ledger.Digest{first, first, first, first, first, second, second, second}, used)
	status := e.status(people)
	e.same(map[ledger.Digest]int{first: 5, second: 3}, status.Used)
	if status.Paused.Reason == "" {
		e.Error("the target has no webhook left and does not pause")
	}
	e.same(2, status.Counts["queued"])
}

func claimExhausted(e *env) {
	c := e.sent(people)
	e.answer(c, ledger.Exhausted)
	again := e.claim(5)
	if len(again) != 1 || again[0].Webhook != second || again[0].Record.Tries != 0 || again[0].Record.MayDuplicate != 0 {
		e.Errorf("claimed %+v, want the record for the second webhook", again)
	}
	e.answer(again[0], ledger.Exhausted)
	e.same(0, len(e.claim(5)))
	e.reopen()
	if e.status(people).Paused.Reason == "" {
		e.Error("the target has no webhook left and does not pause")
	}
}

func claimCounts(e *env) {
	for verdict, counted := range map[ledger.Verdict]int{
		ledger.Accepted: 1, ledger.Failed: 1, ledger.Doubtful: 1, ledger.Unsent: 0, ledger.Throttled: 0, ledger.Rejected: 0, ledger.Refused: 0,
	} {
		e.must(e.Resume(e.Context(), people))
		e.clock.Advance(time.Hour) // whatever held the lane is over
		before := e.status(people).Used[first]
		c := e.sent(people, priority(1))
		e.same(before+1, e.status(people).Used[first])
		for range 2 { // a repeated delivery counts once
			e.answer(c, verdict)
			e.same(before+counted, e.status(people).Used[first])
		}
		// A late answer replaces the guess that was counted.
		if verdict == ledger.Doubtful {
			e.answer(c, ledger.Unsent)
			e.same(before, e.status(people).Used[first])
			e.answer(c, ledger.Accepted)
			e.same(before+1, e.status(people).Used[first])
		}
		e.result(c.Record.ID, `{}`)
	}
}

func claimOrphans(e *env) {
	got := e.accept(e.sub(people), e.sub(people), e.sub(routine), e.sub(people, func(s *ledger.Submission) { s.Await = false }))
	e.claim(10)
	e.claims(ledger.Want{Lane: otherLane, Max: 1})
	e.apply(got[1].ID, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted})
	e.orphan(ledger.ClaimTimeout)
	e.wantStates([]ledger.State{ledger.Uncertain, ledger.Sent, ledger.Uncertain, ledger.Uncertain}, got[0].ID, got[1].ID, got[2].ID, got[3].ID)
	attempts, err := e.Attempts(e.Context(), got[0].ID)
	e.must(err)
	if len(attempts) != 1 || !attempts[0].MayDuplicate || attempts[0].Outcome != ledger.Unknown {
		e.Errorf("the attempt is %+v, want it unknown and flagged", attempts)
	}
	// The row came back all the same: nothing is sent again.
	e.result(got[0].ID, `{"title":"Countess"}`)
	e.same(1, e.tickDue()) // what awaits no result is resent at once
	e.same([]ledger.RecordID{got[3].ID}, ids(e.claim(10)))
}

func claimUnknownLane(e *env) {
	e.accept(e.sub(people))
	got := e.claims(ledger.Want{Lane: "nowhere/webhook", Max: 5})
	e.same(ledger.Claims{Wait: ledger.Never}, got)
}

// The flow of a webhook spans three days at least, once it is known for so long, and six at most while records come.
func claimFlow(e *env) {
	const day = 24 * time.Hour
	flow := func(submissions, taken int, span time.Duration) {
		e.Helper()
		got, err := e.Flows(e.Context(), []ledger.Digest{first, second})
		e.must(err)
		want := ledger.Flow{WebhookUse: ledger.WebhookUse{Submissions: submissions}, Taken: taken, Span: span}
		e.same(map[ledger.Digest]ledger.Flow{first: want, second: {}}, got)
	}
	send := func() {
		e.accept(e.sub(people))
		e.same(1, len(e.claim(1)))
	}
	flow(0, 0, 0)
	send()
	flow(1, 1, 0)
	e.clock.Advance(3 * day)
	send()
	send()
	flow(3, 3, 3*day)
	e.clock.Advance(2 * day)
	send()
	flow(4, 4, 5*day)
	e.clock.Advance(day)
	send()
	flow(5, 4, 3*day)
	e.reopen()
	e.clock.Advance(day)
	flow(5, 4, 4*day)
	e.accept(e.sub(people))
	e.answer(e.claim(1)[0], ledger.Exhausted)
	got, err := e.Flows(e.Context(), []ledger.Digest{second})
	e.must(err)
	e.same(ledger.Flow{WebhookUse: ledger.WebhookUse{Exhausted: true}}, got[second])
}
