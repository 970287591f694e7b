package ast

func (p *printer) funcCall(e *FuncCall) {
	if e.SQLSyntax && p.sqlCall(e) {
		return
	}
	p.put(e.Name.String(), "(")
	if e.Distinct {
		p.put("DISTINCT ")
	}
	if e.Star {
		p.put("*")
	}
	for i, a := range e.Args {
		if i > 0 {
			p.put(", ")
		}
		if e.Variadic && i == len(e.Args)-1 {
			p.put("VARIADIC ")
		}
		p.expr(a, precLowest)
	}
	if len(e.OrderBy) > 0 && !e.WithinGroup {
		p.put(" ORDER BY ")
		p.sortItems(e.OrderBy)
	}
	p.put(")")
	if e.WithinGroup {
		p.put(" WITHIN GROUP (ORDER BY ")
		p.sortItems(e.OrderBy)
		p.put(")")
	}
	if e.Filter != nil {
		p.put(" FILTER (WHERE ")
		p.expr(e.Filter, precLowest)
		p.put(")")
	}
	if e.Over != nil {
		p.put(" OVER ")
		if e.Over.RefOnly {
			p.put(QuoteIdent(e.Over.Ref))
		} else {
			p.window(e.Over)
		}
	}
}

// sqlCall prints the calls that SQL spells in words; it is false for those
// that read the same as plain calls.
func (p *printer) sqlCall(e *FuncCall) bool {
	a := e.Args
	switch name := e.Name.Name; {
	case name == "timezone" && len(a) == 1:
		p.expr(a[0], precAt)
		p.put(" AT LOCAL")
	case name == "timezone" && len(a) == 2:
		p.expr(a[1], precAt)
		p.put(" AT TIME ZONE ")
		p.expr(a[0], precAt+1)
	case name == "extract" && len(a) == 2:
		field, ok := a[0].(*StringLit)
		if !ok {
			return false
		}
		p.put("EXTRACT(", QuoteLiteral(field.Value), " FROM ")
		p.expr(a[1], precLowest)
		p.put(")")
	case name == "position" && len(a) == 2:
		p.put("POSITION(")
		p.expr(a[1], precUnary) // both are b_exprs
		p.put(" IN ")
		p.expr(a[0], precUnary)
		p.put(")")
	case name == "substring" && len(a) >= 2:
		p.words("SUBSTRING(", a, " FROM ", " FOR ")
	case name == "overlay" && len(a) >= 3:
		p.words("OVERLAY(", a, " PLACING ", " FROM ", " FOR ")
	case name == "overlaps" && len(a) == 4:
		p.put("(ROW(")
		p.exprs(a[:2])
		p.put(") OVERLAPS ROW(")
		p.exprs(a[2:])
		p.put("))")
	default:
		return p.trim(e)
	}
	return true
}

func (p *printer) trim(e *FuncCall) bool {
	word := map[string]string{"btrim": "BOTH ", "ltrim": "LEADING ", "rtrim": "TRAILING "}[e.Name.Name]
	if word == "" || len(e.Args) == 0 || len(e.Args) > 2 {
		return false
	}
	p.put("TRIM(", word)
	if len(e.Args) == 2 {
		p.expr(e.Args[1], precLowest)
		p.put(" ")
	}
	p.put("FROM ")
	p.expr(e.Args[0], precLowest)
	p.put(")")
	return true
}

// words prints args with the given words between them.
func (p *printer) words(open string, args []Expr, words ...string) {
	p.put(open)
	for i, a := range args {
		if i > 0 {
			p.put(words[i-1])
		}
		p.expr(a, precLowest)
	}
	p.put(")")
}

func (p *printer) sortItems(items []SortItem) {
	for i, it := range items {
		if i > 0 {
			p.put(", ")
		}
		p.expr(it.Expr, precLowest)
		if it.Desc {
			p.put(" DESC")
		}
		switch it.Nulls {
		case NullsFirst:
			p.put(" NULLS FIRST")
		case NullsLast:
			p.put(" NULLS LAST")
		}
	}
}

// window prints a window's definition in parentheses.
func (p *printer) window(w *WindowDef) {
	p.put("(")
	sep := ""
	next := func(word string) {
		p.put(sep, word)
		sep = " "
	}
	if w.Ref != "" {
		next(QuoteIdent(w.Ref))
	}
	if len(w.PartitionBy) > 0 {
		next("PARTITION BY ")
		p.exprs(w.PartitionBy)
	}
	if len(w.OrderBy) > 0 {
		next("ORDER BY ")
		p.sortItems(w.OrderBy)
	}
	if w.Frame != nil {
		next([...]string{"RANGE", "ROWS", "GROUPS"}[w.Frame.Mode])
		p.put(" BETWEEN ")
		p.bound(w.Frame.Start)
		p.put(" AND ")
		p.bound(w.Frame.End)
		p.put([...]string{"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"}[w.Frame.Exclude])
	}
	p.put(")")
}

func (p *printer) bound(b FrameBound) {
	if b.Offset != nil {
		p.expr(b.Offset, precUnary)
		p.put(" ")
	}
	p.put([...]string{"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"}[b.Kind])
}
