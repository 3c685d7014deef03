package api_test

import (
	"testing"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// A target that fails is shown as such, with when it is tried next.
func TestBreakerIsShown(t *testing.T) {
	g := newGateway(t, onDisk(t))
	type view struct {
		Targets []struct {
			Name    string
			Breaker *struct {
				Reason string
				Next   *time.Time `json:"next_probe_at"`
			}
		}
	}
	shown := func() view { return decode[view](t, g.do("GET", "/v1/targets", "")) }
	if b := shown().Targets[0].Breaker; b != nil {
		t.Errorf("a target that never failed has the breaker %+v", b)
	}
	for range ledger.BreakerCalls {
		id := g.submit("people", `{"fields":{}}`)
		g.apply(id, ledger.Answer{Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Failed, Status: 500, Jitter: 0.99})
	}
	got := shown()
	b := got.Targets[0].Breaker
	if b == nil || b.Reason == "" || b.Next == nil || time.Until(*b.Next) > time.Minute {
		t.Errorf("a failing target has the breaker %+v", b)
	}
	if got.Targets[1].Breaker != nil {
		t.Error("so has another")
	}
}
