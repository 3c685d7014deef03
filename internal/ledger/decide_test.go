package ledger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stateTable is the way of a record, spelled out for a target with results and the policy wait: for each event and each state, the state afterwards. "·" means that the record stays as it is, "✗" that the
// event is refused.
const stateTable = `
event             queued    sending   sent      uncertain joined    done  dead      expired   canceled
claim             sending   ✗         ✗         ✗         ✗         ✗     ✗         ✗         ✗
claim-late        expired   ✗         ✗         ✗         ✗         ✗     ✗         ✗         ✗
accepted          ·         sent      ·         sent      ·         ·     ·         ·         ·
answered-result   done      done      done      done      done      ·     done      done      done
answered-garbage  ·         queued    ·         queued    ·         ·     ·         ·         ·
unsent            ·         queued    ·         queued    ·         ·     ·         ·         ·
throttled         ·         queued    ·         queued    ·         ·     ·         ·         ·
failed            ·         queued    ·         queued    ·         ·     ·         ·         ·
failed-last       ·         dead      ·         dead      ·         ·     ·         ·         ·
doubtful          ·         uncertain ·         ·         ·         ·     ·         ·         ·
rejected          ·         dead      ·         dead      ·         ·     ·         ·         ·
refused           ·         queued    ·         queued    ·         ·     ·         ·         ·
exhausted         ·         queued    ·         queued    ·         ·     ·         ·         ·
divided           ·         queued    ·         queued    ·         ·     ·         ·         ·
release           ·         queued    ·         queued    ·         ·     ·         ·         ·
stale-accepted    ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-unsent      ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-failed      ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-doubtful    ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-rejected    ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-divided     ·         ·         ·         ·         ·         ·     ·         ·         ·
stale-release     ·         ·         ·         ·         ·         ·     ·         ·         ·
result            done      done      done      done      done      ·     done      done      done
failure           ·         dead      dead      dead      ·         ·     ·         ·         ·
unworked          ·         queued    queued    queued    ·         ·     ·         ·         ·
stale-failure     ·         ·         ·         ·         ·         ·     ·         ·         ·
tick-early        ·         ·         ·         ·         ·         ·     ·         ·         ·
tick-due          expired   uncertain expired   queued    ·         ·     ·         ·         ·
tick-due-again    expired   uncertain expired   expired   ·         ·     ·         ·         ·
orphaned          ·         uncertain ·         ·         ·         ·     ·         ·         ·
replay            ✗         ✗         ✗         ✗         ✗         ✗     queued    queued    queued
replay-shared     ✗         ✗         ✗         ✗         ✗         ✗     joined    joined    joined
resolve-arrived   ✗         ✗         ✗         sent      ✗         ✗     sent      sent      ✗
resolve-lost      ✗         ✗         ✗         queued    ✗         ✗     queued    queued    ✗
resolve-sure      ✗         ✗         ✗         ✗         ✗         ✗     ✗         ✗         ✗
cancel            canceled  ✗         ✗         ✗         ✗         ✗     ✗         ✗         ✗
leader-done       ·         ·         ·         ·         done      ·     done      done      done
leader-dead       ·         ·         ·         ·         dead      ·     ·         ·         ·
leader-expired    ·         ·         ·         ·         expired   ·     ·         ·         ·
leader-canceled   ·         ·         ·         ·         queued    ·     ·         ·         ·
load-canceled     ·         ·         ·         ·         canceled  ·     ·         ·         ·
leader-in-flight  ·         ·         ·         ·         ·         ·     ·         ·         ·
other-leader-done ·         ·         ·         ·         ·         ·     ·         ·         ·
`

const current = 3 // the number of the current attempt of the records below

var leaderID = RecordID{15: 9}

// occurrence is an event, and what the record must be like for it.
type occurrence struct {
	event   Event
	prepare func(*Record)
}

func occurrences() map[string]occurrence {
	all := map[string]occurrence{
		"claim":            {event: Claim{}},
		"claim-late":       {Claim{}, func(r *Record) { r.SendBy = -time.Second }},
		"failed-last":      {Answer{Attempt: current, Outcome: Answered, Verdict: Failed}, func(r *Record) { r.Tries = MaxTries - 1 }},
		"answered-result":  {event: Answer{Attempt: current, Verdict: Accepted, Result: []byte(`{"title":"Countess"}`)}},
		"answered-garbage": {event: Answer{Attempt: current, Verdict: Accepted, Result: []byte(`[]`)}},
		"release":          {event: Release{Attempt: current}},
		"stale-release":    {event: Release{Attempt: current - 1}},
		"result":           {event: Result{Attempt: current, Fields: []byte(`{"title":"Countess"}`)}},
		"failure":          {event: Failure{Attempt: current, Reason: "not found"}},
		"unworked":         {event: Failure{Attempt: current, Unworked: true}},
		"stale-failure":    {event: Failure{Attempt: current - 1, Reason: "not found"}},
		"tick-early":       {Tick{}, func(r *Record) { r.SendBy, r.SinceSend = time.Second, ClaimTimeout-1 }},
		"tick-due":         {Tick{}, overdueRecord},
		"tick-due-again":   {Tick{}, func(r *Record) { overdueRecord(r); r.Resends = 1 }},
		"orphaned":         {Tick{Orphaned: true}, func(r *Record) { r.SinceSend = time.Second }},
		"replay":           {event: Replay{}},
		"replay-shared": {Replay{Owner: &Record{ID: RecordID{15: 8}, State: Queued, Await: true}}, func(r *Record) {
			r.Key = Digest{1}
		}},
		"resolve-arrived":   {Resolve{Arrived: true}, func(r *Record) { r.AtClay = true }},
		"resolve-lost":      {Resolve{}, func(r *Record) { r.AtClay = true }},
		"resolve-sure":      {event: Resolve{Arrived: true}}, // nobody doubts it
		"cancel":            {event: Cancel{Reason: "no longer wanted"}},
		"other-leader-done": {event: Follow{Leader: Record{ID: RecordID{15: 7}, State: Done, Revision: 1, Result: []byte(`{}`)}}},
	}
	for _, v := range []Verdict{Accepted, Unsent, Throttled, Failed, Doubtful, Rejected, Refused, Divided, Exhausted} {
		all[string(v)] = occurrence{event: Answer{Attempt: current, Outcome: Answered, Verdict: v}}
		all["stale-"+string(v)] = occurrence{event: Answer{Attempt: current - 1, Outcome: Answered, Verdict: v}}
	}
	for name, state := range map[string]State{"done": Done, "dead": Dead, "expired": Expired, "canceled": Canceled, "in-flight": Sent} {
		leader := Record{ID: leaderID, State: state, Reason: "the leader's", Revision: 1, Result: []byte(`{"title":"Countess"}`)}
		all["leader-"+name] = occurrence{event: Follow{Leader: leader}}
	}
	all["load-canceled"] = occurrence{Follow{Leader: Record{ID: leaderID, State: Canceled, Load: 3}}, func(r *Record) { r.Load = 3 }}
	return all
}

func overdueRecord(r *Record) { r.SendBy, r.SinceSend = -1, DefaultResultTimeout }

// in returns a record that has come to a state in an ordinary way.
func in(state State) Record {
	r := Record{
		ID: RecordID{15: 1}, Target: "people", State: state, Await: true, Attempts: current, Leader: leaderID,
		Fields: []byte(`{"email":"ada@example.com"}`),
	}
	if state == Done {
		r.Revision, r.Result = 1, []byte(`{"title":"Countess"}`)
	}
	return r
}

func TestDecideStateTable(t *testing.T) {
	all := occurrences()
	lines := strings.Split(strings.TrimSpace(stateTable), "\n")
	states := strings.Fields(lines[0])[1:]
	if len(states) != len(States) {
		t.Fatalf("the table has %d states, want %d", len(states), len(States))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		o, ok := all[cells[0]]
		if !ok {
			t.Fatalf("the event %s is not defined", cells[0])
		}
		for i, want := range cells[1:] {
			t.Run(cells[0]+"/"+states[i], func(t *testing.T) {
				r := in(State(states[i]))
				if o.prepare != nil {
					o.prepare(&r)
				}
				checkStep(t, r, o.event, want)
			})
		}
	}
}

func checkStep(t *testing.T, r Record, e Event, want string) {
	t.Helper()
	c, err := Decide(Target{Name: "people"}, r, e)
	if want == "✗" {
		if KindOf(err) != Conflict || err == nil {
			t.Fatalf("error %v, want kind %s", err, Conflict)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if want == "·" {
		want = string(r.State)
	}
	if got := string(c.Record.State); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
	if moved := want != string(r.State); c.Moved != moved {
		t.Errorf("Moved is %t, want %t", c.Moved, moved)
	}
	if c.Record.Fields == nil || c.Record.ID != r.ID {
		t.Error("the record lost its fields or its ID")
	}
}

// policyTable says what becomes of a record that got no result: by the target's policy, whether a result is awaited, how
// often it was resent, and whether its deadline has passed.
const policyTable = `
policy   await  resends  deadline  then
default  yes    0        before    ·
default  yes    0        after     queued
default  yes    1        after     expired
default  no     0        before    queued
default  no     1        before    dead
wait     yes    0        before    ·
wait     yes    1        before    ·
wait     yes    0        after     queued
wait     yes    1        after     expired
resend   yes    0        before    queued
resend   yes    1        before    dead
resend   yes    1        after     dead
hold     yes    0        before    ·
hold     yes    0        after     dead
hold     no     0        before    ·
hold     no     0        after     dead
`

func TestDecideUncertainPolicies(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(policyTable), "\n")[1:] {
		cells := strings.Fields(line)
		t.Run(strings.Join(cells[:4], "/"), func(t *testing.T) {
			r := in(Uncertain)
			target := Target{OnUncertain: UncertainPolicy(strings.TrimPrefix(cells[0], "default")), ResultTimeout: time.Hour}
			r.Await = cells[1] == "yes"
			fmt.Sscan(cells[2], &r.Resends)
			r.SinceSend = time.Hour - 1
			if cells[3] == "after" {
				r.SinceSend = time.Hour
			}
			c, err := Decide(target, r, Tick{})
			if err != nil {
				t.Fatal(err)
			}
			want := State(cells[4])
			if cells[4] == "·" {
				want = Uncertain
			}
			if c.Record.State != want {
				t.Errorf("it is %s, want %s", c.Record.State, want)
			}
			if want == Uncertain && (!c.Later || c.Due != 1) {
				t.Errorf("it waits for another %s (written: %t), want 1ns", c.Due, c.Later)
			}
			if want.Terminal() && c.Record.Reason == "" {
				t.Error("it ended without a reason")
			}
		})
	}
}

func TestDecideAnswerWithoutResultAwaited(t *testing.T) {
	for _, state := range []State{Sending, Uncertain} {
		r := in(state)
		r.Await = false
		c, err := Decide(Target{}, r, Answer{Attempt: current, Outcome: Answered, Verdict: Accepted})
		if err != nil || c.Record.State != Done || c.Due != Never || c.Record.Revision != 0 {
			t.Errorf("%s → %s, due %s, revision %d, error %v; want done without a revision", state, c.Record.State, c.Due, c.Record.Revision, err)
		}
	}
}

// verdictTable says what else an answer does, beside moving the record: to its tries, to the doubt whether a row is at
// Clay, to the attempt's flag, to the lane and to the target.
var verdictTable = map[Verdict]struct {
	Tries     int
	AtClay    bool
	Flagged   bool
	Lane      SignalKind
	Pauses    bool
	Exhausted bool
	Counted   bool
}{
	Accepted:  {AtClay: true, Lane: Flowing, Counted: true},
	Unsent:    {Lane: Flowing},
	Throttled: {Lane: Blocked},
	Failed:    {Tries: 1, AtClay: true, Flagged: true, Lane: Flowing, Counted: true},
	Doubtful:  {AtClay: true, Flagged: true, Lane: Flowing, Counted: true},
	Rejected:  {Lane: Flowing},
	Refused:   {Lane: Flowing, Pauses: true},
	Exhausted: {Lane: Flowing, Exhausted: true},
}

func TestDecideVerdicts(t *testing.T) {
	for verdict, want := range verdictTable {
		for _, state := range []State{Sending, Uncertain} {
			t.Run(string(verdict)+"/"+string(state), func(t *testing.T) {
				r := in(state)
				r.AtClay = state == Uncertain
				c, err := Decide(Target{}, r, Answer{Attempt: current, Outcome: Answered, Verdict: verdict})
				if err != nil {
					t.Fatal(err)
				}
				got := want
				got.Tries, got.AtClay, got.Flagged = c.Record.Tries, c.Record.AtClay, c.Doubt == current
				got.Lane, got.Pauses, got.Exhausted = c.Lane.Kind, c.Pause.Reason != "", c.Exhausted
				got.Counted = verdict.Counted()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				if c.Ended == nil || c.Ended.Attempt != current || c.Ended.Verdict != verdict {
					t.Errorf("the attempt's answer is %+v", c.Ended)
				}
			})
		}
	}
}

// What an answer says about the lane and the target holds even when the record has moved on.
func TestDecideLateAnswersAreFacts(t *testing.T) {
	for _, state := range States {
		r := in(state)
		throttled, _ := Decide(Target{}, r, Answer{Attempt: 1, Outcome: Answered, Verdict: Throttled, RetryAfter: time.Minute})
		if throttled.Lane.Kind != Blocked || throttled.Lane.RetryAfter != time.Minute || throttled.Ended == nil {
			t.Errorf("%s: a late 429 left the lane as it was: %+v", state, throttled)
		}
		refused, _ := Decide(Target{}, r, Answer{Attempt: 1, Outcome: Answered, Verdict: Refused, Status: 401, Reason: "the key is wrong"})
		if (refused.Pause != Pause{Reason: "the key is wrong", Status: 401}) {
			t.Errorf("%s: a late 401 did not pause the target: %+v", state, refused.Pause)
		}
		failed, _ := Decide(Target{}, r, Answer{Attempt: 1, Outcome: Answered, Verdict: Failed})
		if failed.Doubt != 1 {
			t.Errorf("%s: a late 500 did not flag its attempt", state)
		}
	}
}

func TestLaneSignals(t *testing.T) {
	for name, c := range map[string]struct {
		answer Answer
		want   SignalKind
	}{
		"not connected": {Answer{Outcome: NotSent, Verdict: Unsent}, Blocked},
		"429":           {Answer{Outcome: Answered, Verdict: Throttled}, Blocked},
		"500":           {Answer{Outcome: Answered, Verdict: Failed}, Flowing},
		"reset":         {Answer{Outcome: Partial, Verdict: Failed}, Silent},
		"no answer":     {Answer{Outcome: Unknown, Verdict: Doubtful}, Silent},
		"released":      {Answer{Outcome: Released, Verdict: Unsent}, Unused},
	} {
		if got := c.answer.signal().Kind; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// Regressions. Each names the failure that it prevents.

// A frozen process came back after its claim had become uncertain and gave it back unsent; the record waited half an
// hour for a result that could not come.
func TestReleaseOfAnUncertainRecordQueuesIt(t *testing.T) {
	r := in(Uncertain)
	r.AtClay = true
	c, err := Decide(Target{}, r, Release{Attempt: current})
	if err != nil || c.Record.State != Queued || c.Record.AtClay || c.Record.Tries != 0 {
		t.Errorf("it is %s, at Clay %t, error %v", c.Record.State, c.Record.AtClay, err)
	}
	if c.Ended == nil || c.Ended.Outcome != Released {
		t.Errorf("the attempt's answer is %+v, want released", c.Ended)
	}
}

// After a weekend's outage the first claim came before the first tick and sent what nobody wanted any more.
func TestClaimAfterSendByExpiresTheRecord(t *testing.T) {
	r := in(Queued)
	r.SendBy = -time.Hour
	c, err := Decide(Target{}, r, Claim{})
	if err != nil || c.Record.State != Expired || c.Begun || c.Record.Attempts != current {
		t.Errorf("it is %s, begun %t, error %v", c.Record.State, c.Begun, err)
	}
}

// A result for a record that awaited none moved it from done to done, which told its waiters and destinations twice.
func TestResultAfterDeliveryIsAnUpdate(t *testing.T) {
	r := in(Done)
	r.Await, r.Revision, r.Result = false, 0, nil
	c, err := Decide(Target{}, r, Result{Fields: []byte(`{"title":"Countess"}`)})
	if err != nil || c.Moved || !c.Fresh || c.Record.Revision != 1 {
		t.Errorf("moved %t, fresh %t, revision %d, error %v", c.Moved, c.Fresh, c.Record.Revision, err)
	}
}

// A 401 without a text did not pause the target, which was asked again ten times a second.
func TestRefusalWithoutReasonPauses(t *testing.T) {
	c, _ := Decide(Target{}, in(Sending), Answer{Attempt: current, Outcome: Answered, Verdict: Refused})
	if c.Pause.Reason == "" {
		t.Error("the target does not pause")
	}
}

// Two failed rows with one e-mail, replayed together, were sent and paid twice.
func TestReplayJoinsWhatIsUnderWay(t *testing.T) {
	r := in(Dead)
	r.Key, r.AtClay = Digest{1}, true
	first, err := Decide(Target{}, r, Replay{})
	if err != nil || first.Record.State != Queued || !first.Owns || first.Doubt != current {
		t.Fatalf("the first is %s, owns %t, flags %d, error %v", first.Record.State, first.Owns, first.Doubt, err)
	}
	other := in(Expired)
	other.ID, other.Key = RecordID{15: 2}, Digest{1}
	second, err := Decide(Target{}, other, Replay{Owner: &first.Record})
	if err != nil || second.Record.State != Joined || second.Record.Leader != r.ID || second.Owns {
		t.Errorf("the second is %s, follows %s, owns %t, error %v", second.Record.State, second.Record.Leader, second.Owns, err)
	}
	again, err := Decide(Target{}, r, Replay{Owner: &r})
	if err != nil || again.Record.State != Queued {
		t.Errorf("a replayed owner is %s, error %v", again.Record.State, err)
	}
}

// A record that had been sent itself before it joined another was counted as answered from the cache, at no cost.
func TestFollowerThatWasSentIsNotCached(t *testing.T) {
	leader := Record{ID: leaderID, State: Done, Result: []byte(`{}`)}
	for attempts, want := range map[int]bool{0: true, 1: false} {
		r := in(Joined)
		r.Attempts = attempts
		c, err := Decide(Target{}, r, Follow{Leader: leader})
		if err != nil || c.Record.Cached != want {
			t.Errorf("after %d attempts: cached %t, want %t, error %v", attempts, c.Record.Cached, want, err)
		}
	}
}

// A lookup's answer that could not be read was tried again without a word that it may have been paid already.
func TestUnreadableResultIsAFailureLikeAnyOther(t *testing.T) {
	c, err := Decide(Target{}, in(Sending), Answer{Attempt: current, Outcome: Answered, Verdict: Accepted, Result: []byte(`[]`)})
	if err != nil || c.Record.State != Queued || c.Record.Tries != 1 || c.Doubt != current || c.Ended.Verdict != Failed || c.Record.Reason == "" {
		t.Errorf("%+v, error %v", c, err)
	}
}

// A dead record that had not arrived was sent beside another one with its key, and both were paid.
func TestResolveJoinsWhatIsUnderWay(t *testing.T) {
	r := in(Dead)
	r.Key, r.AtClay = Digest{1}, true
	owner := Record{ID: RecordID{15: 8}, State: Sent, Await: true, Key: r.Key}
	lost, err := Decide(Target{}, r, Resolve{Owner: &owner})
	if err != nil || lost.Record.State != Joined || lost.Record.Leader != owner.ID {
		t.Errorf("it is %s, error %v; want it joined to the one under way", lost.Record.State, err)
	}
	found, err := Decide(Target{}, r, Resolve{Arrived: true, Owner: &owner})
	if err != nil || found.Record.State != Sent || found.Owns {
		t.Errorf("it is %s, owns %t, error %v; want it sent, and the key left to the other", found.Record.State, found.Owns, err)
	}
	if alone, _ := Decide(Target{}, r, Resolve{Arrived: true, Owner: &r}); !alone.Owns {
		t.Error("it is under way again, and nobody joins it")
	}
}

func TestDecideRefusesUnknownEvents(t *testing.T) {
	if _, err := Decide(Target{}, in(Queued), nil); err == nil || KindOf(err) != Internal {
		t.Errorf("error %v, want kind %s", err, Internal)
	}
}

func TestDecideDoubtIsDue(t *testing.T) {
	for policy, want := range map[UncertainPolicy]time.Duration{Wait: 50 * time.Minute, Hold: 50 * time.Minute, Resend: 0} {
		r := in(Sending)
		r.SinceSend = 10 * time.Minute
		c, _ := Decide(Target{OnUncertain: policy, ResultTimeout: time.Hour}, r, Answer{Attempt: current, Outcome: Unknown, Verdict: Doubtful})
		if c.Record.State != Uncertain || c.Due != want {
			t.Errorf("%s: %s, due in %s, want %s", policy, c.Record.State, c.Due, want)
		}
	}
}
