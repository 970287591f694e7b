package parser

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

var rewrite = flag.Bool("rewrite", false, "write what the parser gives into testdata")

// TestData runs testdata/*.txt. A case is statements, a line of dashes and what
// they parse to, up to an empty line:
//
//	SELECT a FROM t; DROP TABLE t
//	----
//	SELECT a FROM t
//	Drop{Kind:table Names:[t]}
//
// Queries and DML are printed as SQL, other statements as their fields that are
// not zero. An error is printed as its SQLSTATE, message and the text it points
// at. Every statement printed as SQL is parsed again and must give the same tree.
func TestData(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { runFile(t, f) })
	}
}

func runFile(t *testing.T, file string) {
	in, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	sc := bufio.NewScanner(strings.NewReader(string(in)))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		fmt.Fprintln(&out, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		first, sql := n, line
		for sc.Scan() {
			n++
			fmt.Fprintln(&out, sc.Text())
			if sc.Text() == "----" {
				break
			}
			sql += "\n" + sc.Text()
		}
		var want strings.Builder
		for sc.Scan() {
			n++
			if sc.Text() == "" {
				break
			}
			fmt.Fprintln(&want, sc.Text())
		}
		got := describe(t, sql)
		if got != want.String() && !*rewrite {
			t.Errorf("%s:%d: %s\ngot\n%swant\n%s", file, first, sql, got, want.String())
		}
		fmt.Fprintf(&out, "%s\n", got)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// describe parses sql and prints what comes of it.
func describe(t *testing.T, sql string) string {
	list, err := Parse(sql)
	if err != nil {
		return describeError(sql, err)
	}
	var out strings.Builder
	for _, s := range list {
		text := sql[s.Offset : s.Offset+len(s.Text)]
		if text != s.Text {
			t.Errorf("text %q is not at its offset", s.Text)
		}
		fmt.Fprintln(&out, dump(reflect.ValueOf(s.AST), true))
		if printable(s.AST) {
			roundTrip(t, s.AST)
		}
	}
	return out.String()
}

func describeError(sql string, err error) string {
	e := sqlerr.As(err)
	out := fmt.Sprintf("error %s: %s", e.Code, e.Message)
	if e.Offset() >= 0 {
		rest := sql[min(e.Offset(), len(sql)):]
		rest, _, _ = strings.Cut(rest, "\n")
		if len(rest) > 20 {
			rest = rest[:20]
		}
		out += fmt.Sprintf("\n  at %d: >%s", e.Offset(), rest)
	}
	if e.Hint != "" {
		out += "\n  hint: " + e.Hint
	}
	return out + "\n"
}

func printable(s ast.Statement) bool {
	switch s.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete:
		return true
	}
	return false
}

// roundTrip holds that printing and parsing again gives the same tree.
func roundTrip(t *testing.T, s ast.Statement) {
	t.Helper()
	texts := []string{ast.String(s)}
	if q, ok := s.(*ast.Select); ok {
		texts = append(texts, ast.Pretty(q))
	}
	want := dump(reflect.ValueOf(s), false)
	for _, text := range texts {
		again, err := Parse(text)
		if err != nil {
			t.Errorf("printed text does not parse: %s\n%v", text, err)
			continue
		}
		if got := dump(reflect.ValueOf(again[0].AST), false); got != want {
			t.Errorf("printed text parses to another tree: %s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

var nodeType = reflect.TypeFor[ast.Node]()

// dump prints a tree without positions and zero fields; with sql, what can be
// printed as SQL is.
func dump(v reflect.Value, sql bool) string {
	if v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "nil"
		}
		if sql && v.Type().Implements(nodeType) {
			switch n := v.Interface().(type) {
			case ast.Expr, *ast.Select, *ast.TypeName, *ast.Insert, *ast.Update, *ast.Delete, *ast.Constraint:
				return ast.String(n.(ast.Node))
			}
		}
		return dump(v.Elem(), sql)
	}
	switch v.Kind() {
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = dump(v.Index(i), sql)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Struct:
		if n, ok := v.Interface().(ast.Name); ok && sql {
			return n.String()
		}
		var parts []string
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[ast.Pos]() || v.Field(i).IsZero() {
				continue
			}
			parts = append(parts, f.Name+":"+dump(v.Field(i), sql))
		}
		return v.Type().Name() + "{" + strings.Join(parts, " ") + "}"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}
