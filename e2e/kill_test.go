package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// evils are what goes wrong at Clay while claygate is killed, one list for each of its lives in turn.
var evils = [][]claytest.Fault{
	nil,
	{{Kind: claytest.DropAfter, Rate: 0.1}, {Kind: claytest.DropBefore, Rate: 0.1}},
	{{Kind: claytest.Reset, Rate: 0.1, Bytes: 20}},
	{{Kind: claytest.Answer, Status: []int{500, 503, 500}, RetryAfter: []string{}, Rate: 0.3}},
	{{Kind: claytest.Answer, Status: []int{429}, Count: 25}},
	{{Kind: claytest.CallbackDouble, Rate: 0.3, Latency: 50 * time.Millisecond}, {Kind: claytest.CallbackMissing, Rate: 0.2}},
	{{Kind: claytest.CallbackLate, Rate: 0.3, Latency: 500 * time.Millisecond}, {Kind: claytest.CallbackReorder, Rate: 0.3, Latency: 100 * time.Millisecond}},
	{{Kind: claytest.AnswerAfter, Status: []int{504, 500}, Rate: 0.2}},
	{{Kind: claytest.SlowAnswer, Rate: 0.2, Latency: 400 * time.Millisecond}},
}

// claygate is killed ten times in a row, at random moments of one load and with Clay at its worst, and then left alone.
// Whatever was accepted comes to its end, nothing is paid twice without being said, and the pace holds all the while.
func TestKillNine(t *testing.T) {
	t.Parallel()
	const records, kills = 600, 10
	b := newTable(t, 100)
	in := b.leads("leads.csv", records)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range kills {
		b.must(b.clay.SetFaults(evils[n%len(evils)]...))
		b.killOnce(in, random, n%4 == 3)
		f := b.audit(b.accepted())
		t.Logf("kill %2d: %s", n+1, f)
	}
	b.must(b.clay.SetFaults())
	b.enrich(in).mustEnd(0, 7)
	t.Logf("left alone: %s\n%v", b.audit(records), statuses(t, b.output(in)))
	if diff := cmp.Diff(records, len(rows(t, b.output(in)))); diff != "" {
		t.Errorf("rows in the output (-want +got):\n%s", diff)
	}
	if n := statuses(t, b.output(in))["pending"]; n > 0 {
		t.Errorf("%d rows never came to an end", n)
	}
	b.complete(in)
	t.Logf("completed: %s", b.audit(records+1)) // and the one that kept the listener open
	if diff := cmp.Diff(map[string]int{"ok": records}, statuses(t, b.output(in))); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

// killOnce runs claygate and kills it: while it starts, or a while after it has begun to send.
func (b *table) killOnce(in string, random *rand.Rand, early bool) {
	b.t.Helper()
	before := b.clay.Stats().Requests
	c := b.enrich(in)
	defer c.kill()
	if early {
		pause(b.t.Context(), time.Duration(random.IntN(120))*time.Millisecond)
		return
	}
	for c.alive() && b.clay.Stats().Requests == before {
		pause(b.t.Context(), time.Millisecond)
	}
	pause(b.t.Context(), time.Duration(random.IntN(500))*time.Millisecond)
}

// accepted is how many records the ledger has taken in so far: all of the file, or none when it was killed before.
func (b *table) accepted() int {
	n := 0
	for _, in := range read(b.t, b.ledger()).states {
		n += in
	}
	return n
}

// The same at Clay's own pace, which is what the pace is for.
func TestKillNineAtClaysPace(t *testing.T) {
	t.Parallel()
	const records, kills = 60, 3
	b := newTable(t, 0)
	in := b.leads("leads.csv", records)
	random := rand.New(rand.NewPCG(1, 2))
	for range kills {
		b.killOnce(in, random, false)
	}
	b.enrich(in).mustEnd(0, 7)
	t.Logf("%s\n%v", b.audit(records), statuses(t, b.output(in)))
	if n := b.clay.Stats().Status[429]; n > 0 {
		t.Errorf("Clay refused %d requests for their pace", n)
	}
	b.complete(in)
	if diff := cmp.Diff(map[string]int{"ok": records}, statuses(t, b.output(in))); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
