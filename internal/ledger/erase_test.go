package ledger

import (
	"testing"
)

// Whatever state a record is in, it is over once it is erased, and nothing that comes for it brings a body back.
func TestDecideErase(t *testing.T) {
	for _, state := range States {
		r := in(state)
		r.Metadata, r.CallbackURL, r.SendBy = []byte(`{"row":7}`), "https://example.com/hook", 5
		c, err := Decide(Target{Name: "people"}, r, Erase{})
		if err != nil {
			t.Fatal(err)
		}
		want := Canceled
		if state.Terminal() {
			want = state
		}
		if got := c.Record; got.State != want || c.Moved != (want != state) || !bare(got) || !got.Erased {
			t.Errorf("erased in %s it is %+v", state, got)
		}
		if c.Record.AtClay != (state == Sending) {
			t.Errorf("erased in %s: at Clay %t", state, c.Record.AtClay)
		}
		again, err := Decide(Target{}, c.Record, Erase{})
		if err != nil || again.Moved || again.Kept {
			t.Errorf("erased twice in %s it is %+v, %v", state, again, err)
		}
		for name, o := range occurrences() {
			t.Run(string(state)+"/"+name, func(t *testing.T) { staysErased(t, c.Record, o) })
		}
	}
}

func staysErased(t *testing.T, r Record, o occurrence) {
	e := o.event
	if a, ok := e.(Answer); ok {
		a.Excerpt, a.Result = "Ada", []byte(`{"title":"Countess"}`)
		e = a
	}
	c, err := Decide(Target{Name: "people"}, r, e)
	if err != nil {
		if KindOf(err) != Conflict {
			t.Fatal(err)
		}
		return
	}
	if c.Moved || c.Fresh || !bare(c.Record) {
		t.Errorf("it did %+v", c)
	}
	if c.Ended != nil && c.Ended.Excerpt != "" {
		t.Errorf("the attempt keeps %q", c.Ended.Excerpt)
	}
}

func bare(r Record) bool {
	return r.Fields == nil && r.Metadata == nil && r.Result == nil && r.CallbackURL == ""
}
