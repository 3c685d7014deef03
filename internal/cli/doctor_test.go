package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/config"
	"github.com/claygate/claygate/internal/doctor"
)

// examined runs doctor and returns what it found, by check; of several findings of one check the last, worst first.
func (w *world) examined(t *testing.T, args ...string) (code int, found map[string]doctor.Finding) {
	t.Helper()
	r := w.run(append([]string{"doctor", "--json"}, args...)...)
	found = map[string]doctor.Finding{}
	for line := range strings.Lines(r.out) {
		var f doctor.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q is no finding: %v", line, err)
		}
		if _, worse := found[f.Check]; !worse {
			found[f.Check] = f
		}
		if strings.Contains(line, "User") && strings.Contains(line, "@") {
			t.Errorf("%s shows a person", line)
		}
	}
	return r.code, found
}

// reachableWorld is a world whose public URL leads to where callbacks are taken.
func reachableWorld(t *testing.T) *world {
	w := newWorld(t, claytest.Options{})
	w.env["CLAYGATE_PUBLIC_URL"] = "http://" + w.callback
	w.env["CLAYGATE_CALLBACK_LISTEN"] = w.callback
	w.env["CLAY_API_URL"] = w.clay.URL()
	w.env[envPublicKey] = keyCanary
	return w
}

func states(found map[string]doctor.Finding) map[string]doctor.State {
	all := map[string]doctor.State{}
	for check, f := range found {
		all[check] = f.State
	}
	return all
}

func TestDoctorFindsNothing(t *testing.T) {
	w := reachableWorld(t)
	want := map[string]doctor.State{
		"configuration": doctor.OK, "clay": doctor.OK, "clock": doctor.OK, "key of main": doctor.OK, "disk": doctor.OK,
		"ledger": doctor.OK, "public url": doctor.OK,
	}
	code, found := w.examined(t)
	delete(found, "file system") // the tests' folder may be in memory
	if diff := cmp.Diff(want, states(found)); diff != "" || code != exitOK {
		t.Errorf("exit %d (-want +got):\n%s\n%v", code, diff, found)
	}
	server := w.start("serve", "--listen", "127.0.0.1:0")
	server.until(`"msg":"serving"`)
	delete(want, "ledger")
	want["gateway"], want["target default"], want["webhook 1 of default"], want["permissions"] = doctor.OK, doctor.OK, doctor.OK, doctor.OK
	code, found = w.examined(t)
	delete(found, "file system")
	if diff := cmp.Diff(want, states(found)); diff != "" || code != exitOK {
		t.Errorf("attached: exit %d (-want +got):\n%s\n%v", code, diff, found)
	}
	for _, name := range []string{"CLAY_WEBHOOK_URL", envPublicKey} {
		delete(w.env, name)
	}
	if code, found = w.examined(t); code != exitOK || found["configuration"].State != doctor.Skipped || found["webhook 1 of default"].State != doctor.OK {
		t.Errorf("attached without a configuration: exit %d, %v", code, found)
	}
	server.interrupt <- os.Interrupt
	w.check(server.wait())
}

func TestDoctorFinds(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, w *world) []string
		check   string
		state   doctor.State
		says    string // in what is said, or what to do
	}{
		"nothing is set": {func(t *testing.T, w *world) []string {
			delete(w.env, "CLAY_WEBHOOK_URL")
			delete(w.env, envPublicKey)
			return nil
		}, "configuration", doctor.Broken, envPublicKey},
		"a configuration with a mistake": {func(t *testing.T, w *world) []string {
			return []string{"--config", w.file("c.yaml", "workspaces:\n  main:\n    tables:\n      people: {webhooks: [{url: env:NONE}]}\n")}
		}, "configuration", doctor.Broken, "c.yaml:4"},
		"an open configuration": {func(t *testing.T, w *world) []string {
			path := w.file("c.yaml", "workspaces: {main: {tables: {people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}}}\n")
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			return []string{"-c", path}
		}, "permissions", doctor.Warning, "chmod 600"},
		"a page's address": {func(t *testing.T, w *world) []string {
			w.env["CLAY_WEBHOOK_URL"] = "https://app.clay.com/" + hookCanary
			return nil
		}, "configuration", doctor.Broken, "page in Clay"},
		"a key with Bearer": {func(t *testing.T, w *world) []string {
			w.env[envPublicKey] = "Bearer " + keyCanary
			return nil
		}, "key of main", doctor.Broken, "leave it out"},
		"a key that is refused": {func(t *testing.T, w *world) []string {
			w.env["CLAY_API_URL"] = newHTTPServer(t, refuses(401))
			return nil
		}, "key of main", doctor.Broken, "does not know the key"},
		"no Clay": {func(t *testing.T, w *world) []string {
			w.env["CLAY_API_URL"] = "http://" + freeAddress(t)
			return nil
		}, "clay", doctor.Broken, "nothing listens there"},
		"a Clay in trouble": {func(t *testing.T, w *world) []string {
			w.env["CLAY_API_URL"] = newHTTPServer(t, refuses(503))
			return nil
		}, "clay", doctor.Warning, "wait"},
		"a public URL to the wrong place": {func(t *testing.T, w *world) []string {
			w.env["CLAYGATE_PUBLIC_URL"] = w.clay.URL()
			return nil
		}, "public url", doctor.Broken, "something else"},
		"a taken address": {func(t *testing.T, w *world) []string {
			w.env["CLAYGATE_CALLBACK_LISTEN"] = strings.TrimPrefix(w.clay.URL(), "http://")
			return nil
		}, "public url", doctor.Broken, "something else listens"},
		"a ledger of another kind": {func(t *testing.T, w *world) []string {
			return []string{"--ledger", w.file("l.db", "what is this?")}
		}, "ledger", doctor.Broken, "is not a ledger"},
		"an open ledger": {func(t *testing.T, w *world) []string {
			if r := w.enrich(w.file("leads.csv", leads(1)), "--ledger", w.path("l.db")); r.code != exitOK {
				t.Fatal(r)
			}
			if err := os.Chmod(w.path("l.db"), 0o644); err != nil {
				t.Fatal(err)
			}
			return []string{"--ledger", w.path("l.db")}
		}, "permissions", doctor.Broken, "chmod 600"},
		"no folder": {func(t *testing.T, w *world) []string {
			return []string{"--ledger", w.path("none/l.db")}
		}, "ledger", doctor.Broken, "no folder"},
		"no gateway": {func(t *testing.T, w *world) []string {
			w.env["CLAYGATE_GATEWAY"] = "http://" + freeAddress(t)
			return nil
		}, "gateway", doctor.Broken, "is it running"},
		"used up by others": {func(t *testing.T, w *world) []string {
			if r := w.enrich(w.file("leads.csv", leads(1)), "--ledger", w.path("l.db")); r.code != exitOK {
				t.Fatal(r)
			}
			return []string{"--ledger", w.path("l.db"), "-c", w.file("c.yaml", "workspaces: {main: {tables: {default: {webhooks: [{url: env:CLAY_WEBHOOK_URL, start: 44999}]}}}}\n")}
		}, "webhook 1 of default", doctor.Warning, "45000 of 50000"},
		"a refused webhook": {func(t *testing.T, w *world) []string {
			w.env["CLAY_WEBHOOK_TOKEN"] = "wrong"
			if r := w.enrich(w.file("leads.csv", leads(1)), "--ledger", w.path("l.db")); r.code != exitAuth {
				t.Fatal(r)
			}
			return []string{"--ledger", w.path("l.db")}
		}, "target default", doctor.Broken, "without Bearer"},
		"a stop": {func(t *testing.T, w *world) []string {
			if r := w.enrich(w.file("leads.csv", leads(1)), "--ledger", w.path("l.db")); r.code != exitOK {
				t.Fatal(r)
			}
			w.run("stop", "--all", "--ledger", w.path("l.db"))
			return []string{"--ledger", w.path("l.db")}
		}, "gateway", doctor.Broken, "all sending is stopped"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := reachableWorld(t)
			code, found := w.examined(t, tt.prepare(t, w)...)
			f := found[tt.check]
			if f.State != tt.state || !strings.Contains(f.Says+" "+f.Do, tt.says) {
				t.Errorf("found %+v, want %s with %q; all: %v", f, tt.state, tt.says, found)
			}
			if tt.state == doctor.Broken && code != exitOther {
				t.Errorf("exit %d, want %d", code, exitOther)
			}
		})
	}
}

// Without a public URL nothing comes back from the real Clay. An emulated one on this machine calls it here.
func TestDoctorMissesThePublicURL(t *testing.T) {
	for host, want := range map[string]doctor.State{"api.clay.com": doctor.Warning, "127.0.0.1": doctor.Skipped} {
		hook := config.Webhook{URL: config.NewSecret("https://"+host+"/v3/sources/webhook/x", "env:X")}
		tables := map[string]config.Table{"people": {AwaitsResult: true, Webhooks: []config.Webhook{hook}}}
		e := &examination{config: config.Config{Workspaces: map[string]config.Workspace{"main": {Tables: tables}}}}
		e.publicURL(t.Context(), false, false)
		if len(e.findings) != 1 || e.findings[0].State != want {
			t.Errorf("%s: found %v, want %s", host, e.findings, want)
		}
	}
}

func refuses(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"message":"no ` + keyCanary + `"}`))
	})
}

func TestDoctorOfTargets(t *testing.T) {
	tests := map[string]struct {
		target client.Target
		want   []doctor.State
	}{
		"well":                  {client.Target{Configured: true, Webhooks: []client.Webhook{{Used: 5, Limit: 50_000}}}, []doctor.State{doctor.OK, doctor.OK}},
		"one of two used up":    {client.Target{Configured: true, Webhooks: []client.Webhook{{Used: 50_000, Limit: 50_000}, {Limit: 50_000}}}, []doctor.State{doctor.OK, doctor.OK, doctor.OK}},
		"none left":             {client.Target{Configured: true, Webhooks: []client.Webhook{{Used: 50_000, Limit: 50_000}}}, []doctor.State{doctor.OK, doctor.Broken}},
		"no limit":              {client.Target{Configured: true, Webhooks: []client.Webhook{{Used: 70_000}}}, []doctor.State{doctor.OK, doctor.OK}},
		"gone":                  {client.Target{}, []doctor.State{doctor.Warning}},
		"paused":                {client.Target{Configured: true, Paused: &client.Pause{Status: 404}}, []doctor.State{doctor.Broken}},
		"failing":               {client.Target{Configured: true, Breaker: &client.Breaker{}}, []doctor.State{doctor.Warning}},
		"dead records":          {client.Target{Configured: true, Counts: map[client.State]int{client.Dead: 3}}, []doctor.State{doctor.OK, doctor.Warning}},
		"some never came back":  {client.Target{Configured: true, Kind: "table", Counts: map[client.State]int{client.Expired: 3, client.Done: 9}}, []doctor.State{doctor.OK, doctor.Warning}},
		"none ever came back":   {client.Target{Configured: true, Kind: "table", Counts: map[client.State]int{client.Expired: 3}}, []doctor.State{doctor.OK, doctor.Broken}},
		"a routine has no cell": {client.Target{Configured: true, Kind: "routine", Counts: map[client.State]int{client.Expired: 3}}, []doctor.State{doctor.OK}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []doctor.State
			for _, f := range targetFindings(tt.target) {
				got = append(got, f.State)
				if f.State != doctor.OK && f.Do == "" {
					t.Errorf("%+v: whoever reads it does not know what to do", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
