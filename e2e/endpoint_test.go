package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/claygate/claygate/client"
)

const signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"

// endpoint is the user's, where the ends of records are forwarded. It lives in the test's process, so no kill reaches it,
// and keeps its own books.
type endpoint struct {
	*httptest.Server
	mu   sync.Mutex
	bad  map[string]bool            // records of which a webhook was refused: the second try is in seconds, the third in minutes
	told map[string]client.Delivery // the newest by record, in the form in which the file has its ID
	n    int
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{bad: map[string]bool{}, told: map[string]client.Delivery{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a kill cut it off
		}
		hook, err := client.VerifyWebhook(r.Header, body, signing)
		if err != nil {
			t.Errorf("the user's endpoint was sent what is not authentic: %v: %s", err, body)
			return
		}
		if !e.take(t, hook) {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// take notes what was told, but refuses one in twenty at first, so that it is tried again. Of one record nothing older may follow:
// the newest wins, and one is under way at a time.
func (e *endpoint) take(t *testing.T, hook client.Delivery) bool {
	record := recordOf(t, hook.Record.ID)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n++; e.n%20 == 0 && !e.bad[record] {
		e.bad[record] = true
		return false
	}
	if before := e.told[record]; hook.Record.Revision < before.Record.Revision {
		t.Errorf("I3: record %s was told at revision %d after %d", record, hook.Record.Revision, before.Record.Revision)
	}
	e.told[record] = hook
	return true
}

// audit holds the ledger to what the user's endpoint was told: every end, at its last revision. It returns how many
// webhooks that took.
func (e *endpoint) audit(t *testing.T, books books) int {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	missing := 0
	for record, entry := range books.records {
		told, ok := e.told[record]
		ended := entry.state == "done" || entry.state == "dead" || entry.state == "expired"
		if !ended || entry.erased { // what was erased is told no more
			continue
		}
		if ok && string(told.Record.State) == entry.state && told.Record.Revision == entry.revision {
			continue
		}
		if missing++; missing <= 10 {
			t.Errorf("I3: record %s is %s at revision %d, and the user's endpoint was told %q at %d", record, entry.state, entry.revision,
				told.Record.State, told.Record.Revision)
		}
	}
	if missing > 10 {
		t.Errorf("I3: and %d more", missing-10)
	}
	return e.n
}
