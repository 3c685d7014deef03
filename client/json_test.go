package client_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/client"
)

// A record that is written as JSON again, as the commands do, said "sends": 0, "outcome": "" and a done_at of the year 1
// where nobody had asked or nothing was known.
func TestAsJSONSaysNothingThatIsNotKnown(t *testing.T) {
	for name, value := range map[string]any{
		"record": client.Record{ID: "rec_1", Target: "people", State: client.Queued},
		"key":    client.APIKey{ID: "key_1"}, "breaker": client.Breaker{}, // a valid key was revoked in the year 1
		"attempt": client.Attempt{N: 1, StartedAt: time.Unix(1, 0)},
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		delete(members, "created_at")
		for _, member := range []string{"sends", "done_at", "attempts", "input_differs", "key", "ingest_path", "revoked_at", "next_probe_at", "answered_at"} {
			if value, there := members[member]; there {
				t.Errorf("%s: %s is %v", name, member, value)
			}
		}
	}
	if text, _ := json.Marshal(client.Record{}); strings.Contains(string(text), "outcome") {
		t.Errorf("an outcome that nobody asked for: %s", text)
	}
}
