package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/claygate/claygate/clay/claytest"
)

// A search that finds nothing would pass everywhere.
func TestCanariesAreFound(t *testing.T) {
	t.Parallel()
	env := []string{"HOOK=https://api.clay.com/v3/sources/webhook/pull-in-data-1234", "TOKEN=the-token-itself", "DSN=postgres://me:the-password@host/database"}
	for said, want := range map[string]bool{
		"a row of ada@leads.example": true, "POST /v3/sources/webhook/pull-in-data-1234 failed": true, "x-clay-webhook-auth: the-token-itself": true,
		"connect to me:the-password@host": true, "webhook 1 of people at api.clay.com, host/database": false,
	} {
		if got := betrayed(said, secretsIn(env)...); (got != "") != want {
			t.Errorf("%q: found %q", said, got)
		}
	}
}

// planted is a gateway that knows a secret of every kind, and whose every part has reason to complain.
type planted struct {
	*gateway
	secrets []string
}

func newPlanted(t *testing.T) *planted {
	t.Helper()
	p := &planted{gateway: newGateway(t, 200, "3s")}
	p.env = []string{
		"HOME=" + p.dir, "WEBHOOK=" + p.clay.WebhookURL("people"), "GUARDED=" + p.clay.WebhookURL("guarded"), "TOKEN=canary-webhook-token", "CALLBACK=canary-callback-secret",
		"PUBLIC=canary-public-api-key", "ENTERPRISE=canary-enterprise-key", "COMPLETION=whsec_Y2FuYXJ5LWNvbXBsZXRpb24=", "SIGNING=" + signing,
		"HOOKS=whsec_Y2FuYXJ5LW9mLWNhbGxiYWNrLXVybHMtMTIzNDU2", "FORMER=whsec_Y2FuYXJ5LW9mLWEtZm9ybWVyLXNlY3JldC0xMjM0NTY3", "CRM=Bearer canary-crm-token",
		"USER_URL=" + p.user.URL + "/canary-destination-path", "CRM_URL=http://127.0.0.1:1/canary-crm-path?key=canary-crm-query",
		"ALERTS=http://127.0.0.1:1/services/canary-alerts-url", "DSN=postgres://canary:canary-database-password@127.0.0.1:1/warehouse",
	}
	p.secrets = append(secretsIn(p.env), "canary-crm-query", "canary-callback-url")
	text := fmt.Sprintf(`listen: %s
callback_listen: %s
public_url: http://%s
ledger: %s
allow_insecure: true
callback_urls: {secret: env:HOOKS, allow_private: true}
alerts: {url: env:ALERTS, allow_private: true}
destinations:
  user: {webhook: {url: env:USER_URL, secret: env:SIGNING, former_secret: env:FORMER}, failures: true, allow_private: true}
  crm: {http: {url: env:CRM_URL, headers: {Authorization: env:CRM}}, allow_private: true}
  lake: {postgres: {dsn: env:DSN, table: people, columns: {email: fields.email}}, allow_private: true}
workspaces:
  main:
    base_url: %s
    public_api_key: env:PUBLIC
    enterprise_api_key: env:ENTERPRISE
    completion_webhook: {id: wh_1, secret: env:COMPLETION}
    pace: {per_second: 200, burst: 200}
    tables:
      guarded: {webhooks: [{url: env:GUARDED, token: env:TOKEN}], callback_secret: env:CALLBACK}
      default: {webhooks: [{url: env:WEBHOOK, token: env:TOKEN}], dedupe_by: email, result_timeout: 3s, destinations: [user, crm, lake]}
    routines:
      score: {routine: "function:t_1", result_timeout: 2s}
    lookups:
      person: {kind: person}
`, p.api, p.callback, p.callback, p.ledger(), p.clay.URL())
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// serve starts the gateway and waits until it is ready.
func (p *planted) serve() *child {
	p.t.Helper()
	c := start(p.t, p.env, "serve", "--config", p.config, "--log-level", "debug")
	for began := time.Now(); p.asked("/readyz") != http.StatusOK; pause(p.t.Context(), 10*time.Millisecond) {
		if !c.alive() || time.Since(began) > 30*time.Second {
			p.t.Fatalf("it is not ready; it says:\n%s", c.err)
		}
	}
	return c
}

// mayShow is the header of requests whose answer is somebody's data: only secrets are looked for.
const mayShow = "Accept: application/json"

// ask sends a request and returns what came, in which nothing may be given away.
func (p *planted) ask(base, method, path, body string, header ...string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	shown := string(text)
	if slices.Contains(header, mayShow) {
		shown = strings.ReplaceAll(shown, canary, "")
	}
	if found := betrayed(shown, p.secrets...); found != "" {
		p.t.Errorf("I6: in the answer to %s %s, %s", method, path, found)
	}
	return string(text)
}

// run runs a command and searches all that it says.
func (p *planted) run(args ...string) string {
	p.t.Helper()
	c := start(p.t, p.env, args...)
	c.wait()
	for _, said := range []string{c.out.String(), c.err.String()} {
		if found := betrayed(said, p.secrets...); found != "" {
			p.t.Errorf("I6: in what claygate %s says, %s", strings.Join(args, " "), found)
		}
	}
	return c.out.String()
}

// No secret and nobody's address gets out: not by the log at its most talkative, not by answers, pages and documents, not by
// commands, whatever goes wrong.
func TestNothingIsGivenAway(t *testing.T) {
	t.Parallel()
	p := newPlanted(t)
	server := p.serve()
	const records = "/v1/targets/default/records"
	const hook = `"callback_url":"http://127.0.0.1:1/canary-callback-url"`
	if got := p.ask(p.api, "POST", records+"?wait=5s", `{"fields":{"email":"ada@leads.example","linkedin_url":"https://www.linkedin.com/in/x"},`+hook+`}`,
		mayShow); !strings.Contains(got, `"state":"done"`) {
		t.Errorf("a record that is in order came to %s", got)
	}
	for _, fault := range []claytest.Fault{
		{Kind: claytest.Answer, Status: []int{400}}, {Kind: claytest.Answer, Status: []int{503}}, {Kind: claytest.DropBefore}, {Kind: claytest.DropAfter},
		{Kind: claytest.Reset, Bytes: 30}, {Kind: claytest.Answer, Status: []int{401}},
	} {
		fault.Rate = 1
		p.must(p.clay.SetFaults(fault))
		name := fmt.Sprint(fault.Kind, fault.Status)
		p.ask(p.api, "POST", records, `{"fields":{"email":"`+name+`@leads.example"},`+hook+`}`)
		p.ask(p.api, "POST", "/v1/targets/score/records", `{"fields":{"email":"`+name+`@leads.example"}}`)
		p.ask(p.api, "POST", "/v1/targets/person/records", `{"fields":{"email":"`+name+`@leads.example"}}`)
		pause(t.Context(), 150*time.Millisecond)
	}
	p.must(p.clay.SetFaults())
	p.mistakes()
	p.surfaces()
	p.commands()
	p.must(server.cmd.Process.Signal(os.Interrupt))
	server.mustEnd(0)
	if !strings.Contains(server.err.String(), "level=DEBUG") && !strings.Contains(server.err.String(), `"level":"DEBUG"`) {
		t.Error("it did not log at debug, so this searched too little")
	}
}

// mistakes are what callers get wrong, with people's data in it.
func (p *planted) mistakes() {
	p.t.Helper()
	const records = "/v1/targets/default/records"
	for _, body := range []string{
		`{"fields":{"email":"ada@leads.example"`, `{"fields":"ada@leads.example"}`, `["ada@leads.example"]`, `{"fields":{},"metadata":"ada@leads.example"}`,
		`{"fields":{"claygate_id":"ada@leads.example"}}`, `{"fields":{},"send_by":"ada@leads.example"}`, `{"fields":{},"callback_url":"http://10.0.0.1/canary-callback-url"}`,
		`{"fields":{},"priority":"ada@leads.example"}`, `{"fields":{"email":"` + strings.Repeat("ada@leads.example ", 8000) + `"}}`,
	} {
		p.ask(p.api, "POST", records, body)
	}
	p.ask(p.api, "POST", records, `{"fields":{"email":"once@leads.example"}}`, "Idempotency-Key: 4711")
	p.ask(p.api, "POST", records, `{"fields":{"email":"twice@leads.example"}}`, "Idempotency-Key: 4711")
	p.ask(p.api, "POST", records, `{"fields":{"email":"ada@leads.example"}}`+"\n"+`{"fields":"ada@leads.example"}`, "Content-Type: application/x-ndjson")
	p.ask(p.api, "POST", "/v1/erase", `{"target":"default","fields":{"mail":"ada@leads.example"},"search":false}`)
	p.ask(p.callback, "POST", "/callbacks/guarded", `{"email":"ada@leads.example","claygate_id":"rec_0.1.forged"}`, "X-Claygate-Secret: canary-callback-secret")
	p.ask(p.callback, "POST", "/callbacks/guarded", `{"email":"ada@leads.example"}`, "X-Claygate-Secret: wrong")
	p.ask(p.callback, "POST", "/callbacks/guarded", `{"email":"ada@leads.example`, "X-Claygate-Secret: canary-callback-secret")
	p.ask(p.callback, "POST", "/completions/main", `{"email":"ada@leads.example"}`, "X-Clay-Signature: sha256=00")
}

// surfaces are what a gateway shows without naming a record.
func (p *planted) surfaces() {
	p.t.Helper()
	key := p.ask(p.api, "POST", "/v1/keys", `{"name":"all","scopes":["admin"]}`)
	var made struct{ Key string }
	p.must(json.Unmarshal([]byte(key), &made))
	p.secrets = append(p.secrets, cmp.Or(made.Key, "no key was made"))
	bearer := "Authorization: Bearer " + made.Key
	for _, path := range []string{
		"/v1/targets", "/v1/destinations", "/v1/keys", "/v1/audit", "/v1/runs", "/v1/usage", "/metrics", "/openapi.json", "/docs", "/", "/healthz", "/readyz", "/v1/nowhere",
	} {
		p.ask(p.api, "GET", path, "", bearer)
	}
	p.ask(p.api, "GET", "/v1/targets", "", "Authorization: Bearer cg_wrong")
	p.ask(p.api, "POST", "/v1/reload", "", bearer)
}

// commands are what whoever runs it looks at.
func (p *planted) commands() {
	p.t.Helper()
	for _, args := range [][]string{
		{"doctor", "--config", p.config}, {"doctor", "--config", p.config, "--json"}, {"config", "check", p.config},
		{"targets", "list", "--json", "--ledger", p.ledger()}, {"destinations", "list", "--ledger", p.ledger()}, {"keys", "list", "--ledger", p.ledger()},
		{"audit", "--ledger", p.ledger()}, {"records", "list", "--state", "dead,expired,uncertain,queued", "--ledger", p.ledger()},
		{"usage", "--ledger", p.ledger()}, {"webhooks", "--ledger", p.ledger()},
	} {
		p.run(args...)
	}
	if said := p.run("doctor", "--config", filepath.Join(p.dir, "missing.yaml")); said == "" {
		p.t.Error("doctor says nothing of a configuration that is not there")
	}
}
