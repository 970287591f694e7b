package planner

import (
	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// typeName resolves a type's name.
func (b *binder) typeName(t *ast.TypeName) (types.Type, error) {
	if t.SetOf {
		return types.Type{}, sqlerr.Unsupported("SETOF", b.pos(t))
	}
	typ, ok := types.LookupName(t.Name)
	if t.Name == "char" && t.Schema != "" || t.Name == `char` {
		typ, ok = types.QChar, true
	}
	if !ok && (t.Schema == "" || t.Schema == "pg_catalog") {
		if err := functions.MissingType(t.Name); err != nil {
			return types.Type{}, b.at(err, t)
		}
	}
	if !ok || t.Schema != "" && t.Schema != "pg_catalog" {
		name := t.Name
		if t.Schema != "" {
			name = t.Schema + "." + name
		}
		return types.Type{}, sqlerr.New(sqlerr.UndefinedObject, "type %q does not exist", name).At(b.pos(t))
	}
	var mods []int32
	if t.IntervalFields != 0 && typ.Kind == types.KindInterval {
		mods = append(mods, int32(t.IntervalFields))
	} else if typ.Kind == types.KindInterval && len(t.Mods) > 0 {
		mods = append(mods, int32(ast.IntervalFull))
	}
	for _, m := range t.Mods {
		mods = append(mods, int32(m))
	}
	mod, err := types.MakeTypmod(typ.Kind, mods)
	if err != nil {
		return types.Type{}, b.at(err, t)
	}
	typ.Typmod = mod
	if t.Dims > 0 {
		if typ.IsArray() {
			return types.Type{}, sqlerr.Unsupported("an array of arrays", b.pos(t))
		}
		typ = types.ArrayOf(typ)
	}
	return typ, nil
}

// coerce brings e to a type, or says that it cannot: 42804 with PostgreSQL's words is
// the caller's where it knows the clause; here it is 42846.
func (b *binder) coerce(e *expr.Expr, to types.Type, ctx functions.CastContext) (*expr.Expr, error) {
	if isPseudo(to) {
		if e.Type.Kind == types.KindUnknown && to.Kind != functions.Any.Kind {
			to = types.Text
		} else {
			return b.resolveUnknown(e)
		}
	}
	if e.Type.Kind == types.KindUnknown {
		return b.coerceUnknown(e, to, ctx)
	}
	b.noteType(e, to, ctx)
	id, ok := functions.FindCast(e.Type, to, ctx)
	if !ok {
		return nil, sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s", functions.TypeName(e.Type), functions.TypeName(to)).At(e.Pos)
	}
	out := e
	if id != "" {
		base := to.Base()
		out = b.fold(&expr.Expr{Op: expr.OpCall, Fn: id, Type: base, Args: []*expr.Expr{e}, Pos: e.Pos})
	}
	return b.applyTypmod(out, to, ctx), nil
}

// applyTypmod makes a value of the right kind obey a modifier.
func (b *binder) applyTypmod(e *expr.Expr, to types.Type, ctx functions.CastContext) *expr.Expr {
	if e.Type == to || to.Typmod < 0 || ctx == functions.Implicit {
		return e
	}
	id := functions.TypmodCast(to, ctx)
	if id == "" {
		return e
	}
	return b.fold(&expr.Expr{Op: expr.OpCall, Fn: id, Type: to, Args: []*expr.Expr{e}, Pos: e.Pos})
}

// coerceUnknown gives a literal, NULL or parameter without a type one.
func (b *binder) coerceUnknown(e *expr.Expr, to types.Type, ctx functions.CastContext) (*expr.Expr, error) {
	switch e.Op {
	case expr.OpParam:
		if b.params[e.Col].Kind == types.KindUnknown {
			b.params[e.Col] = to.Base()
		}
		c := *e
		c.Type = b.params[e.Col]
		return b.coerce(&c, to, max(ctx, functions.Assignment))
	case expr.OpConst:
		if e.Val.Null {
			c := expr.Null(to)
			c.Pos = e.Pos
			return c, nil
		}
		as := to.Base()
		if to.Kind == types.KindInterval {
			as = to // the fields of INTERVAL '1' HOUR say how the text is read
		}
		d, err := types.ParseText(as, e.Val.S, b.p.opts.Settings)
		if err != nil {
			return nil, sqlerr.As(err).At(e.Pos)
		}
		b.noteType(e, to, ctx)
		c := expr.Const(as, d)
		c.Pos = e.Pos
		if as == to {
			return c, nil
		}
		r := b.applyTypmod(c, to, max(ctx, functions.Assignment))
		if r.Op != expr.OpConst && ctx != functions.Explicit {
			if _, err = types.ParseText(to, e.Val.S, b.p.opts.Settings); err != nil {
				return nil, sqlerr.As(err).At(e.Pos)
			}
		}
		return r, nil
	}
	return b.coerce(retype(e, types.Text), to, max(ctx, functions.Assignment))
}

// retype gives e another type; only for expressions of unknown type.
func retype(e *expr.Expr, t types.Type) *expr.Expr {
	c := *e
	c.Type = t
	return &c
}

// resolveUnknown makes text of what is still of unknown type.
func (b *binder) resolveUnknown(e *expr.Expr) (*expr.Expr, error) {
	if e.Type.Kind != types.KindUnknown {
		return e, nil
	}
	return b.coerceUnknown(e, types.Text, functions.Implicit)
}

// isPseudo tells whether t is a pseudo-type of a signature.
func isPseudo(t types.Type) bool { return t.Kind >= functions.Any.Kind }

// boolean brings a condition to boolean; clause is WHERE, HAVING, …
func (b *binder) boolean(e *expr.Expr, clause string) (*expr.Expr, error) {
	if e.Type.Kind == types.KindUnknown {
		return b.coerceUnknown(e, types.Bool, functions.Implicit)
	}
	if e.Type.Kind != types.KindBool {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s",
			clause, functions.TypeName(e.Type)).At(leftmost(e))
	}
	return e, nil
}

// common brings expressions to one type; what is CASE, UNION, …
func (b *binder) common(what string, list []*expr.Expr) ([]*expr.Expr, types.Type, error) {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type
	}
	t, err := functions.CommonType(what, ts...)
	if err != nil {
		return nil, t, sqlerr.As(err).At(b.mismatchPos(list))
	}
	out := make([]*expr.Expr, len(list))
	for i, e := range list {
		if out[i], err = b.coerce(e, t, functions.Implicit); err != nil {
			return nil, t, err
		}
	}
	return out, t, nil
}

// mismatchPos guesses which member does not fit: the first whose type differs from
// the first typed one.
func (b *binder) mismatchPos(list []*expr.Expr) int {
	var first *expr.Expr
	for _, e := range list {
		switch {
		case e.Type.Kind == types.KindUnknown:
		case first == nil:
			first = e
		case e.Type.Category() != first.Type.Category():
			return e.Pos
		}
	}
	return -1
}

// assign brings a value to a column's type as INSERT and UPDATE do.
func (b *binder) assign(e *expr.Expr, to types.Type, column string) (*expr.Expr, error) {
	if e.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(e.Type, to, functions.Assignment); !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "column %q is of type %s but expression is of type %s",
				column, functions.TypeName(to), functions.TypeName(e.Type)).
				WithHint("You will need to rewrite or cast the expression.").At(e.Pos)
		}
	}
	return b.coerce(e, to, functions.Assignment)
}

// coerceCol brings column i of a relation to a type: in the expressions that make it
// where they are constants, else in a projection above.
func (b *binder) coerceCols(r *relation, to []types.Type, ctx functions.CastContext) error {
	literal := map[logical.ColID]types.Type{}
	same := true
	for i, c := range r.cols {
		if b.meta.Type(c.id) == to[i] {
			continue
		}
		if b.meta.Type(c.id).Kind == types.KindUnknown {
			if have, ok := literal[c.id]; !ok || have == to[i] {
				literal[c.id] = to[i]
				continue
			}
		}
		same = false
	}
	if len(literal) > 0 {
		node, err := b.retypeLiterals(r.node, literal, ctx)
		if err != nil {
			return err
		}
		r.node = node
	}
	if same {
		return nil
	}
	pr := &logical.Project{Input: r.node}
	cols := make([]*scopeCol, len(r.cols))
	for i, c := range r.cols {
		e, err := b.coerce(b.meta.Ref(c.id), to[i], ctx)
		if err != nil {
			return err
		}
		n := *c
		if e.Op != expr.OpColumn {
			n.id = b.meta.Add(c.name, to[i])
			n.table, n.column = 0, 0
		}
		cols[i] = &n
		pr.Out = append(pr.Out, n.id)
		pr.Exprs = append(pr.Exprs, e)
	}
	r.node, r.cols, r.ordered = pr, cols, false
	return nil
}

// retypeLiterals gives the constants behind columns of unknown type their types.
func (b *binder) retypeLiterals(n logical.Node, to map[logical.ColID]types.Type, ctx functions.CastContext) (logical.Node, error) {
	for id, t := range to {
		b.meta.SetType(id, t)
	}
	switch n := n.(type) {
	case *logical.Project:
		c := *n
		c.Exprs = append([]*expr.Expr(nil), n.Exprs...)
		for i, id := range n.Out {
			if t, ok := to[id]; ok {
				e, err := b.coerce(c.Exprs[i], t, ctx)
				if err != nil {
					return nil, err
				}
				c.Exprs[i] = e
			}
		}
		return &c, nil
	case *logical.Values:
		c := *n
		c.Rows = make([][]*expr.Expr, len(n.Rows))
		for r, row := range n.Rows {
			c.Rows[r] = append([]*expr.Expr(nil), row...)
			for i, id := range n.Out {
				if t, ok := to[id]; ok {
					e, err := b.coerce(row[i], t, ctx)
					if err != nil {
						return nil, err
					}
					c.Rows[r][i] = e
				}
			}
		}
		return &c, nil
	}
	return nil, sqlerr.Internal("a column of unknown type comes from %T", n)
}

// Type resolves the name of a type.
func (p *Planner) Type(t *ast.TypeName) (types.Type, error) { return p.newBinder(nil).typeName(t) }
