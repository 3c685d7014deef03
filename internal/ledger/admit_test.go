package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAdmit(t *testing.T) {
	const h, d = time.Hour, 24 * time.Hour
	zero, week := time.Duration(0), 7*d
	key := Digest{1}
	owner := func(change func(*Record)) *Record {
		r := Record{ID: RecordID{15: 9}, State: Done, Await: true, Key: key, Revision: 3, SinceDone: h, Fields: []byte(`{"email":"ada@example.com"}`), Result: []byte(`{"title":"Countess"}`), Emulated: true}
		change(&r)
		return &r
	}
	state := func(s State) *Record { return owner(func(r *Record) { r.State = s }) }
	aged := func(age time.Duration, empty bool) *Record {
		return owner(func(r *Record) { r.SinceDone, r.Empty = age, empty })
	}
	for name, c := range map[string]struct {
		target Target
		owner  *Record
		change func(*Submission)
		want   State
		cached bool
		owns   bool
	}{
		"nobody has the key":               {want: Queued, owns: true},
		"no key":                           {owner: state(Queued), change: func(s *Submission) { s.Key = Digest{} }, want: Queued},
		"no result awaited":                {owner: state(Queued), change: func(s *Submission) { s.Await = false }, want: Queued},
		"queued":                           {owner: state(Queued), want: Joined},
		"sending":                          {owner: state(Sending), want: Joined},
		"sent":                             {owner: state(Sent), want: Joined},
		"uncertain":                        {owner: state(Uncertain), want: Joined},
		"joined itself":                    {owner: state(Joined), want: Queued, owns: true},
		"dead":                             {owner: state(Dead), want: Queued, owns: true},
		"expired":                          {owner: state(Expired), want: Queued, owns: true},
		"canceled":                         {owner: state(Canceled), want: Queued, owns: true},
		"in flight, but no result awaited": {owner: owner(func(r *Record) { r.State, r.Await = Sent, false }), want: Queued, owns: true},
		"done":                             {owner: state(Done), want: Done, cached: true},
		"done without a result":            {owner: owner(func(r *Record) { r.Revision = 0 }), want: Queued, owns: true},
		"just within 30 days":              {owner: aged(30*d-1, false), want: Done, cached: true},
		"30 days old":                      {owner: aged(30*d, false), want: Queued, owns: true},
		"empty, within a day":              {owner: aged(d-1, true), want: Done, cached: true},
		"empty, a day old":                 {owner: aged(d, true), want: Queued, owns: true},
		"the target's age":                 {target: Target{MaxAge: h}, owner: aged(h, false), want: Queued, owns: true},
		"the target never caches":          {target: Target{MaxAge: -1}, owner: aged(0, false), want: Queued, owns: true},
		"empty ones are never cached":      {target: Target{EmptyMaxAge: -1}, owner: aged(0, true), want: Queued, owns: true},
		"forced":                           {owner: aged(0, false), change: func(s *Submission) { s.MaxAge = &zero }, want: Queued, owns: true},
		"forced, the clock went back":      {owner: aged(-h, false), change: func(s *Submission) { s.MaxAge = &zero }, want: Queued, owns: true},
		"forced, in flight":                {owner: state(Sent), change: func(s *Submission) { s.MaxAge = &zero }, want: Joined},
		"a longer age is wished":           {target: Target{MaxAge: h}, owner: aged(2*d, false), change: func(s *Submission) { s.MaxAge = &week }, want: Done, cached: true},
		"a longer age for an empty one":    {owner: aged(2*d, true), change: func(s *Submission) { s.MaxAge = &week }, want: Queued, owns: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := Submission{ID: RecordID{15: 1}, Target: "people", Await: true, Key: key, Fields: []byte(`{"email":"ada@example.com"}`), Metadata: []byte(`{"n":1}`), Load: 4}
			if c.change != nil {
				c.change(&s)
			}
			a := Admit(c.target, c.owner, s)
			want := Record{ID: s.ID, Target: s.Target, State: c.want, Load: 4, Key: s.Key, Await: s.Await, Fields: s.Fields, Metadata: s.Metadata}
			switch c.want {
			case Joined:
				want.Leader = c.owner.ID
			case Done:
				want.Cached, want.Revision, want.Emulated = true, 1, true
				want.Result, want.Empty = c.owner.Result, c.owner.Empty
			}
			if diff := cmp.Diff(Admission{Record: want, Due: Never, Owns: c.owns}, a); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// A waiting caller who joined a row of a bulk load waited as long as the load.
func TestAdmitRaisesThePriorityOfWhatItJoins(t *testing.T) {
	for priority, want := range map[int]bool{4: false, 5: false, 6: true} {
		owner := &Record{ID: RecordID{15: 9}, State: Queued, Await: true, Priority: 5}
		a := Admit(Target{}, owner, Submission{ID: RecordID{15: 1}, Await: true, Key: Digest{1}, Priority: priority})
		if a.Raise != want {
			t.Errorf("priority %d joins 5: raise %t, want %t", priority, a.Raise, want)
		}
	}
}

// A send_by that had passed when the record came in counted as none at all.
func TestAdmitSendBy(t *testing.T) {
	for sendBy, due := range map[time.Duration]time.Duration{0: Never, time.Hour: time.Hour, -time.Hour: 0} {
		a := Admit(Target{}, nil, Submission{ID: RecordID{15: 1}, SendBy: sendBy})
		if a.Due != due || a.Record.SendBy != sendBy {
			t.Errorf("send by %s: due %s, want %s; the record says %s", sendBy, a.Due, due, a.Record.SendBy)
		}
	}
}
