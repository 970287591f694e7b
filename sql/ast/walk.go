package ast

// Walk visits n and what is below it, parents first, in the order of the text
// as far as the tree keeps it. Where visit returns false, the node's children
// are left out. Statements other than queries, INSERT, UPDATE and DELETE have
// no children here.
func Walk(n Node, visit func(Node) bool) {
	w := walker{visit: visit}
	w.node(n)
}

// WalkExpr visits e and the expressions below it, but does not enter queries:
// the *Select itself is visited, what is in it is not.
func WalkExpr(e Expr, visit func(Node) bool) {
	w := walker{visit: func(n Node) bool {
		ok := visit(n)
		_, query := n.(*Select)
		return ok && !query
	}}
	w.expr(e)
}

type walker struct{ visit func(Node) bool }

func (w *walker) node(n Node) {
	switch n := n.(type) {
	case nil:
	case Expr:
		w.expr(n)
	case *Select:
		w.sel(n)
	case TableRef:
		w.tableRef(n)
	case QueryBody:
		w.body(n)
	case *Insert, *Update, *Delete:
		w.dml(n)
	default:
		w.visit(n)
	}
}

func (w *walker) exprs(list []Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w *walker) expr(e Expr) {
	if e == nil || !w.visit(e) {
		return
	}
	switch e := e.(type) {
	case *Star:
		w.expr(e.Arg)
	case *Unary:
		w.expr(e.Arg)
	case *Binary:
		w.expr(e.Left)
		w.expr(e.Right)
	case *BoolExpr:
		w.exprs(e.Args)
	case *Not:
		w.expr(e.Arg)
	case *ArrayExpr:
		w.exprs(e.Elems)
	case *Subscript:
		w.expr(e.Arg)
		w.indexes(e.Indexes)
	case *FieldSelect:
		w.expr(e.Arg)
	case *Row:
		w.exprs(e.Args)
	case *Cast:
		w.expr(e.Arg)
	case *Collate:
		w.expr(e.Arg)
	case *NamedArg:
		w.expr(e.Arg)
	case *FuncCall:
		w.call(e)
	case *Case:
		w.expr(e.Arg)
		for _, arm := range e.Whens {
			w.expr(arm.Cond)
			w.expr(arm.Result)
		}
		w.expr(e.Else)
	default:
		w.predicate(e)
	}
}

func (w *walker) predicate(e Expr) {
	switch e := e.(type) {
	case *Coalesce:
		w.exprs(e.Args)
	case *NullIf:
		w.expr(e.Left)
		w.expr(e.Right)
	case *MinMax:
		w.exprs(e.Args)
	case *GroupingFunc:
		w.exprs(e.Args)
	case *IsNull:
		w.expr(e.Arg)
	case *IsTruth:
		w.expr(e.Arg)
	case *IsDistinct:
		w.expr(e.Left)
		w.expr(e.Right)
	case *Between:
		w.expr(e.Arg)
		w.expr(e.Low)
		w.expr(e.High)
	case *InList:
		w.expr(e.Arg)
		w.exprs(e.List)
	case *InSubquery:
		w.expr(e.Arg)
		w.sel(e.Query)
	case *Quantified:
		w.expr(e.Left)
		w.expr(e.Array)
		w.sel(e.Query)
	case *LikeExpr:
		w.expr(e.Arg)
		w.expr(e.Pattern)
		w.expr(e.Escape)
	case *Exists:
		w.sel(e.Query)
	case *Subquery:
		w.sel(e.Query)
	case *ArraySubquery:
		w.sel(e.Query)
	}
}

func (w *walker) indexes(list []Index) {
	for _, ix := range list {
		w.expr(ix.Lower)
		w.expr(ix.Upper)
	}
}

func (w *walker) sortItems(list []SortItem) {
	for _, it := range list {
		w.expr(it.Expr)
	}
}

func (w *walker) call(e *FuncCall) {
	w.exprs(e.Args)
	w.sortItems(e.OrderBy)
	w.expr(e.Filter)
	if e.Over != nil {
		w.window(e.Over)
	}
}

func (w *walker) window(d *WindowDef) {
	w.exprs(d.PartitionBy)
	w.sortItems(d.OrderBy)
	if d.Frame != nil {
		w.expr(d.Frame.Start.Offset)
		w.expr(d.Frame.End.Offset)
	}
}

func (w *walker) with(d *With) {
	if d == nil {
		return
	}
	for _, c := range d.CTEs {
		w.node(c.Stmt)
	}
}

func (w *walker) sel(q *Select) {
	if q == nil || !w.visit(q) {
		return
	}
	w.with(q.With)
	w.body(q.Body)
	w.sortItems(q.OrderBy)
	w.expr(q.Limit)
	w.expr(q.Offset)
}

func (w *walker) body(b QueryBody) {
	if b == nil || !w.visit(b) {
		return
	}
	switch b := b.(type) {
	case *SelectCore:
		w.exprs(b.DistinctOn)
		w.targets(b.Targets)
		w.tableRefs(b.From)
		w.expr(b.Where)
		w.groupItems(b.GroupBy)
		w.expr(b.Having)
		for _, d := range b.Windows {
			w.window(d)
		}
	case *SetOperation:
		w.sel(b.Left)
		w.sel(b.Right)
	case *Values:
		for _, row := range b.Rows {
			w.exprs(row)
		}
	}
}

func (w *walker) targets(list []Target) {
	for _, t := range list {
		w.expr(t.Expr)
	}
}

func (w *walker) groupItems(list []GroupItem) {
	for _, g := range list {
		w.expr(g.Expr)
		w.groupItems(g.Items)
	}
}

func (w *walker) tableRefs(list []TableRef) {
	for _, t := range list {
		w.tableRef(t)
	}
}

func (w *walker) tableRef(t TableRef) {
	if t == nil || !w.visit(t) {
		return
	}
	switch t := t.(type) {
	case *TableName:
		if t.AsOf != nil {
			w.expr(t.AsOf.Time)
		}
	case *SubqueryRef:
		w.sel(t.Query)
	case *FuncRef:
		for _, f := range t.Funcs {
			w.expr(f.Call)
		}
	case *WindowTVF:
		w.tableRef(t.Input)
		if t.Time != nil {
			w.expr(t.Time)
		}
		w.exprs([]Expr{t.Slide, t.Size, t.WindowOff})
		w.exprs(t.PartitionBy)
	case *Join:
		w.tableRef(t.Left)
		w.tableRef(t.Right)
		w.expr(t.Match)
		w.expr(t.On)
	}
}

func (w *walker) assignments(list []Assignment) {
	for _, a := range list {
		for _, c := range a.Columns {
			w.indexes(c.Indexes)
		}
		w.expr(a.Value)
	}
}

func (w *walker) dml(n Node) {
	if !w.visit(n) {
		return
	}
	switch s := n.(type) {
	case *Insert:
		w.with(s.With)
		w.sel(s.Source)
		if c := s.OnConflict; c != nil {
			for _, t := range c.Target {
				w.expr(t.Expr)
			}
			w.expr(c.Where)
			w.assignments(c.Set)
			w.expr(c.SetWhere)
		}
		w.targets(s.Returning)
	case *Update:
		w.with(s.With)
		w.tableRef(s.Table)
		w.assignments(s.Set)
		w.tableRefs(s.From)
		w.expr(s.Where)
		w.targets(s.Returning)
	case *Delete:
		w.with(s.With)
		w.tableRef(s.Table)
		w.tableRefs(s.Using)
		w.expr(s.Where)
		w.targets(s.Returning)
	}
}
