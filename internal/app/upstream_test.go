package app

import (
	"testing"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/internal/ledger"
)

// A client of Clay's Public API works through the gateway with another URL only: it starts a run and reads its results, with
// the workspace's key, at the pace that the ledger keeps for all of the workspace's calls.
func TestPublicAPIThroughTheGateway(t *testing.T) {
	server := claytest.New(t, claytest.Options{PublicAPI: claytest.PublicAPI{Key: "key_of_main", PerSecond: -1, Delay: claytest.Delay{Max: -1}}})
	c := emulated(t)
	c.Emulate, c.Listen, c.Targets = nil, "127.0.0.1:0", nil // a workspace without a routine of its own
	c.PublicAPI = map[string]PublicAPI{"main": {Key: "key_of_main", BaseURL: server.URL(), Pace: ledger.Pace{PerSecond: 5, Burst: 2}}, "none": {}}
	a := open(t, c)
	client, err := clay.New(clay.Config{PublicAPIKey: "cg_any", PublicAPIURL: "http://" + a.APIAddr() + publicAPIPath, PublicAPIPacer: clay.NewPacer(-1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	items := []clay.Item{{ID: "mine", Inputs: map[string]string{"email": "jane.doe@acme.com"}}}
	begin := time.Now()
	run, err := client.Routine("function:t_2").RunOnce(t.Context(), items, clay.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for calls := range 4 { // results that are kept would take no turn
		if _, err := client.Me(t.Context()); err != nil {
			t.Fatal(calls, err)
		}
	}
	page, err := client.Run(run.ID).Page(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !page.Done() || len(page.Results) != 1 || page.Results[0].ID != "mine" {
		t.Errorf("%+v", page)
	}
	if took := time.Since(begin); took < 800*time.Millisecond { // six calls, of which two are the burst
		t.Errorf("six calls took %s, which is faster than five a second", took)
	}
}
