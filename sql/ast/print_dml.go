package ast

func (p *printer) insert(s *Insert) {
	if s.With != nil {
		p.with(s.With)
	}
	p.put("INSERT INTO ", s.Table.String())
	if s.Alias != "" {
		p.put(" AS ", QuoteIdent(s.Alias))
	}
	if len(s.Columns) > 0 {
		p.put(" (")
		p.insertColumns(s.Columns)
		p.put(")")
	}
	p.put([...]string{"", " OVERRIDING USER VALUE", " OVERRIDING SYSTEM VALUE"}[s.Overriding])
	if s.Source == nil {
		p.put(" DEFAULT VALUES")
	} else {
		p.put(" ")
		p.sel(s.Source)
	}
	if s.OnConflict != nil {
		p.onConflict(s.OnConflict)
	}
	p.returning(s.Returning)
}

func (p *printer) insertColumns(list []InsertColumn) {
	for i, c := range list {
		if i > 0 {
			p.put(", ")
		}
		p.put(QuoteIdent(c.Name))
		p.indexes(c.Indexes)
	}
}

func (p *printer) onConflict(c *OnConflict) {
	p.put(" ON CONFLICT")
	if c.Constraint != "" {
		p.put(" ON CONSTRAINT ", QuoteIdent(c.Constraint))
	}
	if len(c.Target) > 0 {
		p.put(" (")
		for i, t := range c.Target {
			if i > 0 {
				p.put(", ")
			}
			p.indexElem(t)
		}
		p.put(")")
	}
	if c.Where != nil {
		p.put(" WHERE ")
		p.expr(c.Where, precLowest)
	}
	if c.DoNothing {
		p.put(" DO NOTHING")
		return
	}
	p.put(" DO UPDATE")
	p.assignments(c.Set)
	if c.SetWhere != nil {
		p.put(" WHERE ")
		p.expr(c.SetWhere, precLowest)
	}
}

func (p *printer) indexElem(e IndexElem) {
	if e.Expr != nil {
		p.put("(")
		p.expr(e.Expr, precLowest)
		p.put(")")
	} else {
		p.put(QuoteIdent(e.Column))
	}
	if e.Collation != nil {
		p.put(" COLLATE ", e.Collation.String())
	}
	if e.OpClass != nil {
		p.put(" ", e.OpClass.String())
	}
	if e.Desc {
		p.put(" DESC")
	}
	p.put([...]string{"", " NULLS FIRST", " NULLS LAST"}[e.Nulls])
}

func (p *printer) assignments(list []Assignment) {
	for i, a := range list {
		if i == 0 {
			p.put(" SET ")
		} else {
			p.put(", ")
		}
		if a.Multi {
			p.put("(")
		}
		p.insertColumns(a.Columns)
		if a.Multi {
			p.put(")")
		}
		p.put(" = ")
		p.expr(a.Value, precLowest)
	}
}

func (p *printer) returning(list []Target) {
	if len(list) == 0 {
		return
	}
	p.put(" RETURNING")
	p.targets(list)
}

func (p *printer) tableList(word string, list []TableRef) {
	for i, t := range list {
		if i == 0 {
			p.put(word)
		} else {
			p.put(", ")
		}
		p.tableRef(t)
	}
}

func (p *printer) where(e Expr) {
	if e != nil {
		p.put(" WHERE ")
		p.expr(e, precLowest)
	}
}

func (p *printer) update(s *Update) {
	if s.With != nil {
		p.with(s.With)
	}
	p.put("UPDATE ")
	p.tableRef(s.Table)
	p.assignments(s.Set)
	p.tableList(" FROM ", s.From)
	p.where(s.Where)
	p.returning(s.Returning)
}

func (p *printer) delete(s *Delete) {
	if s.With != nil {
		p.with(s.With)
	}
	p.put("DELETE FROM ")
	p.tableRef(s.Table)
	p.tableList(" USING ", s.Using)
	p.where(s.Where)
	p.returning(s.Returning)
}
