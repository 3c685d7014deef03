package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestSecretsAreNotPrinted prints and encodes a configuration in every way that comes to mind.
func TestSecretsAreNotPrinted(t *testing.T) {
	c := mustLoad(t, world{yaml: Example(), files: exampleFiles}.source())
	secret := c.Workspaces["main"].Tables["people"].Webhooks[0].URL
	if secret.Reveal() != webhookURL {
		t.Fatalf("the secret is %q", secret.Reveal())
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", c.Workspaces)
		fmt.Fprintf(&out, verb+"\n", &c)
		fmt.Fprintf(&out, verb+"\n", secret)
		fmt.Fprintf(&out, verb+"\n", c.Targets())
		fmt.Fprintf(&out, verb+"\n", fmt.Errorf("wrapped: %w", c.Warnings()))
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("config", "config", c, "pointer", &c, "workspaces", c.Workspaces, "secret", secret, "targets", c.Targets())
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := encode(c)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	for _, s := range []string{webhookURL, otherURL, "tok-1", "key-1", "hush-1", "hush-2", fmt.Sprintf("%x", "tok-1"), fmt.Sprintf("%v", []byte("tok-1"))} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%s was printed:\n%s", s, out.String())
		}
	}
	if !strings.Contains(out.String(), "[env:CLAY_WEBHOOK_URL]") {
		t.Error("where a secret comes from is not printed either")
	}
}

// TestHeaderSecrets: the value of a header is a secret with a space in it, as every "Bearer …" is. A line break never is.
func TestHeaderSecrets(t *testing.T) {
	const file = `
workspaces: {main: {tables: {people: {webhooks: [{url: env:CLAY_WEBHOOK_URL}]}}}}
destinations: {crm: {http: {url: "https://crm.example.com/", headers: {Authorization: env:TOKEN}}}}`
	env := map[string]string{"CLAY_WEBHOOK_URL": webhookURL, "TOKEN": "Bearer crm-1"}
	c := mustLoad(t, world{yaml: file, env: env}.source())
	if got := c.Destinations["crm"].HTTP.Headers["Authorization"].Reveal(); got != "Bearer crm-1" {
		t.Errorf("the header is %q", got)
	}
	env["TOKEN"] = "Bearer crm-1\nX-Other: 1"
	if _, err := Load(world{yaml: file, env: env}.source()); err == nil || !strings.Contains(err.Error(), "holds white space") {
		t.Errorf("a header of two lines: %v", err)
	}
}

func TestSecretUnset(t *testing.T) {
	if s := (Secret{}); s.IsSet() || s.Reveal() != "" || s.String() != "unset" {
		t.Errorf("the zero secret is %s", s)
	}
}
