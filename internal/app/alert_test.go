package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/internal/api"
	"github.com/claygate/claygate/internal/ledger"
)

// A target that paused, a stop and a webhook that is nearly full stood in no log: whoever watched it saw nothing while
// nothing was sent.
func TestAlertsAreLogged(t *testing.T) {
	log := &syncBuffer{}
	s := serveWith(t, func(s *service) Config {
		c := s.config(t.TempDir()+"/ledger.db", Target{Name: "people", Webhooks: []Webhook{{URL: s.clay.URL + "/people", Limit: 10, Start: 9}}})
		c.Socket, c.Log = true, slog.New(slog.NewTextHandler(log, nil))
		return c
	})
	if err := s.Ledger.Pause(t.Context(), "people", ledger.Pause{Reason: "Clay answered 401"}); err != nil {
		t.Fatal(err)
	}
	s.alerts.stop()
	s.alerts.read(t.Context()) // if it was about to
	if err := s.Ledger.Stop(t.Context(), ledger.Everything, "for the night"); err != nil {
		t.Fatal(err)
	}
	s.alerts.read(t.Context())
	again := alerts{store: s.Ledger, hub: s.Hub, log: s.App.config.Log, targets: s.alerts.targets}
	again.start()
	again.stop()
	webhooks := s.get("/v1/targets")["targets"].([]any)[0].(map[string]any)["webhooks"]
	if diff := cmp.Diff([]any{map[string]any{"used": 9.0, "limit": 10.0, "per_day": nil, "full_at": nil}}, webhooks); diff != "" { // the start value was left out
		t.Errorf("the webhook shows as (-want +got)\n%s", diff)
	}
	for line, n := range map[string]int{
		"target.paused target=people reason=\"Clay answered 401\"": 1,
		"msg=stopped": 1,
		"all sending is stopped; claygate start --all":                              1,
		"a target is paused; claygate targets resume lets it go on\" target=people": 1,
		"target=people webhook=1 used=9 limit=10":                                   2,
	} {
		if got := strings.Count(log.String(), line); got != n {
			t.Errorf("%q stands %d times, want %d:\n%s", line, got, n, log)
		}
	}
}

// While Clay could not be reached the queue grew, and no log and no list said why.
func TestUnreachableClayIsLoggedOnce(t *testing.T) {
	log := &syncBuffer{}
	a := &alerts{log: slog.New(slog.NewTextHandler(log, nil)), unreachable: map[string]bool{}}
	r := ledger.Record{Target: "people"}
	for _, outcome := range []ledger.Outcome{ledger.Answered, ledger.NotSent, ledger.NotSent, ledger.Answered, ledger.Answered, ledger.NotSent} {
		a.attempt(r, ledger.Answer{Outcome: outcome, Excerpt: "connection refused"})
	}
	if away, back := strings.Count(log.String(), "cannot be reached"), strings.Count(log.String(), "reached again"); away != 2 || back != 1 {
		t.Errorf("away %d times and back %d, want 2 and 1:\n%s", away, back, log)
	}
}

// asked is a ledger that notes of which targets it was asked.
type asked struct {
	ledger.Store
	targets []string
}

func (l *asked) TargetStatus(_ context.Context, target string) (ledger.TargetStatus, error) {
	l.targets = append(l.targets, target)
	return ledger.TargetStatus{}, nil
}

// A gateway of a thousand workspaces that did nothing asked its database 4,000 questions a minute.
func TestIdleTargetsAreNotAskedAbout(t *testing.T) {
	store := &asked{}
	a := &alerts{store: store, log: slog.New(slog.DiscardHandler), unreachable: map[string]bool{}, targets: func() []api.Target {
		return []api.Target{{Target: ledger.Target{Name: "idle"}}, {Target: ledger.Target{Name: "people"}}}
	}}
	a.use("idle")
	a.look(t.Context())
	a.look(t.Context())
	a.attempt(ledger.Record{Target: "people"}, ledger.Answer{Outcome: ledger.Answered})
	a.look(t.Context())
	if diff := cmp.Diff([]string{"idle", "people"}, store.targets); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
}
