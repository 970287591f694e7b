package streamdb

import (
	"context"
	"strconv"
	"strings"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

var scanAll = relation.Scan{}

func itoa(n int) string                { return strconv.Itoa(n) }
func join(s []string) string           { return strings.Join(s, ", ") }
func textField(n string) planner.Field { return planner.Field{Name: n, Type: types.Text} }

// utility runs the statements that concern the session.
func (s *conn) utility(ctx context.Context, p *portal, r session.Results) error {
	switch st := p.prep.stmt.AST.(type) {
	case *ast.Set:
		return s.setSetting(ctx, st, r)
	case *ast.Show:
		return s.show(st, r)
	case *ast.ShowObjects:
		return s.showObjects(ctx, st, r)
	case *ast.ShowCreate:
		return s.showCreate(st, r)
	case *ast.Describe:
		return s.sub(ctx, "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = "+
			ast.QuoteLiteral(st.Name.Name)+" ORDER BY ordinal_position", "DESCRIBE", r)
	case *ast.Prepare:
		return s.prepare(ctx, st, p.prep.stmt, r)
	case *ast.Execute:
		return s.executePrepared(ctx, st, r)
	case *ast.Deallocate:
		if st.All {
			clear(s.prepared)
			return r.Complete("DEALLOCATE ALL")
		}
		if s.prepared[st.Name] == nil {
			return noStatement(st.Name)
		}
		delete(s.prepared, st.Name)
		return r.Complete("DEALLOCATE")
	case *ast.Discard:
		return s.discard(st, r)
	case *ast.Lock, *ast.SetConstraints:
		return r.Complete(p.prep.stmt.AST.Tag())
	case *ast.Maintenance:
		return r.Complete(st.Tag())
	}
	return sqlerr.Internal("utility statement of unknown type %T", p.prep.stmt.AST)
}

// utilityFields returns the columns of utility statements that have some.
func utilityFields(st ast.Statement) ([]planner.Field, bool) {
	switch st := st.(type) {
	case *ast.Show:
		if st.Name == "all" {
			return []planner.Field{textField("name"), textField("setting"), textField("description")}, true
		}
		name := st.Name
		if d := findSetting(name); d != nil {
			name = d.name
		}
		return []planner.Field{textField(name)}, true
	case *ast.ShowObjects:
		return []planner.Field{textField("schema"), textField("name")}, true
	case *ast.ShowCreate:
		return []planner.Field{textField("name"), textField("create_sql")}, true
	case *ast.Describe:
		return []planner.Field{{Name: "column_name", Type: types.Name}, {Name: "data_type", Type: types.Varchar}, {Name: "is_nullable", Type: types.Varchar}}, true
	case *ast.Verify:
		return verifyFields, true
	}
	return nil, false
}

func (s *conn) setSetting(ctx context.Context, st *ast.Set, r session.Results) error {
	name := st.Name
	if isClock(name) {
		if st.Reset || st.Default || st.Local {
			return sqlerr.New(sqlerr.CantChangeRuntimeParam, "parameter %q can only be set forward", clockSetting)
		}
		if err := s.setClockText(ctx, st.Text()); err != nil {
			return err
		}
		return r.Complete(st.Tag())
	}
	if st.Reset && name == "all" {
		clear(s.set.values)
		s.set.display = nil
		s.report()
		return r.Complete("RESET")
	}
	if st.Local && !s.explicit {
		s.warn(sqlerr.NoActiveSQLTransaction, "SET LOCAL can only be used in transaction blocks")
		return r.Complete("SET")
	}
	if st.Local {
		d := findSetting(name)
		key := strings.ToLower(name)
		if d != nil {
			key = d.name
		}
		if s.local == nil {
			s.local = make(map[string]string)
		}
		if _, ok := s.local[key]; !ok {
			s.local[key] = s.set.values[key]
		}
	}
	var d *setting
	var err error
	if st.Reset || st.Default {
		d, err = s.set.restore(name)
	} else {
		d, err = s.set.set(name, st.Text())
	}
	if err != nil {
		return err
	}
	if d != nil {
		s.report()
	}
	return r.Complete(st.Tag())
}

func (s *conn) show(st *ast.Show, r session.Results) error {
	fields, _ := utilityFields(st)
	if st.Name == "all" {
		var rows [][]string
		for _, v := range s.set.list() {
			rows = append(rows, []string{v.Name, v.Value, v.Description})
		}
		return s.textRows(fields, rows, "SHOW", r)
	}
	v, err := s.showValue(st.Name)
	if err != nil {
		return err
	}
	return s.textRows(fields, [][]string{{v}}, "SHOW", r)
}

func (s *conn) showValue(name string) (string, error) {
	switch strings.ToLower(name) {
	case "transaction_isolation":
		if s.t != nil && s.t.serializable || s.modes.Isolation == "serializable" {
			return "serializable", nil
		}
		return "repeatable read", nil
	case "transaction_read_only":
		if s.t != nil && s.t.readOnly {
			return "on", nil
		}
		return "off", nil
	case clockSetting:
		return s.showClock()
	}
	v, ok := s.set.get(name)
	if !ok {
		return "", sqlerr.New(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", name)
	}
	return v, nil
}

// textRows sends rows of texts.
func (s *conn) textRows(fields []planner.Field, rows [][]string, tag string, r session.Results) error {
	if err := r.Fields(wireFields(fields)); err != nil {
		return err
	}
	c := &chunk.Chunk{Rows: len(rows)}
	for i := range fields {
		col := chunk.NewColumn(fields[i].Type, len(rows))
		for _, row := range rows {
			col.AppendString(row[i])
		}
		c.Cols = append(c.Cols, col)
	}
	if len(rows) > 0 {
		if err := r.Chunk(c); err != nil {
			return err
		}
	}
	return r.Complete(tag)
}

// sub runs a query of ours in the session, as if the client had sent it.
func (s *conn) sub(ctx context.Context, query, tag string, r session.Results) error {
	st, err := parser.ParseOne(query)
	if err != nil {
		return err
	}
	return s.execute(ctx, &portal{prep: &prepared{stmt: st}}, &retagged{Results: r, tag: tag})
}

// retagged completes with another tag.
type retagged struct {
	session.Results
	tag string
}

// Complete completes with the tag.
func (r *retagged) Complete(string) error { return r.Results.Complete(r.tag) }

func (s *conn) showObjects(_ context.Context, st *ast.ShowObjects, r session.Results) error {
	kinds := map[ast.ObjectKind]catalog.Kind{ast.KindTable: catalog.KindTable, ast.KindView: catalog.KindView, ast.KindMaterializedView: catalog.KindMatView,
		ast.KindSource: catalog.KindSource, ast.KindSink: catalog.KindSink, ast.KindIndex: catalog.KindIndex, ast.KindSequence: catalog.KindSequence, ast.KindSchema: catalog.KindSchema}
	k, ok := kinds[st.Kind]
	if !ok {
		return sqlerr.Unsupported("SHOW of this kind of object", st.Loc())
	}
	var rows [][]string
	for _, d := range s.t.cat.All() {
		if d.Kind != k {
			continue
		}
		n := s.t.cat.QualifiedName(d)
		if st.From != nil && n.Schema != st.From.Name || st.Like != "" && !likeMatch(st.Like, d.Name) {
			continue
		}
		rows = append(rows, []string{n.Schema, d.Name})
	}
	fields, _ := utilityFields(st)
	return s.textRows(fields, rows, "SHOW", r)
}

// likeMatch matches % and _ patterns.
func likeMatch(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch pattern[0] {
	case '%':
		for i := 0; i <= len(s); i++ {
			if likeMatch(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	case '_':
		return s != "" && likeMatch(pattern[1:], s[1:])
	}
	return s != "" && s[0] == pattern[0] && likeMatch(pattern[1:], s[1:])
}

func (s *conn) showCreate(st *ast.ShowCreate, r session.Results) error {
	d := s.t.cat.Find(s.resolvedPath(s.t.cat), catalog.Name{Schema: st.Name.Schema, Name: st.Name.Name})
	if d == nil {
		return sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", st.Name.Name).At(st.Name.Loc())
	}
	sql := createStatement(s.t.cat, d)
	if sql == "" {
		return sqlerr.Unsupported("SHOW CREATE of a "+string(d.Kind), st.Loc())
	}
	fields, _ := utilityFields(st)
	return s.textRows(fields, [][]string{{d.Name, sql}}, "SHOW", r)
}

func (s *conn) discard(st *ast.Discard, r session.Results) error {
	if strings.EqualFold(st.What, "all") {
		if s.explicit {
			return sqlerr.New(sqlerr.ActiveSQLTransaction, "DISCARD ALL cannot run inside a transaction block")
		}
		for _, c := range s.cursors {
			c.close()
		}
		clear(s.cursors)
		clear(s.prepared)
		clear(s.set.values)
		s.set.display = nil
		s.db.locks().releaseAll(s.start.PID)
		clear(s.seq)
		s.lastSeq = 0
		s.report()
	}
	return r.Complete(st.Tag())
}

func (s *conn) prepare(ctx context.Context, st *ast.Prepare, text parser.Statement, r session.Results) error {
	if s.prepared[st.Name] != nil {
		return sqlerr.New(sqlerr.DuplicatePreparedStatement, "prepared statement %q already exists", st.Name)
	}
	p := &prepared{stmt: parser.Statement{AST: st.Stmt, Text: text.Text, Offset: text.Offset}, made: s.db.now(), viaSQL: true}
	for _, tn := range st.Types {
		t, err := planner.New(s.t.cat, planner.Options{SearchPath: s.set.searchPath()}).Type(tn)
		if err != nil {
			return err
		}
		p.given = append(p.given, t)
	}
	if err := s.describe(ctx, p); err != nil {
		return err
	}
	s.prepared[st.Name] = p
	return r.Complete("PREPARE")
}

func (s *conn) executePrepared(ctx context.Context, st *ast.Execute, r session.Results) error {
	p := s.prepared[st.Name]
	if p == nil {
		return noStatement(st.Name)
	}
	if len(st.Args) != len(p.params) {
		return sqlerr.New(sqlerr.SyntaxError, "wrong number of parameters for prepared statement %q", st.Name).
			WithDetail("Expected %d parameters but got %d.", len(p.params), len(st.Args))
	}
	po := &portal{prep: p}
	for i, a := range st.Args {
		d, err := s.scalar(ctx, a, p.params[i])
		if err != nil {
			return err
		}
		po.values = append(po.values, *expr.Const(p.params[i], d))
	}
	return s.execute(ctx, po, r)
}

// scalar evaluates an expression without columns as type t.
func (s *conn) scalar(ctx context.Context, e ast.Expr, t types.Type) (types.Datum, error) {
	st, err := parser.ParseOne("SELECT CAST((" + ast.String(e) + ") AS " + t.String() + ")")
	if err != nil {
		return types.NullDatum, err
	}
	planned, err := s.plan(s.t, &prepared{stmt: st})
	if err != nil {
		return types.NullDatum, err
	}
	rows, err := s.collect(ctx, s.t, planned.(*planner.Query).Plan, nil)
	if err != nil {
		return types.NullDatum, err
	}
	return rows.Cols[0].Datum(0), nil
}
