// Package internal_test holds the architecture to its word: which package may import which, what packages may be called and how
// long a file may grow. It reads import clauses only, so files behind build tags are checked as well.
package internal_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module = "github.com/claygate/claygate"
	// maxLines bounds files that are neither tests nor generated; one that grows past it holds two ideas.
	maxLines = 500
)

// rule says what the files of one package, tests aside, may import.
type rule struct {
	stdOnly bool     // nothing from other modules
	ours    []string // packages of this module, relative to its root
}

// The arrows go down: cmd → cli → app → surfaces → verbs → ledger, clay. The verbs meet in the ledger, never in each other.
var (
	verbs    = []string{"internal/intake", "internal/dispatch", "internal/collect", "internal/forward"}
	surfaces = []string{"internal/api", "internal/dashboard", "internal/mcp"}
	stores   = []string{"internal/ledger/sqlite", "internal/ledger/postgres"}
	core     = []string{"clay", "internal/ledger"}
	point    = []string{"internal/crash"} // the moments at which the tests of crashes kill
)

var rules = map[string]rule{
	"clay":                            {stdOnly: true},
	"clay/claytest":                   {stdOnly: true, ours: []string{"clay"}},
	"client":                          {stdOnly: true},
	"internal/ledger":                 {stdOnly: true},
	"internal/ledger/sqlite":          {ours: slices.Concat(point, []string{"internal/ledger"})},
	"internal/ledger/postgres":        {ours: []string{"internal/ledger"}},
	"internal/ledger/postgres/pgtest": {stdOnly: true},
	"internal/ledger/ledgertest":      {ours: []string{"internal/ledger"}},
	"internal/intake":                 {ours: core},
	"internal/dispatch":               {ours: slices.Concat(core, point)},
	"internal/collect":                {ours: slices.Concat(core, point)},
	"internal/forward":                {ours: core},
	"internal/api":                    {ours: slices.Concat(verbs, core)},
	"internal/dashboard":              {ours: slices.Concat(verbs, core)},
	"internal/mcp":                    {ours: slices.Concat(verbs, core)},
	"internal/crash":                  {stdOnly: true},
	"internal/expression":             {},
	"internal/config":                 {ours: []string{"internal/expression"}}, // so that a mistake in one is said with its line
	"internal/sheet":                  {},
	"internal/routine":                {stdOnly: true, ours: []string{"clay"}},
	"internal/doctor":                 {},
	// The only wiring: it alone names concrete stores.
	"internal/app": {ours: slices.Concat(surfaces, verbs, stores, core, point, []string{"internal/config", "internal/doctor", "internal/expression", "clay/claytest"})},
	"internal/cli": {ours: []string{"internal/app", "internal/sheet", "internal/config", "internal/routine", "internal/doctor", "clay", "clay/claytest", "client", "internal/ledger"}},
	"cmd/claygate": {ours: []string{"internal/cli"}},
}

// outside names folders whose packages look at the whole from outside; end-to-end support and examples may import anything.
var outside = []string{"e2e", "examples"}

// source is one Go file of the module.
type source struct {
	path      string // relative to the module's root
	pkg       string // the folder, which is the import path without the module
	name      string // of the package clause
	imports   []string
	lines     int
	generated bool
}

func TestImports(t *testing.T) {
	for _, file := range sources(t) {
		for _, problem := range file.wrongImports() {
			t.Error(problem)
		}
	}
}

func TestPackageNames(t *testing.T) {
	for _, file := range sources(t) {
		if problem := file.wrongName(); problem != "" {
			t.Error(problem)
		}
	}
}

func TestFileLength(t *testing.T) {
	for _, file := range sources(t) {
		if problem := file.tooLong(); problem != "" {
			t.Error(problem)
		}
	}
}

// wrongImports lists what the file imports against the rules.
func (s source) wrongImports() []string {
	if slices.Contains(outside, strings.Split(s.pkg, "/")[0]) {
		return nil
	}
	r, known := rules[s.pkg]
	if !known {
		return []string{fmt.Sprintf("%s: package %s has no rule; add it to the table in internal/arch_test.go, with what it may import", s.path, s.pkg)}
	}
	var problems []string
	for _, imported := range s.imports {
		ours, isOurs := strings.CutPrefix(imported, module+"/")
		switch {
		case isOurs && !slices.Contains(r.ours, ours):
			problems = append(problems, fmt.Sprintf("%s: %s must not import %s (it may import %v of ours)", s.path, s.pkg, ours, r.ours))
		case !isOurs && r.stdOnly && !standard(imported):
			problems = append(problems, fmt.Sprintf("%s: %s must import the standard library only, not %s", s.path, s.pkg, imported))
		}
	}
	return problems
}

// standard tells packages of the standard library by the first element of their path, which never has a dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// wrongName says what is wrong with the package's name, if anything: these names say nothing about what is inside.
func (s source) wrongName() string {
	for _, name := range []string{s.name, path.Base(s.pkg)} {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "manager"}, name) {
			return fmt.Sprintf("%s: package %s: name it for what it does", s.path, name)
		}
	}
	return ""
}

func (s source) tooLong() string {
	if s.generated || s.lines <= maxLines {
		return ""
	}
	return fmt.Sprintf("%s has %d lines, more than %d: part the two ideas in it", s.path, s.lines, maxLines)
}

// sources reads every Go file of the module, tests and nested modules left out.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(p string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && p != ".." && skippedDir(p):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go"):
			return nil
		}
		file, err := parse(p)
		if err != nil {
			return err
		}
		all = append(all, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go file found: this test looks in the wrong folder")
	}
	return all
}

// skippedDir tells the folders that the go command passes over too, and nested modules.
func skippedDir(dir string) bool {
	base := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}

func parse(p string) (source, error) {
	text, err := os.ReadFile(p)
	if err != nil {
		return source{}, err
	}
	tree, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel("..", p)
	if err != nil {
		return source{}, err
	}
	rel = filepath.ToSlash(rel)
	file := source{path: rel, pkg: path.Dir(rel), name: tree.Name.Name, lines: bytes.Count(text, []byte("\n")), generated: ast.IsGenerated(tree)}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, err
		}
		file.imports = append(file.imports, imported)
	}
	return file, nil
}

// TestRulesBite proves that each rule can fail.
func TestRulesBite(t *testing.T) {
	tests := map[string]struct {
		file source
		want int
	}{
		"a verb imports another":      {source{pkg: "internal/intake", imports: []string{module + "/internal/dispatch"}}, 1},
		"a verb imports a store":      {source{pkg: "internal/collect", imports: []string{module + "/internal/ledger/sqlite"}}, 1},
		"a verb imports the ledger":   {source{pkg: "internal/collect", imports: []string{module + "/internal/ledger", "fmt"}}, 0},
		"the SDK imports a module":    {source{pkg: "clay", imports: []string{"golang.org/x/time/rate", "net/http"}}, 1},
		"the ledger imports the SDK":  {source{pkg: "internal/ledger", imports: []string{module + "/clay"}}, 1},
		"app imports a store":         {source{pkg: "internal/app", imports: []string{module + "/internal/ledger/sqlite"}}, 0},
		"cli imports a store":         {source{pkg: "internal/cli", imports: []string{module + "/internal/ledger/sqlite"}}, 1},
		"cmd imports app":             {source{pkg: "cmd/claygate", imports: []string{module + "/internal/app"}}, 1},
		"an unknown package":          {source{pkg: "internal/stray"}, 1},
		"end-to-end code imports all": {source{pkg: "e2e/oracle", imports: []string{module + "/internal/app"}}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.file.wrongImports()
			if diff := cmp.Diff(tt.want, len(got)); diff != "" {
				t.Errorf("problems %q (-want +got):\n%s", got, diff)
			}
		})
	}
	if (source{pkg: "internal/util", name: "util"}).wrongName() == "" {
		t.Error("a package named util passes")
	}
	if (source{lines: maxLines + 1}).tooLong() == "" || (source{lines: maxLines + 1, generated: true}).tooLong() != "" {
		t.Error("the length of a file is not judged right")
	}
}
