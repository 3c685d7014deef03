package ledger

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// legal lists every transition that the state table allows, by what causes it.
var legal = map[string][]string{
	"claim":  {"queued→sending", "queued→expired"},
	"answer": {"sending→sent", "sending→done", "sending→queued", "sending→dead", "sending→uncertain", "uncertain→sent", "uncertain→done", "uncertain→queued", "uncertain→dead"},
	"result": {"queued→sent", "sending→sent", "uncertain→sent", "queued→done", "sending→done", "sent→done", "uncertain→done", "dead→done", "expired→done", "canceled→done"},
	"fail":   {"sending→dead", "sent→dead", "uncertain→dead", "sending→queued", "sent→queued", "uncertain→queued"},
	"tick":   {"queued→expired", "sending→uncertain", "sent→expired", "uncertain→queued", "uncertain→dead", "uncertain→expired"},
	"replay": {"dead→queued", "expired→queued", "canceled→queued"},
	"cancel": {"queued→canceled"},
}

// world is one record, the clock, and a Clay that stores a row whenever an attempt truly arrives.
type world struct {
	*rapid.T
	target Target
	r      Record // without its durations, which view adds
	now    time.Duration
	sentAt time.Duration
	readyAt,
	dueAt, // Never for none
	sendBy time.Duration // 0 for none
	attempts []*attempt
	flagged  map[int]bool
	tries    int // that spoke about the record, since the last replay
	resends  int // by the policy, since the last replay
}

// attempt is one request and what truly became of it.
type attempt struct {
	fate   string  // "lands", "is late" (lands some time, unanswered) or "is lost"
	landed bool    // a row is at Clay
	answer *Answer // once it was given; a repeated delivery says the same
}

func TestDecideAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"":        func(t *rapid.T) { w.T = t; w.check() },
			"wait":    func(t *rapid.T) { w.T = t; w.wait() },
			"claim":   func(t *rapid.T) { w.T = t; w.claim() },
			"claim2":  func(t *rapid.T) { w.T = t; w.claim() }, // twice as likely as the rest
			"land":    func(t *rapid.T) { w.T = t; w.land() },
			"answer":  func(t *rapid.T) { w.T = t; w.answer() },
			"answer2": func(t *rapid.T) { w.T = t; w.answer() },
			"result":  func(t *rapid.T) { w.T = t; w.result() },
			"fail":    func(t *rapid.T) { w.T = t; w.fail() },
			"tick":    func(t *rapid.T) { w.T = t; w.tick() },
			"due":     func(t *rapid.T) { w.T = t; w.due() },
			"replay":  func(t *rapid.T) { w.T = t; w.apply("replay", Replay{}) },
			"cancel":  func(t *rapid.T) { w.T = t; w.apply("cancel", Cancel{Reason: "enough"}) },
		})
		w.T = t
		w.drain()
	})
}

func newWorld(t *rapid.T) *world {
	w := &world{T: t, dueAt: Never, flagged: map[int]bool{}, now: time.Hour}
	w.target = Target{
		OnUncertain:   rapid.SampledFrom([]UncertainPolicy{"", Wait, Resend, Hold}).Draw(t, "policy"),
		OnUpdate:      rapid.SampledFrom([]UpdatePolicy{"", Fill, Replace, Ignore}).Draw(t, "update"),
		ResultTimeout: rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(t, "target's timeout"),
	}
	if rapid.Bool().Draw(t, "complete_when") {
		w.target.CompleteWhen = func(fields json.RawMessage) (bool, error) { return strings.Contains(string(fields), "phone"), nil }
	}
	s := Submission{
		ID: RecordID{15: 1}, Fields: []byte(`{"email":"ada@example.com"}`), Await: rapid.Bool().Draw(t, "await"),
		ResultTimeout: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "own timeout"),
		SendBy:        rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Hour}).Draw(t, "send by"),
	}
	a := Admit(w.target, nil, s)
	w.r = a.Record
	if s.SendBy != 0 {
		w.sendBy = w.now + s.SendBy
	}
	w.setDue(a.Due)
	return w
}

func (w *world) setDue(d time.Duration) {
	if w.dueAt = Never; d >= 0 {
		w.dueAt = w.now + d
	}
}

// view is the record as a store reads it now.
func (w *world) view() Record {
	r := w.r
	r.SinceSend = w.now - w.sentAt
	if r.SendBy = 0; w.sendBy != 0 {
		if r.SendBy = w.sendBy - w.now; r.SendBy == 0 {
			r.SendBy = -1
		}
	}
	return r
}

// apply does what a store does with an event, and checks what came of it.
func (w *world) apply(cause string, e Event) {
	before := w.view()
	c, err := Decide(w.target, before, e)
	if err != nil {
		if KindOf(err) != Conflict || cause == "answer" || cause == "result" || cause == "tick" {
			w.Fatalf("%s on %s: %v", cause, before.State, err)
		}
		return
	}
	w.follow(cause, e, before, c)
	w.r = c.Record
	if c.Moved || c.Later {
		w.setDue(c.Due)
	}
	if c.Moved {
		w.readyAt = w.now + c.Ready
	}
	if c.Record.SendBy == 0 {
		w.sendBy = 0
	}
	if c.Begun {
		w.sentAt = w.now
	}
	if c.Doubt > 0 {
		w.flagged[c.Doubt] = true
	}
}

// follow keeps the model up and compares a change with it.
func (w *world) follow(cause string, e Event, before Record, c Change) {
	from, to := before.State, c.Record.State
	if step := string(from + "→" + to); from != to && !slices.Contains(legal[cause], step) {
		w.Fatalf("%s: %s", cause, step)
	}
	if cause == "result" && to == Sent && (w.target.CompleteWhen == nil || c.Record.Revision != 0 || c.Record.Result == nil) {
		w.Fatalf("a result made it sent: %+v", c.Record)
	}
	if w.target.CompleteWhen != nil && from != Done && to == Done && c.Record.Await {
		if complete, _ := w.target.CompleteWhen(c.Record.Result); !complete {
			w.Fatalf("done with %s, which is not complete", c.Record.Result)
		}
	}
	if before.Result != nil && !keeps(c.Record.Result, before.Result) {
		w.Fatalf("%s: %s became %s", cause, before.Result, c.Record.Result)
	}
	if !c.Moved && !c.Fresh && !c.Kept && !reflect.DeepEqual(c.Record, before) {
		w.Fatalf("%s: nothing is said to have changed, and yet\n%+v\nbecame\n%+v", cause, before, c.Record)
	}
	if c.Moved != (from != to) {
		w.Fatalf("%s: moved %t from %s to %s", cause, c.Moved, from, to)
	}
	if rise := c.Record.Revision - before.Revision; rise < 0 || rise > 1 || c.Fresh != (rise == 1) {
		w.Fatalf("%s: the revision rose by %d, fresh %t", cause, rise, c.Fresh)
	}
	if begun := c.Record.Attempts - before.Attempts; begun < 0 || begun > 1 || c.Begun != (begun == 1) || c.Begun != (to == Sending && from != Sending) {
		w.Fatalf("%s: %d attempts begun from %s to %s", cause, begun, from, to)
	}
	if c.Begun && w.sendBy != 0 && w.now > w.sendBy {
		w.Fatalf("an attempt began %s after send_by", w.now-w.sendBy)
	}
	switch e := e.(type) {
	case Answer:
		if e.Verdict == Failed && e.Attempt == before.Attempts && (from == Sending || from == Uncertain) {
			w.tries++
		}
	case Replay:
		w.tries, w.resends = 0, 0
	case Tick:
		w.ticked(e, from, to)
	}
	if c.Record.Tries != w.tries {
		w.Fatalf("%s: %d tries are used up, want %d", cause, c.Record.Tries, w.tries)
	}
}

// keeps reports whether every field that had a value has one still.
func keeps(after, before json.RawMessage) bool {
	old, _ := object(before)
	now, _ := object(after)
	for name, value := range old {
		if !blank(value) && blank(now[name]) {
			return false
		}
	}
	return true
}

// ticked checks that no wait ends early and that each policy is kept.
func (w *world) ticked(e Tick, from, to State) {
	waited, policy := w.now-w.sentAt, w.target.onUncertain(w.r)
	switch {
	case from == to:
	case from == Sending && !e.Orphaned && waited < ClaimTimeout:
		w.Fatalf("a claim was given up after %s", waited)
	case from == Sent && waited < w.target.resultTimeout(w.r), from == Uncertain && policy != Resend && waited < w.target.resultTimeout(w.r):
		w.Fatalf("%s → %s %s after the last send, before the result's timeout", from, to, waited)
	case from == Uncertain && to == Queued:
		if w.resends++; w.resends > 1 || policy == Hold {
			w.Fatalf("resent for the %d. time under the policy %s", w.resends, policy)
		}
	case from == Uncertain && to == Expired && policy != Wait, from == Uncertain && to == Dead && policy == Wait:
		w.Fatalf("%s under the policy %s", to, policy)
	}
}

func (w *world) wait() {
	d := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 10 * time.Second, ClaimTimeout, time.Hour}).Draw(w.T, "how long")
	if w.dueAt > w.now && rapid.Bool().Draw(w.T, "until due") {
		d = w.dueAt - w.now
	}
	w.now += d
}

func (w *world) claim() {
	if w.r.State != Queued || w.now < w.readyAt {
		return // a store's claim takes only queued records that are ready
	}
	w.apply("claim", Claim{})
	if w.r.State != Sending {
		return
	}
	a := &attempt{fate: rapid.SampledFrom([]string{"lands", "lands", "is late", "is lost"}).Draw(w.T, "fate")}
	a.landed = a.fate == "lands"
	w.attempts = append(w.attempts, a)
}

func (w *world) land() {
	for _, a := range w.attempts {
		if a.fate == "is late" && rapid.Bool().Draw(w.T, "lands now") {
			a.landed = true
		}
	}
}

// truths are the verdicts that an attempt of each fate can get.
var truths = map[string][]Verdict{
	"lands":   {Accepted, Accepted, Failed, Doubtful},
	"is late": {Doubtful},
	"is lost": {Unsent, Throttled, Failed, Doubtful, Rejected, Refused, Divided, Exhausted},
}

func (w *world) answer() {
	if len(w.attempts) == 0 {
		return
	}
	n := rapid.IntRange(1, len(w.attempts)).Draw(w.T, "attempt")
	a := w.attempts[n-1]
	if a.answer == nil {
		v := rapid.SampledFrom(truths[a.fate]).Draw(w.T, "verdict")
		a.answer = &Answer{Attempt: n, Outcome: Answered, Verdict: v, Reason: string(v), Jitter: 0.5}
		if v == Unsent && rapid.Bool().Draw(w.T, "released") {
			a.answer.Outcome = Released
		}
	}
	if a.answer.Outcome == Released {
		w.apply("answer", Release{Attempt: n})
		return
	}
	w.apply("answer", *a.answer)
}

func (w *world) result() {
	for i, a := range w.attempts {
		if a.landed && rapid.Bool().Draw(w.T, "comes back") {
			fields := rapid.SampledFrom([]string{`{}`, `{"title":""}`, `{"title":"Countess"}`, `{"title":"Ms","phone":"1"}`}).Draw(w.T, "fields")
			w.apply("result", Result{Attempt: i + 1, Fields: []byte(fields)})
			return
		}
	}
}

// fail tells what became of an attempt that landed, or, of one that is surely lost, that nothing did.
func (w *world) fail() {
	for i, a := range w.attempts {
		if (a.landed || a.fate == "is lost") && rapid.Bool().Draw(w.T, "fails") {
			w.apply("fail", Failure{Attempt: i + 1, Reason: "not found", Unworked: !a.landed, RunLimit: 1})
			return
		}
	}
}

func (w *world) tick() {
	orphaned := w.r.State == Sending && rapid.IntRange(0, 3).Draw(w.T, "orphaned") == 0
	w.apply("tick", Tick{Orphaned: orphaned})
}

// due waits for what happens next by itself.
func (w *world) due() {
	if w.dueAt >= 0 {
		w.now = max(w.now, w.dueAt)
		w.apply("tick", Tick{})
	}
}

func (w *world) check() {
	rows := 0
	for _, a := range w.attempts {
		if a.landed {
			rows++
		}
	}
	if rows > 1+len(w.flagged) || rows > 1+w.r.MayDuplicate {
		w.Fatalf("%d rows are at Clay: %d attempts are flagged, and the record says %d", rows, len(w.flagged), w.r.MayDuplicate)
	}
	if len(w.attempts) != w.r.Attempts {
		w.Fatalf("%d attempts, the record says %d", len(w.attempts), w.r.Attempts)
	}
	switch w.r.State {
	case Sending, Sent, Uncertain:
		if w.dueAt < 0 {
			w.Fatalf("nothing will ever end the wait in %s", w.r.State)
		}
	case Queued:
		if (w.sendBy == 0) != (w.dueAt < 0) || w.dueAt >= 0 && w.dueAt < w.sendBy {
			w.Fatalf("queued, send by %s, due %s", w.sendBy, w.dueAt)
		}
	default:
		if w.dueAt >= 0 {
			w.Fatalf("%s, and yet due", w.r.State)
		}
	}
	if w.r.State == Done && w.r.Await && w.r.Revision == 0 || w.r.State.Terminal() && w.r.State != Done && w.r.Reason == "" {
		w.Fatalf("%s at revision %d, because %q", w.r.State, w.r.Revision, w.r.Reason)
	}
}

// drain lets time pass and nothing else happen: whatever was sent must come to an end, or back to the queue.
func (w *world) drain() {
	for ticks := 0; w.r.State == Sending || w.r.State == Sent || w.r.State == Uncertain; ticks++ {
		if ticks > 3 {
			w.Fatalf("still %s after %d ticks", w.r.State, ticks)
		}
		w.due()
		w.check()
	}
}
