package planner

import (
	"strconv"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// composite is a row as a value: ROW(…), a relation's row, the result of a function with several columns. Binding keeps
// it apart in its fields; what is not taken apart again becomes its text, of type record, or a JSON object.
type composite struct {
	names []string
	exprs []*expr.Expr
	// whole says that it is a relation's row, which is NULL where all of it is: in an outer join.
	whole bool
}

// composite binds e if it is a row; nil if it is something else.
func (x *exprCtx) composite(e ast.Expr) (*composite, error) {
	switch e := e.(type) {
	case *ast.Row:
		if len(e.Args) == 1 && !e.Explicit {
			return nil, nil
		}
		c := &composite{}
		for i, a := range e.Args {
			v, err := x.typed(a)
			if err != nil {
				return nil, err
			}
			c.names, c.exprs = append(c.names, "f"+strconv.Itoa(i+1)), append(c.exprs, v)
		}
		return c, nil
	case *ast.ColumnRef:
		return x.rowOf(e.Parts, e)
	case *ast.Star:
		if len(e.Qualifier) > 0 {
			return x.rowOf(e.Qualifier, e)
		}
	case *ast.FuncCall:
		return x.compositeCall(e)
	}
	return nil, nil
}

// rowOf is the row that a name stands for: a column that holds rows, or a relation where no column has the name.
func (x *exprCtx) rowOf(parts []string, at ast.Node) (*composite, error) {
	if _, star := at.(*ast.Star); !star {
		if col, err := x.scope.find(&ast.ColumnRef{Pos: ast.Pos(at.Loc()), Parts: parts}); err == nil {
			if col.fields == nil {
				return nil, nil
			}
			return x.fieldsOf(col.fields, false), nil
		}
	}
	t, err := x.scope.findTable(parts, x.b.pos(at))
	if err != nil || t.scalar {
		return nil, nil
	}
	return x.fieldsOf(visible(t.cols), true), nil
}

func (x *exprCtx) fieldsOf(cols []*scopeCol, whole bool) *composite {
	c := &composite{whole: whole}
	for _, col := range cols {
		if col.table != 0 {
			x.b.use(col.table, col.column)
		}
		name := col.name
		if col.field != "" {
			name = col.field
		}
		c.names, c.exprs = append(c.names, name), append(c.exprs, x.b.meta.Ref(col.id))
	}
	return c
}

// compositeCall binds a set-returning function with several columns in a select list.
func (x *exprCtx) compositeCall(e *ast.FuncCall) (*composite, error) {
	b := x.b
	if x.sets == nil || e.Over != nil {
		return nil, nil
	}
	name, err := b.functionName(&e.Name)
	if err != nil {
		return nil, err
	}
	if kind, _ := kindOf(name); kind != functions.Set || len(functions.ByName(name)[0].Columns) == 0 {
		return nil, nil
	}
	if err := plainCall(name, e, b.pos(e)); err != nil {
		return nil, err
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	f, call, err := b.bindSet(name, args, b.pos(e))
	if err != nil {
		return nil, err
	}
	c := &composite{}
	for _, part := range f.Columns {
		pf := functions.ByID(part.Fn)
		pc := logical.SetCall{Col: b.meta.Add(part.Name, pf.Ret), Fn: part.Fn, Args: call.Args, Type: pf.Ret}
		*x.sets = append(*x.sets, pc)
		c.names, c.exprs = append(c.names, part.Name), append(c.exprs, b.meta.Ref(pc.Col))
	}
	return c, nil
}

// record makes a value of type record of a row.
func (b *binder) record(c *composite, pos int) (*expr.Expr, error) {
	r, err := b.callHidden("row_value", pos, types.Of(types.KindRecord), c.exprs...)
	if err != nil {
		return nil, err
	}
	return b.nullRow(c, r), nil
}

// nullRow makes NULL of the value of a relation's row that is not there.
func (b *binder) nullRow(c *composite, v *expr.Expr) *expr.Expr {
	if !c.whole || len(c.exprs) == 0 {
		return v
	}
	parts := make([]*expr.Expr, len(c.exprs))
	for i, e := range c.exprs {
		parts[i] = logical.IsNull(e)
	}
	return &expr.Expr{Op: expr.OpCase, Type: v.Type, Args: []*expr.Expr{logical.And(parts...), expr.Null(v.Type), v}, Pos: v.Pos}
}

// jsonKind is what JSON type a function makes of rows, if it is one that does.
func jsonKind(name string) (types.Type, bool) {
	switch name {
	case "row_to_json", "to_json", "json_agg", "json_build_array", "json_build_object", "json_object_agg":
		return types.JSON, true
	case "to_jsonb", "jsonb_agg", "jsonb_build_array", "jsonb_build_object", "jsonb_object_agg":
		return types.JSONB, true
	}
	return types.Type{}, false
}

// callArgs binds a call's arguments; functions that make JSON get a row as an object.
func (x *exprCtx) callArgs(name string, args []ast.Expr) ([]*expr.Expr, error) {
	to, isJSON := jsonKind(name)
	if !isJSON {
		return x.list(args)
	}
	out := make([]*expr.Expr, len(args))
	for i, a := range args {
		c, err := x.composite(a)
		if err != nil {
			return nil, err
		}
		if c == nil {
			if out[i], err = x.bind(a); err != nil {
				return nil, err
			}
			continue
		}
		if out[i], err = x.b.jsonRow(c, to, x.b.pos(a)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// jsonRow makes a JSON object of a row.
func (b *binder) jsonRow(c *composite, to types.Type, pos int) (*expr.Expr, error) {
	var args []*expr.Expr
	for i, e := range c.exprs {
		args = append(args, expr.Const(types.Text, types.Datum{S: c.names[i]}), e)
	}
	id := "json_row"
	if to.Kind == types.KindJSONB {
		id = "jsonb_row"
	}
	v, err := b.callHidden(id, pos, to, args...)
	if err != nil {
		return nil, err
	}
	return b.nullRow(c, v), nil
}

// field binds (row).name.
func (x *exprCtx) field(e *ast.FieldSelect) (*expr.Expr, error) {
	pos := x.b.pos(e)
	c, err := x.composite(e.Arg)
	if err != nil {
		return nil, err
	}
	if c == nil {
		v, err := x.typed(e.Arg)
		if err != nil {
			return nil, err
		}
		return nil, sqlerr.New(sqlerr.WrongObjectType, "column notation .%s applied to type %s, which is not a composite type",
			e.Field, functions.TypeName(v.Type)).At(pos)
	}
	for i, n := range c.names {
		if n == e.Field {
			return c.exprs[i], nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedColumn, "could not identify column %q in record data type", e.Field).At(pos)
}

// target binds an item of a select list. A row's fields come along, for the query around, if it asks for them.
func (c *coreBinder) target(e ast.Expr) (*expr.Expr, *composite, error) {
	row, err := c.out.composite(e)
	if err != nil {
		return nil, nil, err
	}
	if row == nil {
		v, err := c.out.bind(e)
		return v, nil, err
	}
	v, err := c.b.record(row, c.b.pos(e))
	return v, row, err
}

// keepFields adds the fields of the rows in the select list behind its columns, where no name finds them.
func (c *coreBinder) keepFields(rows map[*scopeCol]*composite) {
	for _, col := range c.cols[:len(c.cols):len(c.cols)] {
		row := rows[col]
		if row == nil {
			continue
		}
		for i, e := range row.exprs {
			f := &scopeCol{name: col.name + "." + row.names[i], field: row.names[i], hidden: true}
			col.fields = append(col.fields, f)
			c.add(f, e)
		}
	}
}

// sortItems takes rows in ORDER BY apart: they sort by their members.
func sortItems(items []ast.SortItem) []ast.SortItem {
	var out []ast.SortItem
	for _, s := range items {
		row, ok := s.Expr.(*ast.Row)
		if !ok {
			out = append(out, s)
			continue
		}
		for _, a := range row.Args {
			one := s
			one.Expr = a
			out = append(out, one)
		}
	}
	return out
}

// rowsCompared is the two rows that names stand for in a comparison; nil if it compares something else.
func (x *exprCtx) rowsCompared(e *ast.Binary) (l, r *composite, err error) {
	for _, side := range []ast.Expr{e.Left, e.Right} {
		switch side.(type) {
		case *ast.ColumnRef, *ast.Row:
		default:
			return nil, nil, nil
		}
	}
	if l, err = x.composite(e.Left); l == nil || err != nil {
		return nil, nil, err
	}
	if r, err = x.composite(e.Right); r == nil || err != nil {
		return nil, nil, err
	}
	if len(l.exprs) != len(r.exprs) {
		return nil, nil, sqlerr.New(sqlerr.DatatypeMismatch, "cannot compare record types with different numbers of columns").At(x.b.pos(e))
	}
	return l, r, nil
}

// rowIsNull binds row IS [NOT] NULL: all its fields are.
func (x *exprCtx) rowIsNull(c *composite, e *ast.IsNull) *expr.Expr {
	parts := make([]*expr.Expr, len(c.exprs))
	for i, v := range c.exprs {
		if parts[i] = logical.IsNull(v); e.Not {
			parts[i] = logical.Not(parts[i])
		}
	}
	return x.b.fold(logical.And(parts...))
}

// compareRecords compares two rows; unlike row constructors, rows have NULLs that equal each other.
func (b *binder) compareRecords(op string, l, r *composite, pos int) (*expr.Expr, error) {
	if op != "=" && op != "<>" && op != "!=" {
		return nil, sqlerr.Unsupported("an order of rows as values", pos)
	}
	parts := make([]*expr.Expr, len(l.exprs))
	for i := range l.exprs {
		d, err := b.distinct(l.exprs[i], r.exprs[i], pos)
		if err != nil {
			return nil, err
		}
		parts[i] = logical.Not(d)
	}
	eq := logical.And(parts...)
	if op != "=" {
		eq = logical.Not(eq)
	}
	return b.fold(eq), nil
}
