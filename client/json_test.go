package client_test

import (
	"encoding/json"
	"testing"

	"github.com/claygate/claygate/client"
)

// A record that is written as JSON again, as the commands do, said "sends": 0, "outcome": "" and a done_at of the year 1
// where nobody had asked or nothing was known.
func TestRecordAsJSONSaysNothingThatIsNotKnown(t *testing.T) {
	text, err := json.Marshal(client.Record{ID: "rec_1", Target: "people", State: client.Queued})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sends", "outcome", "done_at", "attempts", "input_differs"} {
		if value, there := members[name]; there {
			t.Errorf("%s is %v", name, value)
		}
	}
}
