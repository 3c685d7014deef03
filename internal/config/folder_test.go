package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// beside is a world with files of workspaces.d.
func beside(main string, files map[string]string) world {
	w := world{yaml: main, files: map[string]*mapFile{}}
	maps.Copy(w.files, secretFiles)
	w.files["workspaces.d/key"] = &mapFile{Data: []byte(otherURL), Mode: 0o600}
	for name, text := range files {
		w.files["workspaces.d/"+name] = &mapFile{Data: []byte(text), Mode: 0o600}
	}
	return w
}

const acme = "tables:\n  people:\n    webhooks: [{url: env:CLAY_WEBHOOK_URL}]\n"

// The defaults lie beneath: maps merge, lists and single values replace, wherever the two stand.
func TestWorkspacesOverDefaults(t *testing.T) {
	main := `
workspaces:
  main:
    tables:
      people: {webhooks: [{url: env:OTHER_URL, limit: 7}], max_age: 2d}
defaults:
  pace: {per_second: 4, burst: 3}
  public_api_key: file:secret-url
  tables:
    people: {dedupe_by: [first, last], max_age: 3d, webhooks: [{url: env:CLAY_WEBHOOK_URL, limit: 9, start: 1}], callback_secret: env:CLAYGATE_SIGNING_SECRET}
  routines:
    mail: {routine: "function:t_1", inputs: {A: a, B: b}}
`
	c := mustLoad(t, beside(main, map[string]string{
		".hidden.yaml": "{", "README": "{", "acme.yaml~": "{",
		"acme.yaml": `
pace: {burst: 5}
public_api_key: file:key
tables:
  people: {dedupe_by: email, webhooks: [{url: env:LATE}]}
  firms: {webhooks: [{url: env:LATER}]}
routines: {mail: {inputs: {B: c}}}
`}).with("LATE", webhookURL+"-1", "LATER", webhookURL+"-2").source())
	people, first := c.Workspaces["acme"].Tables["people"], c.Workspaces["main"].Tables["people"]
	got := []any{
		c.Workspaces["acme"].Pace, c.Workspaces["main"].Pace, people.DedupeBy, first.DedupeBy, people.MaxAge, first.MaxAge,
		people.Webhooks[0].Limit, people.Webhooks[0].Start, first.Webhooks[0].Limit, first.Webhooks[0].Start, people.CallbackSecret.Reveal(),
		c.Workspaces["acme"].Routines["mail"].Inputs, c.Workspaces["main"].Routines["mail"].Inputs,
		c.Workspaces["acme"].PublicAPIKey.Reveal(), c.Workspaces["main"].PublicAPIKey.Reveal(), len(c.Workspaces["acme"].Tables), len(c.Workspaces),
	}
	want := []any{
		Pace{4, 5}, Pace{4, 3}, Fields{"email"}, Fields{"first", "last"}, 72 * time.Hour, 48 * time.Hour,
		50_000, 0, 7, 0, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5", Inputs{"A": "a", "B": "c"}, Inputs{"A": "a", "B": "b"}, otherURL, webhookURL, 2, 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// with sets variables.
func (w world) with(pairs ...string) world {
	w.env = map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		w.env[pairs[i]] = pairs[i+1]
	}
	return w
}

// A mistake is said with the file and line where it stands, once, and with any of them there is no configuration.
func TestWorkspaceFileMistakes(t *testing.T) {
	const main = "defaults: {tables: {people: {max_age: 3d}}}\n"
	tests := map[string]struct {
		main  string
		files map[string]string
		want  []string
	}{
		"an unknown key":   {main, map[string]string{"acme.yaml": acme + "pase: {}\n"}, []string{`workspaces.d/acme.yaml:4: unknown key "pase"; did you mean pace?`}},
		"too deep":         {main, map[string]string{"acme.yaml": "workspaces:\n  acme: {}\n"}, []string{`workspaces.d/acme.yaml:1: unknown key "workspaces"; it belongs into claygate.yaml`, "workspaces.d/acme.yaml: tables.people.webhooks: is missing; write webhooks: [{url: env:CLAY_WEBHOOK_URL}]"}},
		"in another part":  {main, map[string]string{"acme.yaml": acme + "dedupe_by: email\n"}, []string{`workspaces.d/acme.yaml:4: unknown key "dedupe_by"; it belongs into tables.NAME`}},
		"a value":          {main, map[string]string{"acme.yaml": acme + "    max_age: 30\n"}, []string{`workspaces.d/acme.yaml:4: tables.people.max_age: "30" has no unit; write 90s, 30m, 12h or 30d`}},
		"a check":          {main, map[string]string{"acme.yaml": acme + "    priority: 12\n"}, []string{"workspaces.d/acme.yaml:4: tables.people.priority: 12 is more than 9, the most it can be"}},
		"something needed": {main, map[string]string{"acme.yaml": "pace: {burst: 1}\n"}, []string{"workspaces.d/acme.yaml: tables.people.webhooks: is missing; write webhooks: [{url: env:CLAY_WEBHOOK_URL}]"}},
		"a secret":         {main, map[string]string{"acme.yaml": strings.Replace(acme, "env:CLAY_WEBHOOK_URL", "file:none", 1)}, []string{"workspaces.d/acme.yaml:3: tables.people.webhooks[0].url: the file workspaces.d/none cannot be read: there is none; a relative path is seen from the folder of the file that names it"}},
		"empty":            {main, map[string]string{"acme.yaml": "# later\n"}, []string{"workspaces.d/acme.yaml: is empty; `claygate config example` shows what it can hold"}},
		"broken":           {main, map[string]string{"acme.yaml": "tables: [\n"}, []string{"workspaces.d/acme.yaml:1: is not valid YAML here or just above: did not find expected node content"}},
		"a list":           {main, map[string]string{"acme.yaml": "- tables\n"}, []string{"workspaces.d/acme.yaml: is a list where a map is expected; write it as key: value, indented below"}},
		"a name":           {main, map[string]string{"Acme Inc.yaml": acme}, []string{"workspaces.d/Acme Inc.yaml: a workspace cannot be called so; a name has lower-case letters, digits, - and _, at most 64, and begins with a letter or digit"}},
		"another ending":   {main, map[string]string{"acme.yml": acme}, []string{"workspaces.d/acme.yml: would not be read; the name of a workspace's file ends with .yaml"}},
		"twice":            {"workspaces:\n  acme: {" + strings.ReplaceAll(strings.TrimSpace("tables: {people: {webhooks: [{url: env:OTHER_URL}]}}"), "\n", "") + "}\n", map[string]string{"acme.yaml": acme}, []string{"workspaces.d/acme.yaml: there is a workspace of this name already: claygate.yaml:2: workspaces.acme; keep one of the two"}},
		"one webhook":      {"log: {}\n", map[string]string{"acme.yaml": acme, "zeta.yaml": acme}, []string{"workspaces.d/zeta.yaml:3: tables.people.webhooks[0].url: is the same webhook as workspaces.acme.tables.people.webhooks[0].url; a webhook belongs to one workspace, whose pace it shares"}},
		"in the defaults":  {"defaults:\n  pase: {}\n  pace: {burst: 0}\n", map[string]string{"acme.yaml": acme, "b.yaml": "tables: {p: {webhooks: [{url: env:OTHER_URL}]}}\n"}, []string{`claygate.yaml:2: defaults: unknown key "pase"; did you mean pace?`, "claygate.yaml:3: defaults.pace.burst: 0 is less than 1, the least it can be"}},
		"a hidden secret":  {"defaults: {public_api_key: key_abc}\n", map[string]string{"acme.yaml": acme}, []string{"claygate.yaml:1: defaults.public_api_key: is a secret and must not stand in this file (it is not shown here); put it into an environment variable and write env:NAME, or into a file of its own and write file:PATH"}},
		"two files":        {main, map[string]string{"a.yaml": "x: 1\n" + acme, "b.yaml": acme + "y: 1\n"}, []string{"workspaces.d/a.yaml:1: unknown key \"x\"; known here: ", "workspaces.d/b.yaml:4: unknown key \"y\"; known here: ", "workspaces.d/b.yaml:3: tables.people.webhooks[0].url: is the same webhook as workspaces.a"}},
		"for some":         {"defaults: {drop_in: {people: mail}}\n", map[string]string{"acme.yaml": acme, "b.yaml": "routines: {mail: {routine: \"function:t_1\"}}\npublic_api_key: env:CLAY_PUBLIC_API_KEY\n"}, []string{"claygate.yaml:1: defaults.drop_in.people: there is no target \"mail\" in this workspace (in acme)"}},
		"defaults no map":  {"defaults: 1\n", map[string]string{"acme.yaml": acme}, []string{"claygate.yaml:1: defaults: is a number where a map is expected; write it as key: value, indented below"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := Load(beside(tt.main, tt.files).source())
			if err == nil {
				t.Fatal("no mistake was found")
			}
			if diff := cmp.Diff(Config{}, c, opaque); diff != "" {
				t.Errorf("there is a configuration beside the error:\n%s", diff)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Errorf("said\n%s", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("said\n%s\nand not\n%s", err, want)
				}
			}
		})
	}
}

// Whoever checks a workspace's file is told what to check.
func TestWorkspaceFileAlone(t *testing.T) {
	s := beside("log: {}", map[string]string{"acme.yaml": acme}).source()
	s.Path = "workspaces.d/acme.yaml"
	_, err := Load(s)
	if want := "workspaces.d/acme.yaml: is one workspace of a configuration; name the configuration, which lies beside the folder workspaces.d"; err == nil || err.Error() != want {
		t.Errorf("said %v", err)
	}
}

// TestManyWorkspaces: reading two hundred takes no time that anybody would notice.
func TestManyWorkspaces(t *testing.T) {
	w := beside("defaults: {tables: {people: {dedupe_by: [email]}}}\n", nil)
	env := []string{}
	for i := range 200 {
		name := fmt.Sprintf("client-%03d", i)
		w.files["workspaces.d/"+name+".yaml"] = &mapFile{Data: []byte("tables: {people: {webhooks: [{url: env:U" + fmt.Sprint(i) + "}]}}\n"), Mode: 0o600}
		env = append(env, "U"+fmt.Sprint(i), webhookURL+fmt.Sprint(i))
	}
	began := time.Now()
	c := mustLoad(t, w.with(env...).source())
	if took := time.Since(began); len(c.Targets()) != 200 || took > 2*time.Second {
		t.Errorf("%d targets in %s", len(c.Targets()), took)
	}
}
