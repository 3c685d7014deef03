package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDefaults(t *testing.T) {
	got := mustLoad(t, world{yaml: table("")}.source())
	want := Config{
		Listen: "127.0.0.1:8787", CallbackListen: "127.0.0.1:8788",
		Retention: Retention{Bodies: 30 * day, Metadata: 90 * day, Audit: 365 * day},
		Log:       Log{Level: Info, Format: Auto}, CallbackURLs: CallbackURLs{Timeout: 15 * time.Second},
		Alerts:   Alerts{DeadLetters: 10, Callbacks: 10, OldestWaiting: time.Hour},
		TimeZone: "UTC",
		Workspaces: map[string]Workspace{"main": {
			Budget:  Budget{OnExhausted: HoldBack},
			BaseURL: "https://api.clay.com", Pace: Pace{PerSecond: 10, Burst: 10}, APIPace: APIPace{PerSecond: 5, Burst: 5},
			Tables: map[string]Table{"people": {
				Webhooks:     []Webhook{{URL: NewSecret(webhookURL, "env:CLAY_WEBHOOK_URL"), Limit: 50_000}},
				Budget:       Budget{OnExhausted: HoldBack},
				AwaitsResult: true, MaxAge: 30 * day, EmptyMaxAge: day, OnConflict: Join, ResultTimeout: 30 * time.Minute,
				OnUncertain: Wait, OnUpdate: Fill, IDField: "claygate_id",
			}},
		}},
	}
	got.warnings = nil
	if diff := cmp.Diff(want, got, opaque); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDependentDefaults: what is not said follows what is, so that one key can be changed alone.
func TestDependentDefaults(t *testing.T) {
	c := mustLoad(t, world{yaml: within("retention: {bodies: 12h}", "")}.source())
	people := c.Workspaces["main"].Tables["people"]
	if people.MaxAge != 12*time.Hour || people.EmptyMaxAge != 12*time.Hour {
		t.Errorf("with bodies kept for 12h, max_age is %s and empty_max_age %s", people.MaxAge, people.EmptyMaxAge)
	}
	c = mustLoad(t, world{yaml: within("retention: {bodies: 100d}", "max_age: 0")}.source())
	people = c.Workspaces["main"].Tables["people"]
	if people.MaxAge != 0 || people.EmptyMaxAge != 0 || c.Retention.Metadata != 100*day {
		t.Errorf("max_age %s, empty_max_age %s, metadata %s", people.MaxAge, people.EmptyMaxAge, c.Retention.Metadata)
	}
	c = mustLoad(t, world{yaml: table("awaits_result: false")}.source())
	if got := c.Workspaces["main"].Tables["people"].OnUncertain; got != Resend {
		t.Errorf("on_uncertain is %s where no result is awaited", got)
	}
}

func TestValues(t *testing.T) {
	c := mustLoad(t, world{
		yaml: "\ufeff# from Windows\r\n" + within("public_url: https://hooks.example.com/clay/\nledger: data/l.db\n"+
			"callback_listen: '[::1]:0'\nlisten: localhost:0", "dedupe_by: [first name, domain]\nresult_timeout: 1d12h30m\n"+
			"version: \"2\"\ncomplete_when: |\n  a == 1\n  and b\ncallback_secret: file:hush"),
		files: map[string]*mapFile{"hush": {Data: []byte(" s3cret \n"), Mode: 0o600}},
	}.source())
	people := c.Workspaces["main"].Tables["people"]
	got := []any{c.PublicURL, c.Ledger, people.DedupeBy, people.ResultTimeout, people.Version, people.CallbackSecret.Reveal()}
	want := []any{"https://hooks.example.com/clay", "data/l.db", Fields{"first name", "domain"}, 36*time.Hour + 30*time.Minute, "2", "s3cret"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPaths: what the file names lies beside the file, wherever claygate is started.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("url", webhookURL+"\n", 0o644)
	write("claygate.yaml", "ledger: l.db\npublic_url: https://h.example.com\nworkspaces: {main: {tables: {people: {webhooks: [{url: file:url}]}}}}\n", 0o600)
	none := func(string) string { return "" }
	c := mustLoad(t, Source{Path: filepath.Join(dir, "claygate.yaml"), Getenv: none})
	if want := filepath.Join(dir, "l.db"); c.Ledger != want {
		t.Errorf("the ledger is %s, not %s", c.Ledger, want)
	}
	if got := c.Targets()[0].Table.Webhooks[0].URL.Reveal(); got != webhookURL {
		t.Errorf("the URL is %q", got)
	}
	if w := c.Warnings(); runtime.GOOS != "windows" && (len(w) != 1 || !strings.Contains(w[0].Error(), "can be read by every user")) {
		t.Errorf("warnings: %v", w)
	}
	c = mustLoad(t, Source{Path: filepath.Join(dir, "claygate.yaml"), Getenv: none, Flags: Overrides{Ledger: "here.db"}})
	if c.Ledger != "here.db" {
		t.Errorf("a flag's ledger became %s", c.Ledger)
	}
}

func TestUnreadableFile(t *testing.T) {
	unreadable := func(err error) Source {
		return Source{Path: "c.yaml", Getenv: func(string) string { return "" }, ReadFile: func(string) ([]byte, error) { return nil, err }}
	}
	tests := map[string]struct {
		source Source
		want   string
	}{
		"absent":     {Source{Path: filepath.Join(t.TempDir(), "none.yaml")}, "none.yaml: cannot be read: there is none; `claygate config example` prints one to start from"},
		"a folder":   {Source{Path: t.TempDir()}, "cannot be read: is a directory"},
		"forbidden":  {unreadable(fs.ErrPermission), "c.yaml: cannot be read: no permission"},
		"odd name":   {Source{Path: "a\n\x1b[31m.yaml"}, "a\uFFFD\uFFFD[31m.yaml: cannot be read"},
		"some error": {unreadable(errors.New("the disk said " + webhookURL)), "c.yaml: cannot be read: reading it failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(tt.source); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("said %v, not %q", err, tt.want)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	file := within("listen: 127.0.0.1:1\npublic_url: https://file.example.com\nlog: {level: warn}", "")
	env := map[string]string{"CLAYGATE_LISTEN": "127.0.0.1:2", "CLAYGATE_LOG_LEVEL": "error", "CLAYGATE_LOG_FORMAT": "json"}
	flags := Overrides{Listen: "127.0.0.1:3", LogFormat: "text"}
	tests := map[string]struct {
		world world
		want  []string
	}{
		"file alone":     {world{yaml: file}, []string{"127.0.0.1:1", "https://file.example.com", "warn", "auto"}},
		"environment":    {world{yaml: file, env: env}, []string{"127.0.0.1:2", "https://file.example.com", "error", "json"}},
		"flags":          {world{yaml: file, flags: flags}, []string{"127.0.0.1:3", "https://file.example.com", "warn", "text"}},
		"all":            {world{yaml: file, env: env, flags: flags}, []string{"127.0.0.1:3", "https://file.example.com", "error", "text"}},
		"over a default": {world{yaml: table(""), env: env}, []string{"127.0.0.1:2", "", "error", "json"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, tt.world.source())
			if diff := cmp.Diff(tt.want, []string{c.Listen, c.PublicURL, string(c.Log.Level), string(c.Log.Format)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryOverride sets each override by itself, from both sides.
func TestEveryOverride(t *testing.T) {
	values := map[string]string{"LISTEN": "127.0.0.1:5", "CALLBACK_LISTEN": "127.0.0.1:6", "PUBLIC_URL": "https://o.example.com", "LEDGER": "/o.db", "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
	env := map[string]string{}
	for name, value := range values {
		env["CLAYGATE_"+name] = value
	}
	flags := Overrides{"127.0.0.1:5", "127.0.0.1:6", "https://o.example.com", "/o.db", "debug", "json"}
	for name, w := range map[string]world{"environment": {yaml: table(""), env: env}, "flags": {yaml: table(""), flags: flags}} {
		c := mustLoad(t, w.source())
		got := Overrides{c.Listen, c.CallbackListen, c.PublicURL, c.Ledger, string(c.Log.Level), string(c.Log.Format)}
		if diff := cmp.Diff(flags, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOverrideMistakes(t *testing.T) {
	tests := map[string]struct {
		world world
		want  string
	}{
		"a variable":           {world{env: map[string]string{"CLAYGATE_LOG_LEVEL": "inof"}}, `CLAYGATE_LOG_LEVEL: "inof" is not one of its values; did you mean info? It takes debug, info, warn, error`},
		"a flag":               {world{flags: Overrides{Listen: "8787"}}, `--listen: "8787" is not host:port; write it like 127.0.0.1:8787`},
		"together":             {world{flags: Overrides{Listen: "127.0.0.1:8788"}}, `callback_listen: is the same address as listen; give it another port: this one is meant to be exposed, the other is not`},
		"an @ in the password": {world{env: map[string]string{"CLAYGATE_LEDGER": "postgres://u:ge@heim@127.0.0.1/d"}}, `CLAYGATE_LEDGER: the DSN in CLAYGATE_LEDGER has an @ within its user or password; write it as %40 there: what follows it would be taken, and shown, as the host`},
		"PostgreSQL":           {world{env: map[string]string{"CLAYGATE_LEDGER": "postgres://u:geheim@h/d"}}, `CLAYGATE_LEDGER: the DSN in CLAYGATE_LEDGER may go unencrypted; add ?sslmode=verify-full, or sslmode=require, or set allow_insecure: true on a private network`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.world.yaml = table("")
			_, err := Load(tt.world.source())
			if err == nil || strings.TrimPrefix(err.Error(), "claygate.yaml:2: ") != tt.want {
				t.Errorf("said %v, not %s", err, tt.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	c := mustLoad(t, world{
		yaml: "listen: :8787\nworkspaces:\n  main:\n    pace: {per_second: 20, burst: 40}\n    tables:\n" +
			"      people: {webhooks: [{url: file:url, limit: 60000}]}\n      more: {webhooks: [{url: file:url, limit: 60000}]}\n",
		files: map[string]*mapFile{"url": {Data: []byte(webhookURL), Mode: 0o600}},
	}.source())
	want := `claygate.yaml:1: listen: serves other machines, unencrypted; put a proxy with TLS in front, and make API keys
claygate.yaml:1: public_url: is not set; set it to the https URL under which Clay reaches 127.0.0.1:8788, or results cannot come back
claygate.yaml:4: workspaces.main.pace.per_second: is above 10, Clay's limit for a workspace; keep to it unless Clay has raised yours: what is too fast is dropped and sent again
claygate.yaml:4: workspaces.main.pace.burst: is above 20, Clay's limit for a workspace; keep to it unless Clay has raised yours
claygate.yaml:6: workspaces.main.tables.people.webhooks[0].limit: is above 50000, after which Clay refuses; leave it out, or write 0 for a table that deletes rows by itself
claygate.yaml:6: workspaces.main.tables.people.webhooks[0].url: is the same webhook as workspaces.main.tables.more.webhooks[0].url; both feed one table in Clay and use up one limit; each should have its own
claygate.yaml:7: workspaces.main.tables.more.webhooks[0].limit: is above 50000, after which Clay refuses; leave it out, or write 0 for a table that deletes rows by itself`
	if diff := cmp.Diff(want, c.Warnings().Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	quiet := mustLoad(t, world{yaml: within("public_url: https://h.example.com", "")}.source())
	if w := quiet.Warnings(); len(w) != 0 {
		t.Errorf("a plain configuration warns: %v", w)
	}
}

// TestInsecure: http leads to this machine, or where it is asked for, but never to Clay.
func TestInsecure(t *testing.T) {
	file := func(top string) string {
		return top + "\nworkspaces: {main: {tables: {people: {webhooks: [{url: env:U}]}}}}\n"
	}
	tests := map[string]struct {
		top, url string
		good     bool
	}{
		"this machine":      {"", "http://127.0.0.1:9/w", true},
		"another":           {"", "http://10.0.0.7:9/w", false},
		"another, allowed":  {"allow_insecure: true", "http://10.0.0.7:9/w", true},
		"Clay, allowed":     {"allow_insecure: true", "http://api.clay.com/w", false},
		"Clay's page":       {"", "https://app.clay.com/workspaces/1", false},
		"no path":           {"", "https://api.clay.com/", false},
		"with a password":   {"", "https://u:p@api.clay.com/w", false},
		"another scheme":    {"", "ftp://api.clay.com/w", false},
		"no host":           {"", "https:///w", false},
		"opaque":            {"", "https:api.clay.com/w", false},
		"with a line break": {"", "https://api.clay.com/w\nx", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(world{yaml: file(tt.top), env: map[string]string{"U": tt.url}}.source())
			if (err == nil) != tt.good {
				t.Errorf("%s: %v", tt.url, err)
			}
		})
	}
}

// A database's password is nowhere but in the secret.
func TestLedgerInADatabase(t *testing.T) {
	const dsn = "postgres://u:geheim@db.example.com:5433/clay?sslmode=verify-full&application_name=geheim"
	const yaml = "workspaces: {main: {tables: {people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}}}"
	for name, w := range map[string]world{
		"a variable":  {yaml: yaml, env: map[string]string{"CLAYGATE_LEDGER": dsn}},
		"a reference": {yaml: "ledger: env:LEDGER\n" + yaml, env: map[string]string{"LEDGER": dsn}},
		"a file":      {yaml: "ledger: file:dsn\n" + yaml, files: map[string]*mapFile{"dsn": {Data: []byte(dsn + "\n"), Mode: 0o600}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, w.source())
			if c.Ledger != "postgres://db.example.com:5433/clay" || c.Database.Reveal() != dsn {
				t.Errorf("the ledger is %q, the DSN %q", c.Ledger, c.Database.Reveal())
			}
			if shown := fmt.Sprintf("%+v", c); strings.Contains(shown, "geheim") {
				t.Errorf("it is shown: %s", shown)
			}
		})
	}
}
