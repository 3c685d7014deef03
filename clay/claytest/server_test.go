package claytest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/claygate/claygate/clay/claytest"
)

// post sends one JSON body and returns the answer's status and body.
func post(t *testing.T, s *claytest.Server, webhook, body string) (int, string) {
	t.Helper()
	resp, err := s.Client().Post(s.WebhookURL(webhook), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// A row posted to the webhook comes back enriched, with its id.
func TestRoundTrip(t *testing.T) {
	var got map[string]any
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		io.WriteString(w, `{"ok":true}`)
	}))
	defer receiver.Close()
	s := claytest.New(t, claytest.Options{
		Misses: -1,
		Column: claytest.Column{URL: receiver.URL, Delay: claytest.Delay{Max: -1}},
	})
	if status, _ := post(t, s, "people", `{"claygate_id":"r1.1.x","email":"jane.doe@acme.com"}`); status != 200 {
		t.Fatalf("status %d", status)
	}
	if err := s.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got["claygate_id"] != "r1.1.x" || got["name"] != "Jane Doe" || got["company"] != "Acme" {
		t.Errorf("the callback said %v", got)
	}
	if cell := s.Rows()[0].Cell; cell.State != claytest.CellDone || cell.Value != `{"ok":true}` {
		t.Errorf("the cell is %+v", cell)
	}
}
