package app

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	if err := s.Ledger.Stop(t.Context(), "for the night"); err != nil {
		t.Fatal(err)
	}
	s.alerts.read(t.Context())
	again := alerts{store: s.Ledger, hub: s.Hub, log: s.App.config.Log, targets: s.alerts.targets}
	again.start()
	again.stop()
	webhooks := s.get("/v1/targets")["targets"].([]any)[0].(map[string]any)["webhooks"]
	if diff := cmp.Diff([]any{map[string]any{"used": 9.0, "limit": 10.0}}, webhooks); diff != "" { // the start value was left out
		t.Errorf("the webhook shows as (-want +got)\n%s", diff)
	}
	for line, n := range map[string]int{
		"target.paused target=people reason=\"Clay answered 401\"": 1,
		"msg=stopped":                            1,
		"all sending is stopped; claygate start": 1,
		"a target is paused; claygate targets resume lets it go on\" target=people": 1,
		"target=people webhook=1 used=9 limit=10":                                   2,
	} {
		if got := strings.Count(log.String(), line); got != n {
			t.Errorf("%q stands %d times, want %d:\n%s", line, got, n, log)
		}
	}
}
