package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/forward"
	"github.com/claygate/claygate/internal/ledger"
)

// alarmed is a service with a chat, whose messages come line by line.
func alarmed(t *testing.T, change func(*Config)) (*service, chan string) {
	t.Helper()
	lines := make(chan string, 100)
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		for line := range strings.SplitSeq(message.Text, "\n") {
			lines <- line
		}
	}))
	t.Cleanup(chat.Close)
	return serveWith(t, func(s *service) Config {
		c := s.config(t.TempDir()+"/ledger.db", Target{Name: "people", Webhooks: []Webhook{{URL: s.clay.URL + "/people", Limit: 10, Start: 9}}})
		c.Socket = true
		c.Alerts = Alerts{URL: chat.URL + "/services/secret", Private: true, DeadLetters: 1, Callbacks: 1, Waiting: time.Nanosecond}
		if change != nil {
			change(&c)
		}
		return c
	}), lines
}

// What needs somebody's eye is told to a chat as Slack has it, without a word of what people or Clay said.
func TestAlarms(t *testing.T) {
	s, lines := alarmed(t, nil)
	if got := <-lines; !strings.Contains(got, "webhook 1 of people has taken over 9 of the 10 rows") {
		t.Errorf("it was told %q", got)
	}
	const person = "ada@leads.example"
	failed := map[string]string{
		"paused people": "because Clay answered 402", "stopped ": "all sending", "stopped eu": "workspace eu", "webhook people 0": "", "waiting people": "waited for over",
		"dead people": "at least 1 records", "callbacks": "", "once budget people": "is spent",
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Ledger.Pause(t.Context(), "people", ledger.Pause{Reason: person, Status: 402}))
	must(s.Ledger.Stop(t.Context(), ledger.Everything, person))
	must(s.Ledger.Stop(t.Context(), "eu", person))
	s.submit("people/records", map[string]any{"email": person})
	s.alerts.alarms.overdrawn("people")
	s.refused(collect.Refusal{Target: person, Message: person})
	s.alerts.alarms.dead["people"] = &window{began: time.Now(), base: -1} // as if one had failed meanwhile
	open, ok := s.alerts.alarms.look(t.Context())
	if !ok {
		t.Fatal("it does not know")
	}
	for key, part := range failed {
		if text, told := open[key]; !told || !strings.Contains(text, part) {
			t.Errorf("%s is %q", key, text)
		}
		if strings.Contains(open[key], person) {
			t.Errorf("%s speaks of a person: %s", key, open[key])
		}
	}
	must(s.Ledger.Start(t.Context(), ledger.Everything))
	must(s.Ledger.Resume(t.Context(), "people"))
	if open, _ = s.alerts.alarms.look(t.Context()); open["stopped "] != "" || open["paused people"] != "" {
		t.Errorf("what is over is still told: %v", open)
	}
}

// Where the guard does not let a message out it is tried again, and nothing else minds.
func TestAlarmsPassTheGuard(t *testing.T) {
	s, lines := alarmed(t, func(c *Config) { c.Alerts.Private = false })
	s.submit("people/records", map[string]any{"email": "ada@example.com"})
	if row := s.row(); row["email"] == nil {
		t.Errorf("the row is %v", row)
	}
	select {
	case line := <-lines:
		t.Errorf("this machine was told %q", line)
	default:
	}
	if _, err := forward.NewNotifier("ftp://chat", forward.Public); err == nil || strings.Contains(err.Error(), "ftp://chat") {
		t.Errorf("the error is %v", err)
	}
}

func TestWindow(t *testing.T) {
	var w window
	now := time.Now()
	var got []int
	for _, step := range []struct {
		after time.Duration
		sum   int
	}{{0, 5}, {time.Minute, 8}, {time.Minute, 2}, {time.Minute, 4}, {time.Hour, 9}, {time.Minute, 10}} {
		now = now.Add(step.after)
		got = append(got, w.count(now, step.sum))
	}
	if want := []int{0, 3, 0, 2, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}
