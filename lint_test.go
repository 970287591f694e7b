package streamdb_test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// source is a parsed Go file of the repository.
type source struct {
	path string // from the root, with slashes
	text []byte
	file *ast.File
}

// dir is the directory of the file from the root; "." for the root itself.
func (s *source) dir() string { return path.Dir(s.path) }

// test reports whether the file is compiled into tests only.
func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// sourcesOf parses all Go files below the root, generated ones excepted.
func sourcesOf(t *testing.T) (*token.FileSet, []*source) {
	fset := token.NewFileSet()
	var all []*source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !ast.IsGenerated(f) {
			all = append(all, &source{path: filepath.ToSlash(p), text: text, file: f})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fset, all
}

// TestFormat holds gofmt.
func TestFormat(t *testing.T) {
	_, all := sourcesOf(t)
	for _, s := range all {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s: not formatted, run gofmt -w", s.path)
		}
	}
}

// TestComments holds that every package says what it is and every exported name has a comment.
func TestComments(t *testing.T) {
	fset, all := sourcesOf(t)
	documented := map[string]bool{}
	for _, s := range all {
		if !s.test() {
			documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
			for _, u := range undocumented(s.file) {
				t.Errorf("%s: %s is exported and has no comment", fset.Position(u.Pos()), u.Name)
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment (doc.go)", dir)
		}
	}
}

// undocumented returns the exported names of a file that have no comment.
func undocumented(f *ast.File) []*ast.Ident {
	if f.Name.Name == "main" {
		return nil
	}
	var names []*ast.Ident
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
				names = append(names, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, undocumentedSpec(d, spec)...)
			}
		}
	}
	return names
}

// undocumentedSpec checks one type, constant or variable. A comment above a parenthesised group counts for all of it.
func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) []*ast.Ident {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
			return []*ast.Ident{spec.Name}
		}
	case *ast.ValueSpec:
		if d.Doc != nil || spec.Doc != nil || spec.Comment != nil {
			return nil
		}
		var names []*ast.Ident
		for _, n := range spec.Names {
			if n.IsExported() {
				names = append(names, n)
			}
		}
		return names
	}
	return nil
}

// exportedReceiver reports whether a function has no receiver or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
