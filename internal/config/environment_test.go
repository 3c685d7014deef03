package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fileless(env map[string]string) Source {
	return Source{Getenv: func(name string) string { return env[name] }}
}

func TestWithoutFile(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want []string // the targets, then the workspace's key
	}{
		"a table":           {map[string]string{"CLAY_WEBHOOK_URL": webhookURL}, []string{"main/default", ""}},
		"both, old key":     {map[string]string{"CLAY_WEBHOOK_URL": webhookURL, "CLAY_API_KEY": "old"}, []string{"main/company", "main/default", "main/person", "old"}},
		"lookups, both set": {map[string]string{"CLAY_API_KEY": "old", "CLAY_ENTERPRISE_API_KEY": "new"}, []string{"main/company", "main/person", "new"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, fileless(tt.env))
			var got []string
			for _, target := range c.Targets() {
				got = append(got, target.Address())
			}
			if diff := cmp.Diff(tt.want, append(got, c.Workspaces["main"].EnterpriseAPIKey.Reveal())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestPassThroughAlone: a key of the Public API is enough for a gateway that only passes calls through.
func TestPassThroughAlone(t *testing.T) {
	env := map[string]string{"CLAY_API_KEY": "old", "CLAY_PUBLIC_API_KEY": "new", "CLAY_API_URL": "http://127.0.0.1:8789/"}
	serving := fileless(env)
	serving.Passes = true
	w := mustLoad(t, serving).Workspaces["main"]
	if w.PublicAPIKey.Reveal() != "new" || w.BaseURL != "http://127.0.0.1:8789" {
		t.Errorf("the key %s, at %s", w.PublicAPIKey.Reveal(), w.BaseURL)
	}
	serving = fileless(map[string]string{"CLAY_API_KEY": "old", "CLAY_API_URL": "geheim"})
	serving.Passes = true
	if _, err := Load(serving); err == nil || !strings.HasPrefix(err.Error(), "CLAY_API_URL: ") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a bad CLAY_API_URL: %v", err)
	}
	c := mustLoad(t, world{yaml: "workspaces: {main: {public_api_key: env:CLAY_PUBLIC_API_KEY}}", env: env}.source())
	if n := len(c.Targets()); n != 0 {
		t.Errorf("%d targets", n)
	}
}

// TestWithoutFileIsTheSame: the variables alone make what the file would.
func TestWithoutFileIsTheSame(t *testing.T) {
	env := map[string]string{"CLAY_WEBHOOK_URL": webhookURL, "CLAY_WEBHOOK_TOKEN": "tok", "CLAYGATE_CALLBACK_SECRET": "hush"}
	file := "workspaces: {main: {tables: {default: {webhooks: [{url: env:CLAY_WEBHOOK_URL, token: env:CLAY_WEBHOOK_TOKEN}], callback_secret: env:CLAYGATE_CALLBACK_SECRET}}}}"
	a, b := mustLoad(t, fileless(env)), mustLoad(t, world{yaml: file, env: env}.source())
	a.warnings, b.warnings = nil, nil
	if diff := cmp.Diff(b, a, opaque); diff != "" {
		t.Errorf("(-with a file +without):\n%s", diff)
	}
}

func TestWithoutFileMistakes(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"nothing set":   {nil, "there is nothing to send to: CLAY_WEBHOOK_URL is not set, and no file was named; "},
		"no URL":        {map[string]string{"CLAY_WEBHOOK_URL": "geheim"}, "CLAY_WEBHOOK_URL: the URL in env:CLAY_WEBHOOK_URL does not begin with https://"},
		"a broken key":  {map[string]string{"CLAY_API_KEY": "ge heim"}, "CLAY_API_KEY: env:CLAY_API_KEY holds white space"},
		"no webhook":    {map[string]string{"CLAY_WEBHOOK_URL": "https://api.clay.com/v1/people/enrich"}, "CLAY_WEBHOOK_URL: the URL in env:CLAY_WEBHOOK_URL is a call of Clay's API, which takes no rows"},
		"Bearer":        {map[string]string{"CLAY_API_KEY": "Bearer geheim"}, "CLAY_API_KEY: env:CLAY_API_KEY holds white space, a control character or no UTF-8; leave out the word Bearer"},
		"a bad address": {map[string]string{"CLAY_WEBHOOK_URL": webhookURL, "CLAYGATE_LISTEN": "x"}, `CLAYGATE_LISTEN: "x" is not host:port`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Load(fileless(tt.env))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n") {
				t.Errorf("said %v, not %s", err, tt.want)
			}
		})
	}
}

// TestEmulated: nothing that is secret is read, so nothing of it must exist, and nothing of it can be used.
func TestEmulated(t *testing.T) {
	forbidden := func(name string) string {
		if strings.HasPrefix(name, "CLAYGATE_") && name != "CLAYGATE_CALLBACK_SECRET" {
			return ""
		}
		t.Errorf("%s was read", name)
		return webhookURL
	}
	c := mustLoad(t, Source{Emulate: true, Getenv: forbidden})
	if got := len(c.Targets()); got != 3 {
		t.Errorf("there are %d targets, not the table and both lookups", got)
	}
	s := world{yaml: Example()}.source()
	s.Emulate, s.Getenv = true, forbidden
	c = mustLoad(t, s)
	people, _ := c.Find("people")
	if hook := people.Table.Webhooks[0]; !hook.URL.IsSet() || hook.URL.Reveal() != "" {
		t.Errorf("the webhook's URL is %q", hook.URL.Reveal())
	}
}
