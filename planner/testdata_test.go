package planner

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"streamdb/planner/logical"
	"streamdb/planner/rule"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
)

var rewrite = flag.Bool("rewrite", false, "write the results into testdata instead of comparing them")

// world is a catalog that statements of a test file build up.
type world struct {
	cat  *catalog.Catalog
	opts Options
}

func newWorld() *world {
	v := &catalog.Virtual{ID: 1259, Schema: catalog.PgCatalog, Name: "pg_class", Columns: []catalog.Column{
		{ID: 1, Name: "oid", Type: mustType("oid")}, {ID: 2, Name: "relname", Type: mustType("name")}}}
	return &world{cat: catalog.New(), opts: Options{User: "ann", Database: "db", Virtuals: catalog.NewVirtuals(v)}}
}

// plan parses and plans one statement.
func (w *world) plan(sql string) (Planned, error) {
	s, err := parser.ParseOne(sql)
	if err != nil {
		return nil, err
	}
	return New(w.cat, w.opts).Statement(s.AST, nil)
}

// exec plans a DDL statement and applies it.
func (w *world) exec(sql string) (string, error) {
	p, err := w.plan(sql)
	if err != nil {
		return "", err
	}
	d, ok := p.(*DDL)
	if !ok {
		return "", fmt.Errorf("%T is not DDL", p)
	}
	if len(d.Changes) > 0 {
		if w.cat, err = w.cat.With(d.Changes...); err != nil {
			return "", err
		}
	}
	var sb strings.Builder
	for _, n := range d.Notices {
		fmt.Fprintf(&sb, "%s: %s\n", n.Severity, n.Message)
		if n.Detail != "" {
			fmt.Fprintf(&sb, "DETAIL: %s\n", n.Detail)
		}
	}
	for _, c := range d.Changes {
		if c.Put != nil {
			fmt.Fprintf(&sb, "put %s %s\n", c.Put.Kind, c.Put.Name)
		} else {
			sb.WriteString("drop\n")
		}
	}
	return sb.String(), nil
}

// errorText shows an error with the offending token marked below the statement.
func errorText(sql string, err error) string {
	e := sqlerr.As(err)
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s %s\n", e.Code, e.Message)
	if e.Position > 0 {
		line := sql
		at := e.Offset()
		if i := strings.LastIndexByte(sql[:min(at, len(sql))], '\n'); i >= 0 {
			line, at = sql[i+1:], at-i-1
		}
		line, _, _ = strings.Cut(line, "\n")
		fmt.Fprintf(&sb, "  %s\n  %s^\n", line, strings.Repeat(" ", at))
	}
	for _, l := range strings.Split(e.Detail, "\n") {
		if l != "" {
			fmt.Fprintf(&sb, "DETAIL: %s\n", l)
		}
	}
	if e.Hint != "" {
		fmt.Fprintf(&sb, "HINT: %s\n", e.Hint)
	}
	return sb.String()
}

// fired plans a query's logical part again to see which rules changed it.
func (w *world) fired(sql string, maintained bool) (*rule.Ctx, error) {
	s, err := parser.ParseOne(sql)
	if err != nil {
		return nil, err
	}
	b := New(w.cat, w.opts).newBinder(nil)
	q, ok := s.AST.(*ast.Select)
	if mv, is := s.AST.(*ast.CreateMaterializedView); is {
		q, ok, b.maintained = mv.Query, true, true
	}
	if !ok {
		return nil, fmt.Errorf("no query")
	}
	b.maintained = b.maintained || maintained
	r, err := b.query(q, nil, false)
	if err != nil {
		return nil, err
	}
	r.node = logical.Node(r.node)
	_, c, err := b.logical(r)
	return c, err
}

// run executes one case of a test file: the command line, then the statement.
func (w *world) run(t *testing.T, cmd []string, sql string) string {
	for _, a := range cmd[1:] {
		name, want := strings.TrimPrefix(a, "expect="), true
		if n, not := strings.CutPrefix(a, "expect-not="); not {
			name, want = n, false
		}
		c, err := w.fired(sql, false)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
		} else if c.Fired(name) != want {
			t.Errorf("%s: rule %s fired: %v", sql, name, !want)
		}
	}
	var out string
	var err error
	switch cmd[0] {
	case "exec":
		out, err = w.exec(sql)
	case "plan", "fragments", "error":
		var p Planned
		if p, err = w.plan(sql); err == nil {
			out = "ok\n"
			if plan := planOf(p); plan != nil {
				f := FormatPlan
				if cmd[0] == "fragments" {
					f = FormatFragments
				}
				out = strings.Join(f(plan, w.cat), "\n") + "\n"
			}
		}
	default:
		t.Fatalf("unknown command %q", cmd[0])
	}
	if err != nil {
		return errorText(sql, err)
	}
	return out
}

// TestData runs the files of testdata: see testdata/binder_errors.txt for the format.
func TestData(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { runFile(t, f) })
	}
}

func runFile(t *testing.T, name string) {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	var sb strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		var comments []string
		lines := strings.Split(block, "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			comments, lines = append(comments, lines[0]), lines[1:]
		}
		if len(lines) == 0 {
			sb.WriteString(block + "\n\n")
			continue
		}
		body, want, _ := strings.Cut(strings.Join(lines[1:], "\n"), "\n----\n")
		body = strings.TrimSuffix(body, "\n----")
		got := strings.TrimRight(w.run(t, strings.Fields(lines[0]), body), "\n")
		if got != strings.TrimRight(want, "\n") && !*rewrite {
			t.Errorf("%s\n got:\n%s\nwant:\n%s", body, got, want)
		}
		for _, c := range comments {
			sb.WriteString(c + "\n")
		}
		sb.WriteString(lines[0] + "\n" + body + "\n----\n" + got + "\n\n")
	}
	if *rewrite {
		if err := os.WriteFile(name, []byte(strings.TrimRight(sb.String(), "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPlans plans every statement of testdata/queries.sql, the queries among them as
// materialized views too unless a comment excuses them: none may fail, and no plan may
// hold an internal error.
func TestPlans(t *testing.T) {
	raw, err := os.ReadFile("testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	n := 0
	for _, sql := range strings.Split(string(raw), ";\n") {
		adhoc := strings.Contains(sql, "-- ad hoc")
		var lines []string
		for _, l := range strings.Split(sql, "\n") {
			if !strings.HasPrefix(l, "--") {
				lines = append(lines, l)
			}
		}
		if sql = strings.TrimSpace(strings.Join(lines, "\n")); sql == "" {
			continue
		}
		n++
		if strings.HasPrefix(sql, "CREATE") || strings.HasPrefix(sql, "ALTER") || strings.HasPrefix(sql, "DROP") {
			if _, err := w.exec(sql); err != nil {
				t.Errorf("%s\n%s", sql, errorText(sql, err))
			}
			continue
		}
		if _, err := w.plan(sql); err != nil {
			t.Errorf("%s\n%s", sql, errorText(sql, err))
			continue
		}
		if adhoc || !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH") && !strings.HasPrefix(sql, "VALUES") {
			continue
		}
		s, err := parser.ParseOne(sql)
		if err != nil {
			t.Fatal(err)
		}
		b := New(w.cat, w.opts).newBinder(nil)
		if _, _, err := b.maintain(s.AST.(*ast.Select), catalog.Emit{Policy: catalog.EmitOnUpdate}); err != nil {
			t.Errorf("maintained: %s\n%s", sql, errorText(sql, err))
		}
	}
	t.Logf("%d statements", n)
}
