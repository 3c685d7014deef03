package config

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

type mapFile = fstest.MapFile

// opaque lets secrets and warnings be compared.
var opaque = cmp.AllowUnexported(Config{}, Secret{})

const (
	webhookURL = "https://api.clay.com/v3/sources/webhook/pull-in-data-from-a-webhook-5e1c"
	otherURL   = "https://api.clay.com/v3/sources/webhook/pull-in-data-from-a-webhook-77aa"
)

// variables are what the tests' configurations refer to.
var variables = map[string]string{
	"CLAY_WEBHOOK_URL": webhookURL, "OTHER_URL": otherURL, "CLAY_WEBHOOK_TOKEN": "tok-1", "CLAY_ENTERPRISE_API_KEY": "key-1",
	"CLAYGATE_CALLBACK_SECRET": "hush-1", "CLAY_PUBLIC_API_KEY": "key-2", "CLAY_COMPLETION_SECRET": "whsec_0123456789",
	"CLAYGATE_SIGNING_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5", "CRM_TOKEN": "Bearer crm-1",
	"CLAYGATE_ALERTS_URL": "https://hooks.slack.com/services/hush-2",
	"WAREHOUSE_DSN":       "postgres://claygate:hush-2@db.example.com/sales?sslmode=verify-full", "PLAIN_DSN": "postgresql://claygate:hush-2@db.example.com/sales",
	"LOCAL_DSN":     "postgres://claygate:hush-2@127.0.0.1:5432/sales",
	"FORMER_SECRET": "whsec_OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg3",
}

// world is a source made of texts.
type world struct {
	yaml  string
	env   map[string]string // over variables; "" unsets
	files fstest.MapFS      // beside claygate.yaml
	flags Overrides
}

func (w world) source() Source {
	files := fstest.MapFS{"claygate.yaml": {Data: []byte(w.yaml), Mode: 0o600}}
	for name, file := range w.files {
		files[name] = file
	}
	return Source{
		Path: "claygate.yaml", Flags: w.flags,
		Getenv: func(name string) string {
			if value, ok := w.env[name]; ok {
				return value
			}
			return variables[name]
		},
		ReadFile: func(name string) ([]byte, error) { return fs.ReadFile(files, filepath.ToSlash(name)) },
		ReadDir: func(name string) (all []string, err error) {
			entries, err := fs.ReadDir(files, filepath.ToSlash(name))
			for _, e := range entries {
				all = append(all, e.Name())
			}
			return all, err
		},
		Stat: func(name string) (fs.FileInfo, error) { return fs.Stat(files, filepath.ToSlash(name)) },
	}
}

func mustLoad(t *testing.T, s Source) Config {
	t.Helper()
	c, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// table is the smallest file, with more keys for its table.
func table(more string) string { return within("", more) }

// within is the smallest file, with more keys at its top and for its table.
func within(top, more string) string {
	return top + "\nworkspaces:\n  main:\n    tables:\n      people:\n        webhooks: [{url: env:CLAY_WEBHOOK_URL}]\n" +
		indented(more, "        ")
}

func indented(text, by string) string {
	if text == "" {
		return ""
	}
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}
