package streamdb_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

var updateSizes = flag.Bool("update-sizes", false, "lower the exceptions of testdata/lint/sizes.txt to what is there")

// ceilings of what a reader has to hold in mind at once.
var ceilings = map[string]int{
	"file":      1000, // lines
	"function":  100,  // lines; tests may hold long tables of cases
	"interface": 8,    // methods
	"params":    6,    // parameters of a function
}

// exceptionsFile lists what is above a ceiling, a line each: kind, name, size. It only ever shrinks.
const exceptionsFile = "testdata/lint/sizes.txt"

// measure is the size of one thing.
type measure struct {
	kind, name string // name is path or path:identifier
	size       int
}

func (m measure) key() string { return m.kind + " " + m.name }

// TestSizes holds the ceilings: what exceeds one must be listed, no larger than listed, and is struck off the list as
// soon as it fits.
func TestSizes(t *testing.T) {
	listed := readExceptions(t)
	fset, all := sourcesOf(t)
	var over []measure
	for _, s := range all {
		for _, m := range measureFile(fset, s) {
			if m.size > ceilings[m.kind] {
				over = append(over, m)
			}
		}
	}
	seen := map[string]bool{}
	for i, m := range over {
		seen[m.key()] = true
		if n, ok := listed[m.key()]; !ok {
			t.Errorf("%s %s has size %d, the ceiling is %d", m.kind, m.name, m.size, ceilings[m.kind])
		} else if m.size > n {
			t.Errorf("%s %s has grown to %d; its exception in %s is %d", m.kind, m.name, m.size, exceptionsFile, n)
			over[i].size = n
		}
	}
	for key := range listed {
		if !seen[key] && !*updateSizes {
			t.Errorf("%s no longer needs its exception: strike it off %s (or run with -update-sizes)", key, exceptionsFile)
		}
	}
	if *updateSizes {
		writeExceptions(t, slices.DeleteFunc(over, func(m measure) bool { return listed[m.key()] == 0 }))
	}
}

// measureFile returns the sizes of a file and of what is in it.
func measureFile(fset *token.FileSet, s *source) []measure {
	out := []measure{{"file", s.path, bytes.Count(s.text, []byte("\n"))}}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			name := s.path + ":" + funcName(n)
			lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
			out = append(out, measure{"params", name, n.Type.Params.NumFields()})
			if !s.test() {
				out = append(out, measure{"function", name, lines})
			}
		case *ast.TypeSpec:
			if it, ok := n.Type.(*ast.InterfaceType); ok {
				out = append(out, measure{"interface", s.path + ":" + n.Name.Name, methods(it)})
			}
		}
		return true
	})
	return out
}

// methods counts the methods an interface names; embedded ones count where they are declared.
func methods(it *ast.InterfaceType) int {
	n := 0
	for _, f := range it.Methods.List {
		if _, ok := f.Type.(*ast.FuncType); ok {
			n += len(f.Names)
		}
	}
	return n
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
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
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

func readExceptions(t *testing.T) map[string]int {
	data, err := os.ReadFile(exceptionsFile)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		var m measure
		if _, err := fmt.Sscan(line, &m.kind, &m.name, &m.size); err != nil {
			t.Fatalf("%s: %q: %v", exceptionsFile, line, err)
		}
		listed[m.key()] = m.size
	}
	return listed
}

func writeExceptions(t *testing.T, list []measure) {
	var b strings.Builder
	b.WriteString("# What exceeds a ceiling of style: kind, name, size. Lines may be lowered or struck off, never added or raised.\n")
	for _, m := range list {
		fmt.Fprintln(&b, m.kind, m.name, m.size)
	}
	if err := os.WriteFile(exceptionsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
