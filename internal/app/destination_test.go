package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
)

const signing = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"

// endpoint is a user's endpoint that verifies what it is told.
type endpoint struct {
	*httptest.Server
	told   chan client.Delivery
	header chan http.Header
	answer func(http.ResponseWriter, client.Delivery)
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{told: make(chan client.Delivery, 1000), header: make(chan http.Header, 1000)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // broken off
		}
		hook, err := client.VerifyWebhook(r.Header, body, signing)
		if err != nil {
			t.Errorf("%v: %s", err, body)
		}
		if e.answer != nil {
			e.answer(w, hook)
		}
		e.header <- r.Header
		e.told <- hook
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) next(t *testing.T) client.Delivery {
	t.Helper()
	select {
	case hook := <-e.told:
		return hook
	case <-t.Context().Done():
		t.Fatal("nothing was told")
		return client.Delivery{}
	}
}

func (e *endpoint) destination(name string) Destination {
	return Destination{Name: name, Webhook: &forward.Webhook{
		Settings: forward.Settings{Name: name}, URL: e.URL + "/hook?token=canary", Secrets: []string{signing}, Reach: forward.Private,
	}}
}

// forwarding is a service with a destination.
func forwarding(t *testing.T, to ...Destination) *service {
	return serveWith(t, func(s *service) Config {
		var names []string
		for _, d := range to {
			names = append(names, d.Name)
		}
		c := s.config(filepath.Join(t.TempDir(), "ledger.db"), Target{Name: "people", DedupeBy: []string{"email"}, Destinations: names})
		c.Destinations = to
		c.Callbacks = &forward.Webhook{Secrets: []string{signing}, Reach: forward.Private}
		return c
	})
}

func TestForwardsASignedWebhook(t *testing.T) {
	crm := newEndpoint(t)
	s := forwarding(t, crm.destination("crm"))
	r := s.submit("people/records", map[string]any{"email": "ada@example.com"})
	row := s.row()
	s.callback(row, map[string]any{"title": "Countess"})
	hook := crm.next(t)
	var result map[string]any
	if err := json.Unmarshal(hook.Record.Result, &result); err != nil {
		t.Fatal(err)
	}
	if hook.Type != "record.done" || hook.Record.ID != r["id"] || hook.Record.Revision != 1 || result["title"] != "Countess" || hook.At.IsZero() {
		t.Errorf("it was told %+v", hook)
	}
	if h := <-crm.header; h.Get("Claygate-Via") == "" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	s.callback(row, map[string]any{"phone": "1"})
	if more := crm.next(t); more.Type != "record.updated" || more.Record.Revision != 2 || more.ID == hook.ID {
		t.Errorf("then it was told %+v", more)
	}
}

func TestCallsACallbackURL(t *testing.T) {
	own := newEndpoint(t)
	s := forwarding(t)
	status, body := s.post("http://"+s.APIAddr()+"/v1/targets/people/records", map[string]any{
		"fields": map[string]any{"email": "ada@example.com"}, "callback_url": own.URL + "/mine", "metadata": map[string]any{"crm": 7},
	})
	if status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	s.callback(s.row(), map[string]any{"title": "Countess"})
	if hook := own.next(t); hook.Record.ID != s.decode(body)["id"] || string(hook.Record.Metadata) != `{"crm":7}` {
		t.Errorf("it was told %+v", hook)
	}
}

// A gateway that forwards into itself would pay for ever.
func TestForwardingIntoItselfIsRefused(t *testing.T) {
	crm := newEndpoint(t)
	s := forwarding(t, crm.destination("crm"))
	s.submit("people/records", map[string]any{"email": "ada@example.com"})
	s.callback(s.row(), map[string]any{"title": "Countess"})
	crm.next(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.APIAddr()+"/v1/targets/people/records", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(forward.ViaHeader, (<-crm.header).Get(forward.ViaHeader))
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusLoopDetected {
		t.Errorf("it was answered %d", res.StatusCode)
	}
}

// What is invented reaches no destination.
func TestEmulatedLedgersForwardNothing(t *testing.T) {
	c := emulated(t)
	c.Destinations = []Destination{newEndpoint(t).destination("crm")}
	for i := range c.Targets {
		c.Targets[i].Destinations = []string{"crm"}
	}
	a := open(t, c)
	for _, target := range a.parts.Load().served {
		if len(target.Forward) > 0 {
			t.Errorf("%s forwards to %v", target.Name, target.Forward)
		}
	}
	if len(a.parts.Load().forward.Destinations) > 0 {
		t.Error("there are destinations")
	}
}

// What was not delivered when the gateway ended is delivered by the next.
func TestDeliversAfterARestart(t *testing.T) {
	crm := newEndpoint(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	crm.answer = func(w http.ResponseWriter, _ client.Delivery) { w.WriteHeader(http.StatusGone) }
	var clay []Webhook // the ledger belongs to one
	configured := func(s *service) Config {
		if clay == nil {
			clay = []Webhook{{URL: s.clay.URL + "/people"}}
		}
		c := s.config(path, Target{Name: "people", Webhooks: clay, Destinations: []string{"crm"}})
		c.Destinations = []Destination{crm.destination("crm")}
		return c
	}
	s := serveWith(t, configured)
	changed, cancel := s.Hub.Subscribe(ledger.Announced)
	defer cancel()
	s.submit("people/records", map[string]any{"email": "ada@example.com"})
	s.callback(s.row(), map[string]any{"title": "Countess"})
	crm.next(t)
	for disabled := false; !disabled; { // 410 disables it
		all, err := s.Ledger.Destinations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if disabled = len(all) == 1 && all[0].Disabled != ""; !disabled {
			<-changed
		}
	}
	shut(t, s.App)
	crm.answer = nil
	s = serveWith(t, configured)
	if err := s.Ledger.Enable(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	crm.next(t)
}
