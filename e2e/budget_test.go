package e2e_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/client"
)

// A budget is reserved in the claim: a gateway that is killed again and again, with Clay at its worst, never spends more than it
// allows, and in the end all of it, because what surely was not sent is given back.
func TestKillNineKeepsTheBudget(t *testing.T) {
	t.Parallel()
	const budget, kills = 300, 10
	g := newGateway(t, 200, "1s", "        budget: {records: {per_month: 300}}\n")
	gateway, err := client.New(client.Config{BaseURL: "http://" + g.api})
	g.must(err)
	spent := func() (n int64, held string) {
		u, err := gateway.Usage(t.Context(), client.UsageQuery{})
		if err != nil || len(u.Budgets) != 1 {
			t.Fatalf("%v, %d budgets", err, len(u.Budgets))
		}
		if u.Budgets[0].Held != nil {
			held = u.Budgets[0].Held.Reason
		}
		return u.Budgets[0].Month.Spent.Records, held
	}
	ctx, stop := context.WithCancel(t.Context())
	wait := g.callers(ctx)
	defer wait()
	defer stop()
	for n := range kills {
		g.must(g.clay.SetFaults(evils[n%len(evils)]...))
		c := g.serve()
		pause(t.Context(), time.Duration(rand.IntN(600))*time.Millisecond)
		c.kill()
		g.mustExamine()
		if rows := g.clay.Stats().Rows; rows > budget {
			t.Fatalf("%d rows at Clay after kill %d, of a budget of %d", rows, n+1, budget)
		}
	}
	g.must(g.clay.SetFaults())
	c := g.serve()
	g.untilServed()
	for began := time.Now(); ; pause(t.Context(), 50*time.Millisecond) {
		n, held := spent()
		if n > budget {
			t.Fatalf("%d records are said to be spent, of %d", n, budget)
		}
		if n == budget && strings.Contains(held, "spent") {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%d records of %d are spent while more wait (held: %q); it says:\n%s", n, budget, held, c.err)
		}
	}
	g.must(g.clay.WaitIdle(t.Context()))
	c.kill()
	g.mustExamine()
	rows := g.clay.Stats().Rows
	if open := g.before.states["queued"]; rows > budget || open == 0 {
		t.Errorf("%d rows at Clay of a budget of %d, while %d records wait", rows, budget, open)
	}
	t.Logf("%d kills: %d rows at Clay of a budget of %d, and %d records that wait", kills, rows, budget, g.before.states["queued"])
}
