package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// canary is what every variable and file holds: a webhook's URL, so that it gets past the checks.
const canary = "https://api.clay.com/v3/sources/webhook/canary-7f3a9c51e0d24b68"

// FuzzLoad feeds the loader any file. It must never panic, never show a secret, and never do half of the work.
func FuzzLoad(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add([]byte(seed), "")
	}
	f.Add([]byte(table("")), "127.0.0.1:99999")
	f.Fuzz(func(t *testing.T, file []byte, listen string) {
		s := Source{
			Path: "claygate.yaml", Flags: Overrides{Listen: listen},
			Getenv: func(name string) string {
				if strings.HasPrefix(name, "CLAYGATE_L") {
					return ""
				}
				return canary
			},
			ReadFile: func(name string) ([]byte, error) {
				if name == "claygate.yaml" {
					return file, nil
				}
				return []byte(canary + "\n"), nil
			},
		}
		c, err := Load(s)
		again, errAgain := Load(s)
		if diff := cmp.Diff(c, again, opaque); diff != "" || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("a second reading differs: %s\n%v\n%v", diff, err, errAgain)
		}
		checkSaid(t, c, err)
		if err == nil {
			checkSound(t, c)
		}
	})
}

// checkSaid checks what people get to read.
func checkSaid(t *testing.T, c Config, err error) {
	t.Helper()
	var all Problems
	if err != nil {
		problems, ok := err.(Problems)
		if !ok || len(problems) == 0 || len(problems) > maxProblems+1 {
			t.Fatalf("the error is %T: %v", err, err)
		}
		if diff := cmp.Diff(Config{}, c, opaque); diff != "" {
			t.Fatalf("there is a configuration beside the error: %s", diff)
		}
		all = problems
	}
	for _, p := range append(all, c.Warnings()...) {
		if strings.ContainsFunc(p.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || p.Message == "" {
			t.Fatalf("not one clear line: %q", p.Error())
		}
	}
	encoded, _ := json.Marshal(c)
	said := fmt.Sprintf("%v %v %+v %#v %v %s %v", err, c, c.Workspaces, c.Workspaces, c.Warnings(), encoded, c.LogValue())
	if leaked := window(said, canary[len("https://api.clay.com/v3/sources/webhook/"):], 10); leaked != "" {
		t.Fatalf("%q leaked: %s", leaked, said)
	}
}

// checkSound checks what the rest of claygate relies on.
func checkSound(t *testing.T, c Config) {
	t.Helper()
	if len(c.Targets()) == 0 || c.Listen == "" || c.Retention.Metadata < c.Retention.Bodies || c.Retention.Bodies <= 0 {
		t.Fatalf("accepted: %+v", c)
	}
	for _, target := range c.Targets() {
		found, ok := c.Find(target.Address())
		if diff := cmp.Diff(target, found, opaque); !ok || diff != "" {
			t.Fatalf("%s is not found: %s", target.Address(), diff)
		}
		w := c.Workspaces[target.Workspace]
		switch bad := w.Pace.PerSecond <= 0 || w.Pace.Burst < 1 || !nameForm.MatchString(target.Name); {
		case bad:
			t.Fatalf("accepted: %+v", w)
		case target.Kind == KindLookup && (target.Lookup.Kind == "" || w.EnterpriseAPIKey.Reveal() == ""):
			t.Fatalf("accepted: %+v", target.Lookup)
		case target.Kind == KindTable && (len(target.Table.Webhooks) == 0 || target.Table.MaxAge > c.Retention.Bodies || target.Table.OnUncertain == ""):
			t.Fatalf("accepted: %+v", target.Table)
		}
		for _, hook := range target.Table.Webhooks {
			if hook.URL.Reveal() != canary || hook.Limit < 0 || hook.Start < 0 {
				t.Fatalf("accepted: %+v", hook)
			}
		}
	}
}

// window returns a piece of the secret, n bytes long, that the text holds; "" for none.
func window(text, secret string, n int) string {
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+n]) {
			return secret[i : i+n]
		}
	}
	return ""
}

// seeds are the example and every file of the golden mistakes.
func seeds(t testing.TB) []string {
	t.Helper()
	all := []string{Example(), table("dedupe_by: [a, b]\nmax_age: 1d12h"), strings.ReplaceAll(Example(), "# ", "")}
	paths, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "\n== ")[1:] {
			_, rest, _ := strings.Cut(part, "\n")
			file, _, _ := strings.Cut(rest, "\n--\n")
			all = append(all, unescape.Replace(file))
		}
	}
	return all
}

// TestLiteralSecretsAreNotShown writes a secret into every place of the example where something stands, keys included,
// as people do who mix up lines, and in ways that break the YAML.
func TestLiteralSecretsAreNotShown(t *testing.T) {
	const tail = "9F8e7d6c5b4a39281706f5e4d3c2b1a0" // a capital, or it could be a target's name
	count := 0
	for _, begin := range []string{"clay_ent_", "*https://api.clay.com/v3/sources/webhook/"} {
		for at := 0; ; at++ {
			file, ok := planted(t, at, begin+tail)
			if !ok {
				break
			}
			for _, text := range []string{file, strings.ReplaceAll(strings.ReplaceAll(file, "'", ""), `"`, "")} {
				count++
				c, err := Load(world{yaml: text, files: exampleFiles}.source())
				if leaked := window(fmt.Sprint(err, c.Warnings()), tail, 12); leaked != "" {
					t.Errorf("%q leaked from place %d: %v %v", leaked, at, err, c.Warnings())
				}
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d files were tried", count)
	}
}

// planted returns the example with a secret in place of its nth key or value.
func planted(t *testing.T, n int, secret string) (string, bool) {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(Example()), &document); err != nil {
		t.Fatal(err)
	}
	var walk func(node *yaml.Node) bool
	walk = func(node *yaml.Node) bool {
		if node.Kind != yaml.DocumentNode {
			if n == 0 {
				*node = yaml.Node{Kind: yaml.ScalarNode, Value: secret, Style: yaml.DoubleQuotedStyle}
				return true
			}
			n--
		}
		for _, child := range node.Content {
			if walk(child) {
				return true
			}
		}
		return false
	}
	if !walk(&document) {
		return "", false
	}
	text, err := yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), true
}

// FuzzFolder feeds the loader any defaults and any file of a workspace. Of what [FuzzLoad] holds the loader to nothing changes,
// and whatever is wrong with a file is said of that file.
func FuzzFolder(f *testing.F) {
	f.Add([]byte("defaults: {tables: {people: {dedupe_by: [a]}}}"), []byte(acme))
	for _, seed := range seeds(f) {
		f.Add([]byte("defaults: {pace: {burst: 2}}"), []byte(seed))
		f.Add([]byte(seed), []byte(acme))
	}
	f.Fuzz(func(t *testing.T, main, file []byte) {
		s := Source{
			Path: "claygate.yaml",
			Getenv: func(name string) string {
				if strings.HasPrefix(name, "CLAYGATE_L") {
					return ""
				}
				return canary
			},
			ReadDir: func(string) ([]string, error) { return []string{"acme.yaml"}, nil },
			ReadFile: func(name string) ([]byte, error) {
				switch filepath.ToSlash(name) {
				case "claygate.yaml":
					return main, nil
				case "workspaces.d/acme.yaml":
					return file, nil
				}
				return []byte(canary + "\n"), nil
			},
		}
		c, err := Load(s)
		again, errAgain := Load(s)
		if diff := cmp.Diff(c, again, opaque); diff != "" || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("a second reading differs: %s\n%v\n%v", diff, err, errAgain)
		}
		checkSaid(t, c, err)
		if err == nil {
			checkSound(t, c)
		}
	})
}
