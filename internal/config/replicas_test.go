package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// documents reads the YAML documents of a file of the examples.
func documents(t *testing.T, name string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile("../../examples/replicas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var d map[string]any
		switch err := dec.Decode(&d); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, d)
	}
}

// inside returns what stands at a path within documents.
func inside(t *testing.T, d map[string]any, path ...string) any {
	t.Helper()
	var at any = d
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok || m[key] == nil {
			t.Fatalf("there is no %s in %v", strings.Join(path, "."), d)
		}
		at = m[key]
	}
	return at
}

// The examples of several replicas say the same as claygate understands: their configurations load with the variables that
// they set, and they ask at paths that there are.
func TestReplicasExamples(t *testing.T) {
	compose := documents(t, "compose.yaml")[0]
	env := map[string]string{"CLAY_WEBHOOK_URL": webhookURL, "CLAY_WEBHOOK_TOKEN": "tok-1"}
	for name := range inside(t, compose, "services", "claygate", "environment").(map[string]any) {
		if _, known := env[name]; !known {
			env[name] = strings.Replace(inside(t, compose, "services", "claygate", "environment", name).(string), "${POSTGRES_PASSWORD:?}", "hush", 1)
		}
	}
	alone := inside(t, compose, "configs", "claygate", "content").(string)
	if c := mustLoad(t, world{yaml: alone, env: env}.source()); c.Ledger != "postgres://db/claygate" {
		t.Errorf("compose's ledger is %s", c.Ledger)
	}

	text, err := os.ReadFile("../../examples/replicas/claygate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	env["LEDGER_DSN"] = "postgres://claygate:hush@db.example.com/claygate?sslmode=verify-full"
	c := mustLoad(t, world{yaml: string(text), env: env}.source())
	kubernetes := documents(t, "kubernetes.yaml")
	pod := inside(t, kubernetes[0], "spec", "template", "spec").(map[string]any)
	container := pod["containers"].([]any)[0].(map[string]any)
	if grace := pod["terminationGracePeriodSeconds"].(int); grace < 5+35 {
		t.Errorf("a replica is killed after %d s, and needs up to 35 after those of preStop", grace)
	}
	for probe, path := range map[string]string{"readinessProbe": "/readyz", "livenessProbe": "/healthz", "startupProbe": "/healthz"} {
		if got := inside(t, container, probe, "httpGet", "path"); got != path {
			t.Errorf("%s asks for %v", probe, got)
		}
	}
	for i, listen := range []string{c.Listen, c.CallbackListen} {
		port := container["ports"].([]any)[i].(map[string]any)["containerPort"].(int)
		if !strings.HasSuffix(listen, ":"+strconv.Itoa(port)) {
			t.Errorf("port %d is not that of %s", port, listen)
		}
	}
}
