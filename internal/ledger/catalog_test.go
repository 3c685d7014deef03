package ledger

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCatalog(t *testing.T) {
	c := NewCatalog([]Target{
		{Name: "a", Lane: "one"}, {Name: "b", Lane: "two"}, {Name: "c", Lane: "one"}, {Name: "b", Lane: "three"},
	}, map[LaneID]Pace{"one": {PerSecond: 5}, "unused": {PerSecond: 1}})
	if diff := cmp.Diff([]LaneID{"one", "three"}, c.Lanes()); diff != "" {
		t.Errorf("lanes -want +got\n%s", diff)
	}
	var on []string
	for _, target := range c.On("one") {
		on = append(on, target.Name)
	}
	if diff := cmp.Diff([]string{"a", "c"}, on); diff != "" {
		t.Errorf("targets of a lane -want +got\n%s", diff)
	}
	if got := c.On("two"); got != nil {
		t.Errorf("a lane without targets has %v", got)
	}
	if got := c.Pace("one"); got != (Pace{PerSecond: 5, Burst: DefaultBurst}) {
		t.Errorf("pace %v", got)
	}
	if got := c.Pace("nowhere"); got != (Pace{PerSecond: DefaultPerSecond, Burst: DefaultBurst}) {
		t.Errorf("the pace of an unknown lane is %v", got)
	}
	if target, ok := c.Target("b"); !ok || target.Lane != "three" {
		t.Errorf("%v, %t", target, ok)
	}
	if target, ok := c.Target("gone"); ok || target.Name != "gone" || target.Lane != "" {
		t.Errorf("a target that is not configured is %v, %t", target, ok)
	}
}

func TestTargetWebhook(t *testing.T) {
	first, second, free := Digest{1}, Digest{2}, Digest{3}
	target := Target{Webhooks: []Webhook{{ID: first, Limit: 100}, {ID: second, Limit: 50}}}
	endless := Target{Webhooks: []Webhook{{ID: first, Limit: 100}, {ID: free}}}
	const unlimited = 1 << 30
	for name, c := range map[string]struct {
		target Target
		used   map[Digest]WebhookUse
		want   Digest
		room   int
		ok     bool
	}{
		"fresh":              {target, nil, first, 100, true},
		"nearly full":        {target, map[Digest]WebhookUse{first: {Submissions: 99}}, first, 1, true},
		"full":               {target, map[Digest]WebhookUse{first: {Submissions: 100}}, second, 50, true},
		"over full":          {target, map[Digest]WebhookUse{first: {Submissions: 130}}, second, 50, true},
		"Clay says so":       {target, map[Digest]WebhookUse{first: {Submissions: 3, Exhausted: true}}, second, 50, true},
		"all full":           {target, map[Digest]WebhookUse{first: {Submissions: 100}, second: {Exhausted: true}}, Digest{}, 0, false},
		"one takes any":      {endless, map[Digest]WebhookUse{first: {Exhausted: true}, free: {Submissions: 1e6}}, free, unlimited, true},
		"even that is ended": {endless, map[Digest]WebhookUse{first: {Exhausted: true}, free: {Exhausted: true}}, Digest{}, 0, false},
		"filled before":      {Target{Webhooks: []Webhook{{ID: first, Limit: 100, Start: 60}}}, map[Digest]WebhookUse{first: {Submissions: 30}}, first, 10, true},
		"no webhooks":        {Target{}, nil, Digest{}, unlimited, true},
	} {
		t.Run(name, func(t *testing.T) {
			id, room, ok := c.target.Webhook(c.used)
			if id != c.want || room != c.room || ok != c.ok {
				t.Errorf("%v, room %d, %t; want %v, %d, %t", id, room, ok, c.want, c.room, c.ok)
			}
		})
	}
}

func TestErrorKinds(t *testing.T) {
	cause := &Error{Kind: Full, Op: "accept", Message: "no space"}
	outer := &Error{Kind: Busy, Op: "open", Message: "m", Err: cause}
	if KindOf(outer) != Busy || KindOf(outer.Unwrap()) != Full || KindOf(errors.New("x")) != Internal {
		t.Error("wrong kinds")
	}
	if got := outer.Error(); got != "open: m: accept: no space" {
		t.Errorf("the error reads %q", got)
	}
}
