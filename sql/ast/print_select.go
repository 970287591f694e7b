package ast

func (p *printer) sel(q *Select) {
	if q.With != nil {
		p.with(q.With)
	}
	p.body(q.Body)
	if len(q.OrderBy) > 0 {
		p.clause(2, "ORDER BY ")
		p.sortItems(q.OrderBy)
	}
	if q.Limit != nil && !q.WithTies {
		p.clause(1, "LIMIT ")
		p.expr(q.Limit, precLowest)
	}
	if q.Offset != nil {
		p.clause(1, "OFFSET ")
		p.expr(q.Offset, precLowest)
		if q.WithTies {
			p.put(" ROWS")
		}
	}
	if q.Limit != nil && q.WithTies {
		p.clause(1, "FETCH FIRST ")
		p.put("(")
		p.expr(q.Limit, precLowest)
		p.put(") ROWS WITH TIES")
	}
	for _, l := range q.Locking {
		p.locking(l)
	}
	if q.Emit != nil {
		p.emit(q.Emit)
	}
}

func (p *printer) emit(e *Emit) {
	switch e.Kind {
	case EmitOnUpdate:
		p.clause(1, "EMIT ON UPDATE")
	case EmitOnWindowClose:
		p.clause(1, "EMIT ON WINDOW CLOSE")
	case EmitEvery:
		p.clause(1, "EMIT EVERY ")
		p.every(e.Every)
	}
}

// every prints EMIT's interval in the only spelling the clause takes.
func (p *printer) every(e Expr) {
	if c, ok := e.(*Cast); ok {
		if lit, ok := c.Arg.(*StringLit); ok {
			p.put("INTERVAL ", QuoteLiteral(lit.Value))
			if w := intervalWords[c.Type.IntervalFields]; w != "" {
				p.put(" ", w)
			}
			return
		}
	}
	p.expr(e, precLowest)
}

func (p *printer) locking(l Locking) {
	p.clause(1, [...]string{"FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[l.Strength])
	for i, n := range l.Of {
		if i == 0 {
			p.put(" OF ")
		} else {
			p.put(", ")
		}
		p.put(n.String())
	}
	if l.NoWait {
		p.put(" NOWAIT")
	}
	if l.SkipLocked {
		p.put(" SKIP LOCKED")
	}
}

func (p *printer) with(w *With) {
	p.put("WITH ")
	if w.Recursive {
		p.put("RECURSIVE ")
	}
	for i, c := range w.CTEs {
		if i > 0 {
			p.put(", ")
		}
		p.put(QuoteIdent(c.Name))
		if len(c.Columns) > 0 {
			p.put("(")
			p.idents(c.Columns)
			p.put(")")
		}
		p.put(" AS ")
		if c.Materialized {
			p.put("MATERIALIZED ")
		}
		if c.NotMaterialized {
			p.put("NOT MATERIALIZED ")
		}
		p.put("(")
		p.node(c.Stmt)
		p.put(")")
	}
	p.put(" ")
}

func (p *printer) body(b QueryBody) {
	switch b := b.(type) {
	case *SelectCore:
		p.core(b)
	case *SetOperation:
		p.arm(b.Left, b.Op, false)
		p.clause(0, [...]string{"UNION ", "INTERSECT ", "EXCEPT "}[b.Op])
		if b.All {
			p.put("ALL ")
		}
		p.arm(b.Right, b.Op, true)
	case *Values:
		p.put("VALUES ")
		for i, row := range b.Rows {
			if i > 0 {
				p.put(", ")
			}
			p.call("", row)
		}
	}
}

// arm prints an operand of a set operation, in parentheses where the grammar
// would read it otherwise: around anything but a plain body, a right operand
// that is itself an operation, and a looser one under INTERSECT.
func (p *printer) arm(q *Select, op SetOp, right bool) {
	inner, nested := q.Body.(*SetOperation)
	plain := q.With == nil && len(q.OrderBy) == 0 && q.Limit == nil && q.Offset == nil && len(q.Locking) == 0
	if plain && nested {
		plain = !right && (op != Intersect || inner.Op == Intersect) || right && op != Intersect && inner.Op == Intersect
	}
	if plain {
		p.sel(q)
		return
	}
	p.query(q)
}

func (p *printer) core(c *SelectCore) {
	p.put("SELECT")
	if c.Distinct {
		p.put(" DISTINCT")
	}
	if len(c.DistinctOn) > 0 {
		p.put(" ON (")
		p.exprs(c.DistinctOn)
		p.put(")")
	}
	p.targets(c.Targets)
	for i, t := range c.From {
		if i == 0 {
			p.clause(3, "FROM ")
		} else {
			p.put(", ")
		}
		p.tableRef(t)
	}
	if c.Where != nil {
		p.clause(2, "WHERE ")
		p.expr(c.Where, precLowest)
	}
	if len(c.GroupBy) > 0 {
		p.clause(2, "GROUP BY ")
		if c.GroupDistinct {
			p.put("DISTINCT ")
		}
		p.groupItems(c.GroupBy)
	}
	if c.Having != nil {
		p.clause(2, "HAVING ")
		p.expr(c.Having, precLowest)
	}
	for i, w := range c.Windows {
		if i == 0 {
			p.clause(2, "WINDOW ")
		} else {
			p.put(", ")
		}
		p.put(QuoteIdent(w.Name), " AS ")
		p.window(w)
	}
}

func (p *printer) targets(list []Target) {
	for i, t := range list {
		switch {
		case i == 0:
			p.put(" ")
		case p.pretty:
			p.put(",")
			p.clause(4, "")
		default:
			p.put(", ")
		}
		p.expr(t.Expr, precLowest)
		if t.Alias != "" {
			p.put(" AS ", QuoteIdent(t.Alias))
		}
	}
}

func (p *printer) groupItems(items []GroupItem) {
	for i, g := range items {
		if i > 0 {
			p.put(", ")
		}
		switch g.Kind {
		case GroupExpr:
			p.expr(g.Expr, precLowest)
			continue
		case GroupEmpty:
			p.put("()")
			continue
		case GroupRollup:
			p.put("ROLLUP (")
		case GroupCube:
			p.put("CUBE (")
		case GroupSets:
			p.put("GROUPING SETS (")
		}
		p.groupItems(g.Items)
		p.put(")")
	}
}

func (p *printer) alias(a *Alias) {
	if a == nil {
		return
	}
	switch a.Name {
	case "asof", "emit", "qualify": // clauses of ours where no AS says otherwise
		p.put(" AS")
	}
	p.put(" ", QuoteIdent(a.Name))
	if len(a.Columns) > 0 {
		p.put("(")
		p.idents(a.Columns)
		p.put(")")
	}
}

func (p *printer) tableRef(t TableRef) {
	switch t := t.(type) {
	case *TableName:
		if t.Only {
			p.put("ONLY ")
		}
		if t.Late {
			p.put("late(", t.Name.String(), ")")
		} else {
			p.put(t.Name.String())
		}
		if t.AsOf != nil {
			p.put(" FOR SYSTEM_TIME AS OF ")
			if t.AsOf.Proctime {
				p.put("PROCTIME()")
			} else {
				p.expr(t.AsOf.Time, precLowest)
			}
		}
		p.alias(t.Alias)
	case *SubqueryRef:
		if t.Lateral {
			p.put("LATERAL ")
		}
		p.query(t.Query)
		p.alias(t.Alias)
	case *FuncRef:
		p.funcRef(t)
	case *WindowTVF:
		p.windowTVF(t)
	case *Join:
		p.join(t)
	}
}

func (p *printer) funcRef(t *FuncRef) {
	if t.Lateral {
		p.put("LATERAL ")
	}
	if t.RowsFrom {
		p.put("ROWS FROM (")
	}
	for i, f := range t.Funcs {
		if i > 0 {
			p.put(", ")
		}
		p.expr(f.Call, precLowest)
		if len(f.ColDefs) > 0 {
			p.put(" AS ")
			p.columnSpecs(f.ColDefs)
		}
	}
	if t.RowsFrom {
		p.put(")")
	}
	if t.Ordinality {
		p.put(" WITH ORDINALITY")
	}
	if len(t.ColDefs) > 0 {
		p.put(" AS ")
		if t.Alias != nil {
			p.put(QuoteIdent(t.Alias.Name))
		}
		p.columnSpecs(t.ColDefs)
		return
	}
	p.alias(t.Alias)
}

func (p *printer) columnSpecs(list []ColumnSpec) {
	p.put("(")
	for i, c := range list {
		if i > 0 {
			p.put(", ")
		}
		p.put(QuoteIdent(c.Name), " ")
		p.typeName(c.Type)
	}
	p.put(")")
}

func (p *printer) windowTVF(t *WindowTVF) {
	p.put(t.Kind.String(), "(")
	switch in := t.Input.(type) {
	case *SubqueryRef:
		p.query(in.Query)
	case *TableName:
		if len(t.PartitionBy) > 0 {
			p.put("TABLE ")
		}
		p.put(in.Name.String())
	}
	if len(t.PartitionBy) > 0 {
		p.put(" PARTITION BY ")
		p.exprs(t.PartitionBy)
		p.put(", DESCRIPTOR(")
		p.bare(t.Time)
		p.put(")")
	} else {
		p.put(", ")
		p.bare(t.Time)
	}
	for _, e := range []Expr{t.Slide, t.Size, t.WindowOff} {
		if e != nil {
			p.put(", ")
			p.expr(e, precLowest)
		}
	}
	p.put(")")
	p.alias(t.Alias)
}

func (p *printer) join(j *Join) {
	if j.Alias != nil {
		p.put("(")
	}
	p.tableRef(j.Left)
	word := [...]string{"JOIN ", "LEFT JOIN ", "RIGHT JOIN ", "FULL JOIN ", "CROSS JOIN "}[j.Type]
	if j.Natural {
		word = "NATURAL " + word
	}
	if j.Asof {
		word = "ASOF " + word
	}
	p.clause(5, word)
	if right, nested := j.Right.(*Join); nested && right.Alias == nil {
		p.put("(")
		p.join(right)
		p.put(")")
	} else {
		p.tableRef(j.Right)
	}
	if j.Match != nil {
		p.put(" MATCH_CONDITION (")
		p.expr(j.Match, precLowest)
		p.put(")")
	}
	if len(j.Using) > 0 {
		p.put(" USING (")
		p.idents(j.Using)
		p.put(")")
		if j.UsingAlias != "" {
			p.put(" AS ", QuoteIdent(j.UsingAlias))
		}
	}
	if j.On != nil {
		p.put(" ON ")
		p.expr(j.On, precLowest)
	}
	if j.Alias != nil {
		p.put(")")
		p.alias(j.Alias)
	}
}
