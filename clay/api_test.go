package clay

import (
	"cmp"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// parsed is the package's own source, without its tests.
func parsed(t *testing.T) *doc.Package {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := doc.NewFromFiles(set, files, "github.com/claygate/claygate/clay", doc.PreserveAST)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// Every exported name has a comment: types, functions, methods, constants and fields. One
// comment may speak of several fields, if it names them.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	pkg := parsed(t)
	undocumented := func(name, comment string) {
		if ast.IsExported(name[strings.LastIndexByte(name, '.')+1:]) && strings.TrimSpace(comment) == "" {
			t.Errorf("%s has no comment", name)
		}
	}
	functions := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			undocumented(prefix+f.Name, f.Doc)
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, s := range v.Decl.Specs {
				s := s.(*ast.ValueSpec)
				for _, n := range s.Names {
					undocumented(n.Name, v.Doc+s.Doc.Text()+s.Comment.Text())
				}
			}
		}
	}
	functions("", pkg.Funcs)
	values(append(pkg.Consts, pkg.Vars...))
	for _, typ := range pkg.Types {
		undocumented(typ.Name, typ.Doc)
		functions(typ.Name+".", typ.Methods)
		functions("", typ.Funcs)
		values(append(typ.Consts, typ.Vars...))
		s, ok := typ.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		above := ""
		for _, f := range s.Fields.List {
			own := f.Doc.Text() + f.Comment.Text()
			above = cmp.Or(own, above)
			for _, n := range f.Names {
				if !strings.Contains(above, n.Name) {
					undocumented(typ.Name+"."+n.Name, own)
				}
			}
		}
	}
}

// At most three arguments besides the context, then a struct.
func TestArgumentsAreFew(t *testing.T) {
	pkg := parsed(t)
	functions := pkg.Funcs
	for _, typ := range pkg.Types {
		functions = append(append(functions, typ.Funcs...), typ.Methods...)
	}
	for _, f := range functions {
		if n := f.Decl.Type.Params.NumFields(); n > 3 {
			t.Errorf("%s takes %d arguments", f.Name, n)
		}
	}
	if len(functions) < 30 {
		t.Errorf("only %d functions were looked at", len(functions))
	}
}

// What `go doc` shows before the index fits a screen: at most 40 lines of 80 columns.
func TestOverviewFitsOneScreen(t *testing.T) {
	pkg := parsed(t)
	text := string(pkg.Text(pkg.Doc))
	if n := strings.Count(text, "\n"); n > 40 || n < 15 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
