package config

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is said now into the golden files")

// TestMistakes reads testdata/mistakes/*.txt. Each holds cases: a line "== name", the file, a line "--", and the lines
// that are said. An empty answer would be a file without a mistake, which is a failure here.
func TestMistakes(t *testing.T) {
	paths, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { mistakes(t, path) })
	}
}

func mistakes(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for i, part := range strings.Split("\n"+string(text), "\n== ") {
		if i == 0 {
			said.WriteString(strings.TrimSpace(part) + "\n\n")
			continue
		}
		name, rest, _ := strings.Cut(part, "\n")
		file, want, _ := strings.Cut(rest, "\n--\n")
		c, err := Load(world{yaml: unescape.Replace(file) + "\n", files: secretFiles}.source())
		if err == nil {
			t.Errorf("%s: no mistake was found", name)
			continue
		}
		if diff := cmp.Diff(Config{}, c, opaque); diff != "" {
			t.Errorf("%s: there is a configuration beside the error:\n%s", name, diff)
		}
		if diff := cmp.Diff(strings.TrimSpace(want), err.Error()); diff != "" && !*update {
			t.Errorf("%s: said (-want +got):\n%s", name, diff)
		}
		said.WriteString("== " + name + "\n" + file + "\n--\n" + err.Error() + "\n\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.TrimRight(said.String(), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// unescape lets the golden files show what would break them.
var unescape = strings.NewReplacer(`<tab>`, "\t", `<nul>`, "\x00", `<latin1 é>`, "\xe9", `<utf-16>`, "\xff\xfe", `<escape>`, "\x1b")

var secretFiles = map[string]*mapFile{
	"empty":      {Data: []byte(" \n"), Mode: 0o600},
	"two-lines":  {Data: []byte("one\ntwo\n"), Mode: 0o600},
	"large":      {Data: make([]byte, maxSecret+1), Mode: 0o600},
	"binary":     {Data: []byte("\xff\xfe\x00"), Mode: 0o600},
	"secret-url": {Data: []byte("\ufeff" + webhookURL + "\r\n"), Mode: 0o600},
}

func TestProblemsAreErrors(t *testing.T) {
	_, err := Load(world{yaml: table("max_age: 30")}.source())
	problems, ok := err.(Problems)
	if !ok || len(problems) != 1 {
		t.Fatalf("the error is %T with %v", err, err)
	}
	want := Problem{
		File: "claygate.yaml", Line: 7, Key: "workspaces.main.tables.people.max_age",
		Message: `"30" has no unit; write 90s, 30m, 12h or 30d`,
	}
	if diff := cmp.Diff(want, problems[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := problems.Unwrap(); len(got) != 1 || got[0] != error(problems[0]) {
		t.Errorf("Unwrap returns %v", got)
	}
}

// TestManyMistakes keeps a file of another kind from filling the terminal, and the time it takes from growing with the
// square of its mistakes.
func TestManyMistakes(t *testing.T) {
	files := map[string]string{
		"webhooks": table("")[:len(table(""))-len("webhooks: [{url: env:CLAY_WEBHOOK_URL}]\n")] + "webhooks: [" + strings.Repeat("{}, ", 8_000) + "]",
		"keys":     strings.Repeat("k: 1\n", 8_000),
		"fields":   table("dedupe_by: [" + strings.Repeat("0, ", 8_000) + "]"),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			_, err := Load(world{yaml: file}.source())
			problems, _ := err.(Problems)
			if len(problems) != maxProblems+1 || !strings.Contains(problems[maxProblems].Message, "more") {
				t.Errorf("%d problems, the last: %v", len(problems), problems[max(len(problems)-1, 0)])
			}
			if !slices.IsSortedFunc(problems[:maxProblems], func(a, b Problem) int { return a.Line - b.Line }) {
				t.Error("the problems are not in the order of their lines")
			}
		})
	}
}

// TestHostileFiles: what is deep or large ends with an error, soon.
func TestHostileFiles(t *testing.T) {
	files := map[string]string{
		"deep lists":   strings.Repeat("[", 200_000),
		"deep maps":    strings.Repeat("{a: ", 8_000),
		"deep indents": strings.Repeat("- ", 200_000),
		"too large":    strings.Repeat("# comment\n", maxFile/10+1),
		"alias bomb":   "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nworkspaces: &c [*b,*b,*b,*b,*b]\n",
		"comments":     strings.Repeat("#\n", 8_000) + "workspaces:",
		"questions":    strings.Repeat("? ", 8_000),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(world{yaml: file}.source()); err == nil {
				t.Error("no mistake was found")
			}
		})
	}
}
