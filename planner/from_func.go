package planner

import (
	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// funcRef binds functions in FROM; they are always lateral.
func (b *binder) funcRef(f *ast.FuncRef, outer, siblings *scope) (*fromItem, error) {
	if len(f.ColDefs) > 0 {
		return nil, sqlerr.Unsupported("a column definition list", b.pos(f))
	}
	if it, err := b.relationFunc(f, outer); it != nil || err != nil {
		return it, err
	}
	ps := &logical.ProjectSet{}
	x := &exprCtx{b: b, scope: siblings, clause: "FROM"}
	var cols []*scopeCol
	scalars := &logical.Project{}
	for i := range f.Funcs {
		if len(f.Funcs[i].ColDefs) > 0 {
			return nil, sqlerr.Unsupported("a column definition list", b.pos(f))
		}
		c, err := b.fromFunc(x, ps, scalars, f.Funcs[i].Call)
		if err != nil {
			return nil, err
		}
		cols = append(cols, c...)
	}
	if len(ps.Funcs) > 0 && len(scalars.Out) > 0 {
		return nil, sqlerr.Unsupported("ROWS FROM with functions that return one row", b.pos(f))
	}
	name := "rows"
	if call, ok := f.Funcs[0].Call.(*ast.FuncCall); ok {
		name = call.Name.Name
	} else if len(cols) > 0 {
		name = cols[0].name
	}
	var node logical.Node = logical.Unit()
	node = x.apply(node)
	if len(ps.Funcs) > 0 {
		ps.Input = node
		node = ps
		if f.Ordinality {
			ps.Ordinality = b.meta.Add("ordinality", types.Int8)
			cols = append(cols, &scopeCol{name: "ordinality", id: ps.Ordinality})
		}
	} else {
		if f.Ordinality {
			id := b.meta.Add("ordinality", types.Int8)
			scalars.Out = append(scalars.Out, id)
			scalars.Exprs = append(scalars.Exprs, expr.Const(types.Int8, types.Datum{I: 1}))
			cols = append(cols, &scopeCol{name: "ordinality", id: id})
		}
		scalars.Input = node
		node = scalars
	}
	if f.Alias != nil && len(f.Alias.Columns) == 0 && len(f.Funcs) == 1 && (len(cols) == 1 || f.Ordinality && len(cols) == 2) &&
		functions.ColumnName(name) == name {
		cols[0].name = f.Alias.Name
	}
	it, err := b.item(&relation{node: node, cols: cols}, name, f.Alias, outer, b.pos(f))
	if err == nil {
		it.scope.tables[0].scalar = len(cols) == 1 && len(f.Funcs) == 1
	}
	return it, err
}

// relationFuncs is functions without arguments that return what a catalog relation shows.
var relationFuncs = map[string]catalog.Name{
	"pg_get_keywords":      {Schema: catalog.Streamdb, Name: "keywords"},
	"pg_timezone_names":    {Schema: catalog.PgCatalog, Name: "pg_timezone_names"},
	"pg_timezone_abbrevs":  {Schema: catalog.PgCatalog, Name: "pg_timezone_abbrevs"},
	"pg_show_all_settings": {Schema: catalog.PgCatalog, Name: "pg_settings"},
	"pg_lock_status":       {Schema: catalog.PgCatalog, Name: "pg_locks"},
}

// relationFunc binds such a function; nil if it is another.
func (b *binder) relationFunc(f *ast.FuncRef, outer *scope) (*fromItem, error) {
	if len(f.Funcs) != 1 || f.Ordinality {
		return nil, nil
	}
	call, ok := f.Funcs[0].Call.(*ast.FuncCall)
	if !ok || len(call.Args) > 0 || call.Name.Schema != "" && call.Name.Schema != catalog.PgCatalog {
		return nil, nil
	}
	v := b.p.opts.Virtuals.Find(b.path, relationFuncs[call.Name.Name])
	if v == nil {
		return nil, nil
	}
	r, _, err := b.virtual(v, b.pos(f))
	if err != nil {
		return nil, err
	}
	return b.item(r, call.Name.Name, f.Alias, outer, b.pos(f))
}

// fromFunc binds one function of FROM, set-returning or not, and gives its columns.
func (b *binder) fromFunc(x *exprCtx, ps *logical.ProjectSet, scalars *logical.Project, e ast.Expr) ([]*scopeCol, error) {
	call, ok := e.(*ast.FuncCall)
	if ok {
		name, err := b.functionName(&call.Name)
		if err != nil {
			return nil, err
		}
		if kind, found := kindOf(name); found && kind == functions.Set {
			if err := plainCall(name, call, b.pos(call)); err != nil {
				return nil, err
			}
			return b.fromSet(x, ps, name, call)
		}
	}
	v, err := x.typed(e)
	if err != nil {
		return nil, err
	}
	name := ast.ColumnName(e)
	id := b.meta.Add(name, v.Type)
	scalars.Out = append(scalars.Out, id)
	scalars.Exprs = append(scalars.Exprs, v)
	return []*scopeCol{{name: name, id: id}}, nil
}

// fromSet binds a set-returning function; unnest of several arrays runs them in parallel.
func (b *binder) fromSet(x *exprCtx, ps *logical.ProjectSet, name string, call *ast.FuncCall) ([]*scopeCol, error) {
	args, err := x.list(call.Args)
	if err != nil {
		return nil, err
	}
	groups := [][]*expr.Expr{args}
	if name == "unnest" && len(args) > 1 {
		groups = groups[:0]
		for _, a := range args {
			groups = append(groups, []*expr.Expr{a})
		}
	}
	var cols []*scopeCol
	for _, g := range groups {
		f, c, err := b.bindSet(name, g, b.pos(call))
		if err != nil {
			return nil, err
		}
		if len(f.Columns) == 0 {
			ps.Funcs = append(ps.Funcs, c)
			cols = append(cols, &scopeCol{name: functions.ColumnName(name), id: c.Col})
			continue
		}
		for _, part := range f.Columns {
			pf := functions.ByID(part.Fn)
			pc := logical.SetCall{Col: b.meta.Add(part.Name, pf.Ret), Fn: part.Fn, Args: c.Args, Type: pf.Ret}
			ps.Funcs = append(ps.Funcs, pc)
			cols = append(cols, &scopeCol{name: part.Name, id: pc.Col})
		}
	}
	return cols, nil
}
