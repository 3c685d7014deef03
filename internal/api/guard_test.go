package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// Without keys a gateway serves its own machine, by its own name.
func TestWithoutKeys(t *testing.T) {
	tests := map[string]struct {
		headers []string
		status  int
	}{
		"this machine":               {nil, 200},
		"by its address":             {[]string{"Host: 127.0.0.1:8787"}, 200},
		"by its IPv6 address":        {[]string{"Host: [::1]:8787", "From: [::1]:40000"}, 200},
		"without a port":             {[]string{"Host: localhost"}, 200},
		"IPv6 without a port":        {[]string{"Host: [::1]"}, 200},
		"mapped":                     {[]string{"From: [::ffff:127.0.0.1]:40000"}, 200},
		"another machine":            {[]string{"From: 192.0.2.7:40000"}, 403},
		"a tunnel's name":            {[]string{"Host: abc.tunnel.example"}, 403},
		"a rebound name":             {[]string{"Host: 127.0.0.1.attacker.example:8787"}, 403},
		"a name that looks local":    {[]string{"Host: localhost.attacker.example"}, 403},
		"no name":                    {[]string{"Host: "}, 403},
		"a socket without a peer":    {[]string{"From: @"}, 403},
		"an address of the network":  {[]string{"Host: 192.0.2.7:8787"}, 403},
		"it claims to be forwarded":  {[]string{"From: 192.0.2.7:40000", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"}, 403},
		"it claims another host":     {[]string{"Host: abc.tunnel.example", "X-Forwarded-Host: localhost", "Forwarded: host=localhost"}, 403},
		"it claims, and is local":    {[]string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: abc.example"}, 200},
		"a key that nobody asks for": {[]string{"Authorization: Bearer cg_x"}, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, setup{guarded: true})
			for _, path := range []string{"/v1/targets", "/openapi.json", "/docs"} {
				got := g.do("GET", path, "", tt.headers...)
				if got.status != tt.status {
					t.Errorf("%s is answered %d, want %d: %s", path, got.status, tt.status, got.body)
				}
				if got.status == 403 && !strings.Contains(got.body, "claygate keys create") {
					t.Errorf("the refusal does not say how to get in: %s", got.body)
				}
			}
			if got := g.do("GET", "/healthz", "", tt.headers...); got.status != 200 {
				t.Errorf("its health is answered %d", got.status)
			}
		})
	}
}

// A page of another origin gets nothing done, whatever it sends.
func TestCrossOrigin(t *testing.T) {
	for name, headers := range map[string][]string{
		"a cross-site fetch": {"Sec-Fetch-Site: cross-site"},
		"a same-site fetch":  {"Sec-Fetch-Site: same-site"},
		"a foreign origin":   {"Origin: https://attacker.example"},
		"a null origin":      {"Origin: null"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, setup{guarded: true})
			if got := g.do("POST", "/v1/targets/people/records", onePerson, headers...); got.status != 403 {
				t.Errorf("status %d, want 403: %s", got.status, got.body)
			}
			if got := g.do("POST", "/v1/stop", "", headers...); got.status != 403 {
				t.Errorf("status %d, want 403: %s", got.status, got.body)
			}
		})
	}
	g := newGateway(t, setup{guarded: true})
	if got := g.do("POST", "/v1/stop", "", "Origin: http://localhost:8787"); got.status != 200 {
		t.Errorf("a page of its own is answered %d", got.status)
	}
	if got := g.do("GET", "/v1/targets", ""); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("it lets pages of other origins read")
	}
}

// minted makes an API key and returns it as a header, with its ID.
func (g *gateway) minted(body, admin string) (header, id string) {
	g.t.Helper()
	got := g.do("POST", "/v1/keys", body, admin)
	if got.status != 201 {
		g.t.Fatalf("no key for %s: %d %s", body, got.status, got.body)
	}
	key := decode[struct{ Key, ID string }](g.t, got)
	return "Authorization: Bearer " + key.Key, key.ID
}

func TestScopes(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	people, firm := g.submit("people", onePerson).String(), g.submit("eu/firms", onePerson).String()
	admin, _ := g.minted(`{"scopes":["admin"]}`, "")
	as := map[string]string{"admin": admin, "nobody": "", "unknown": "Authorization: Bearer cg_nobody", "basic": "Authorization: Basic Y2c6Y2c="}
	for name, body := range map[string]string{
		"send": `{"scopes":["send"]}`, "read": `{"scopes":["read"]}`, "replay": `{"scopes":["replay"]}`,
		"bound":       `{"scopes":["send","read","replay"],"targets":["people"]}`,
		"bound admin": `{"scopes":["admin"],"targets":["people"]}`,
		"ingest":      `{"ingest":"people"}`,
	} {
		as[name], _ = g.minted(body, admin)
	}
	as["revoked"], _ = g.minted(`{"scopes":["admin"]}`, admin)
	_, id := g.minted(`{"scopes":["admin"]}`, admin)
	g.do("DELETE", "/v1/keys/"+id, "", admin)

	tests := []struct {
		method, path, body string
		status             map[string]int
	}{
		{"POST", "/v1/targets/people/records", onePerson, map[string]int{
			"nobody": 401, "unknown": 401, "basic": 401, "admin": 202, "send": 202, "read": 403, "replay": 403, "bound": 202, "ingest": 202}},
		{"POST", "/v1/targets/eu/firms/records", onePerson, map[string]int{
			"nobody": 401, "admin": 202, "send": 202, "bound": 404, "ingest": 404, "bound admin": 404}},
		{"GET", "/v1/records", "", map[string]int{"nobody": 401, "admin": 200, "send": 403, "read": 200, "bound": 200, "ingest": 403}},
		{"GET", "/v1/records?target=eu/firms", "", map[string]int{"read": 200, "bound": 404}},
		{"GET", "/v1/records/" + people, "", map[string]int{"send": 200, "read": 200, "replay": 403, "bound": 200, "ingest": 403}},
		{"GET", "/v1/records/" + firm, "", map[string]int{"send": 200, "bound": 404, "bound admin": 404}},
		{"POST", "/v1/records/" + firm + "/cancel", "", map[string]int{"read": 403, "bound": 404, "replay": 200}},
		{"POST", "/v1/records/" + people + "/replay", "", map[string]int{"nobody": 401, "send": 403, "ingest": 403, "bound": 409}},
		{"GET", "/v1/targets", "", map[string]int{"send": 200, "read": 200, "replay": 403, "ingest": 403}},
		{"POST", "/v1/targets/people/pause", "", map[string]int{"send": 403, "bound": 403, "bound admin": 200, "admin": 200}},
		{"POST", "/v1/targets/eu/firms/pause", "", map[string]int{"bound admin": 404}},
		{"POST", "/v1/stop", "", map[string]int{"nobody": 401, "send": 403, "bound admin": 403, "ingest": 403, "admin": 200}},
		{"POST", "/v1/start", "", map[string]int{"bound admin": 403, "admin": 200}},
		{"POST", "/v1/reload", "", map[string]int{"bound admin": 403, "admin": 200}},
		{"GET", "/v1/events", "", map[string]int{"nobody": 401, "send": 403, "ingest": 403}},
		{"GET", "/v1/events?target=eu/firms", "", map[string]int{"bound": 404}},
		{"POST", "/v1/keys", `{"scopes":["read"]}`, map[string]int{"nobody": 401, "read": 403, "bound admin": 403, "ingest": 403}},
		{"GET", "/v1/keys", "", map[string]int{"nobody": 401, "read": 403, "bound admin": 403, "admin": 200}},
		{"DELETE", "/v1/keys/" + id, "", map[string]int{"read": 403, "bound admin": 403, "admin": 204}},
		{"GET", "/nowhere", "", map[string]int{"nobody": 401, "read": 404}},
		{"GET", "/docs", "", map[string]int{"nobody": 200}},
	}
	for _, tt := range tests {
		for who, status := range tt.status {
			if got := g.do(tt.method, tt.path, tt.body, as[who]); got.status != status {
				t.Errorf("%s %s by %s is answered %d, want %d: %s", tt.method, tt.path, who, got.status, status, got.body)
			} else if status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: a 401 does not say how to prove oneself", tt.method, tt.path)
			}
		}
	}
	seen := g.do("GET", "/v1/records", "", as["bound"]).body + g.do("GET", "/v1/targets", "", as["bound"]).body
	if strings.Contains(seen, "eu/firms") || !strings.Contains(seen, `"people"`) {
		t.Errorf("a key that is bound to people sees %s", seen)
	}
}

// A key in memory works no longer than a second after it was revoked, and no request reads the disk for it.
func TestRevokedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{guarded: true})
		key, id := g.minted(`{"scopes":["read"]}`, "")
		f := g.store.(*fake)
		if got := g.do("GET", "/v1/targets", "", key); got.status != 200 {
			t.Fatalf("status %d", got.status)
		}
		reads := f.reads
		for range 100 {
			g.do("GET", "/nowhere", "", key)
		}
		if f.reads != reads {
			t.Errorf("%d reads for 100 requests", f.reads-reads)
		}
		if err := f.RevokeKey(t.Context(), id); err != nil { // as another process of the gateway does
			t.Fatal(err)
		}
		for range 10 { // while requests come, and not only after silence
			time.Sleep(100 * time.Millisecond)
			g.do("GET", "/nowhere", "", key)
			synctest.Wait()
		}
		if got := g.do("GET", "/v1/targets", "", key); got.status != 401 {
			t.Errorf("a second after it was revoked the key is answered %d", got.status)
		}
	})
}

// The failure it prevents: nobody called for an hour, and the first to call is let in by what was true then.
func TestRevokedKeyAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{guarded: true})
		key, id := g.minted(`{"scopes":["read"]}`, "")
		g.do("GET", "/v1/targets", "", key)
		if err := g.store.RevokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := g.do("GET", "/v1/targets", "", key); got.status != 401 {
			t.Errorf("status %d, want 401", got.status)
		}
	})
}

// The failure it prevents: the last key is revoked, and the gateway is open again.
func TestLastKeyRevoked(t *testing.T) {
	g := newGateway(t, setup{guarded: true})
	key, id := g.minted(`{"scopes":["admin"]}`, "")
	if got := g.do("DELETE", "/v1/keys/"+id, "", key); got.status != 204 {
		t.Fatalf("status %d", got.status)
	}
	if got := g.do("GET", "/v1/targets", ""); got.status != 401 {
		t.Errorf("without a key it is answered %d", got.status)
	}
}

// Who cannot be told from a stranger is kept out.
func TestKeysCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, setup{guarded: true})
		g.store.(*fake).fail(&ledger.Error{Kind: ledger.Unavailable, Op: "read", Message: "secret detail"})
		got := g.do("GET", "/v1/targets", "")
		if got.status != 503 || got.header.Get("Retry-After") == "" || strings.Contains(got.body, "secret") {
			t.Errorf("it is answered %d %v %s", got.status, got.header, got.body)
		}
	})
}
