package ledger

import (
	"testing"
	"time"
)

// A second record with the same key and another input silently got the first one's result.
func TestAdmitConflicts(t *testing.T) {
	owner := Record{ID: RecordID{15: 9}, State: Sent, Await: true, Key: Digest{1}, Fields: []byte(`{"email":"ada@example.com","n":1}`)}
	done := owner
	done.State, done.Revision, done.SinceDone = Done, 1, time.Minute
	const same, other = `{"n": 1, "email": "ada@example.com"}`, `{"email":"ada@example.com","n":2}`
	for name, c := range map[string]struct {
		policy  ConflictPolicy
		owner   Record
		fields  string
		want    State
		differs bool
	}{
		"the same input joins":                {Reject, owner, same, Joined, false},
		"join":                                {"", owner, other, Joined, true},
		"separate":                            {Separate, owner, other, Queued, false},
		"reject":                              {Reject, owner, other, "", false},
		"the cache answers, and says so":      {Reject, done, other, Done, true},
		"the cache answers for the same":      {"", done, same, Done, false},
		"separate is no matter for the cache": {Separate, done, other, Done, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := Admit(Target{OnConflict: c.policy}, &c.owner, Submission{ID: RecordID{15: 1}, Await: true, Key: Digest{1}, Fields: []byte(c.fields)})
			if a.Record.State != c.want || a.Differs != c.differs || (a.Err != nil) != (c.want == "") {
				t.Errorf("%s, differs %t, %v; want %s, differs %t", a.Record.State, a.Differs, a.Err, c.want, c.differs)
			}
			if a.Err != nil && KindOf(a.Err) != Conflict {
				t.Errorf("the refusal is of kind %s, want %s", KindOf(a.Err), Conflict)
			}
		})
	}
}
