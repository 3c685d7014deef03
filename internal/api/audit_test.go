package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// deeds are all that an audit shows, the oldest first, as "who what on".
func (g *gateway) deeds(t *testing.T, headers ...string) (all []string) {
	t.Helper()
	cursor := ""
	for {
		got := g.do("GET", "/v1/audit?limit=2"+cursor, "", headers...)
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		page := decode[struct {
			Deeds []struct {
				Who, What string
				On        *string
			}
			Next *string
		}](t, got)
		for _, d := range page.Deeds {
			on := "-"
			if d.On != nil {
				on = *d.On
			}
			all = append(all, d.Who+" "+d.What+" "+on)
		}
		if page.Next == nil {
			slices.Reverse(all)
			return all
		}
		cursor = "&cursor=" + *page.Next
	}
}

// Whatever somebody does to the gateway is in the audit, by whom and to what, and nothing of what they said or of whom it was.
func TestAudit(t *testing.T) {
	g := newGateway(t, onDisk(t))
	id := g.submit("people", `{"fields":{"email":"lizzy@example.com"}}`)
	done := g.submit("people", `{"fields":{"email":"alan@example.com"}}`)
	g.finish(done, `{"title":"Countess"}`)
	rec, doneRec := id.String(), done.String()
	key := decode[struct{ ID string }](t, g.do("POST", "/v1/keys", `{"name":"lizzy's","scopes":["send"]}`)).ID
	want := []string{"local key.created " + key}
	for _, deed := range []struct{ method, path, body, what, on string }{
		{"POST", "/v1/targets/people/pause", `{"reason":"lizzy asked"}`, "target.paused", "people"},
		{"POST", "/v1/targets/people/resume", "", "target.resumed", "people"},
		{"POST", "/v1/stop", `{"reason":"lizzy asked"}`, "stopped", "-"},
		{"POST", "/v1/start", "", "started", "-"},
		{"POST", "/v1/records/" + rec + "/cancel", `{"reason":"lizzy asked"}`, "record.canceled", rec},
		{"POST", "/v1/records/" + rec + "/replay", "", "record.replayed", rec},
		{"POST", "/v1/records/" + rec + "/resolve", `{"arrived":true}`, "record.resolved", rec}, // which is refused, and was tried
		{"POST", "/v1/records/" + doneRec + "/redeliver", "", "redelivered", doneRec},
		{"POST", "/v1/erase", `{"target":"people","fields":{"email":"lizzy@example.com"}}`, "erased", "people"},
		{"POST", "/v1/tickets/rotate", "", "tickets.rotated", "-"},
		{"GET", "/v1/export?target=people", "", "exported", "people"},
		{"DELETE", "/v1/keys/" + key, "", "key.revoked", key},
	} {
		g.do(deed.method, deed.path, deed.body)
		want = append(want, "local "+deed.what+" "+deed.on)
	}
	got := g.deeds(t)
	if !slices.Equal(got, want) {
		t.Errorf("the audit says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if text := strings.Join(got, " "); strings.Contains(text, "lizzy") /* no id has a z */ {
		t.Errorf("it speaks of a person: %s", text)
	}
	if got := g.do("GET", "/v1/audit?cursor=x", ""); got.status != http.StatusBadRequest {
		t.Errorf("a cursor of nobody's: %d", got.status)
	}
}

// What somebody does with a key is noted under the key's id.
func TestAuditNamesTheKey(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	admin, id := g.minted(`{"scopes":["admin"]}`, "")
	if got := g.do("POST", "/v1/stop", "", admin); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := g.deeds(t, admin); !slices.Contains(got, id+" stopped -") {
		t.Errorf("the audit says %q", got)
	}
}
