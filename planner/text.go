package planner

import (
	"maps"
	"slices"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// notes is what binding tells about the text that is bound: enough to write it down so that it means the same whatever
// is added to the tables, and to rewrite it when something is renamed. What is inside a view that is expanded is not noted.
type notes struct {
	refs   map[*ast.ColumnRef]noted
	tables map[*ast.TableName]catalog.ID
	stars  map[*ast.Star][]noted
	// using is the stored columns that joins name by USING or NATURAL: both sides share the name.
	using []scopeCol
	// literals is the literals that have been bound; made the types that they were given.
	literals map[*expr.Expr]ast.Expr
	made     map[ast.Expr]types.Type
}

// relations gives the relations that are named, in order of id.
func (n *notes) relations() []catalog.ID { return slices.Sorted(maps.Values(n.tables)) }

// noted is a column and the item of FROM it belongs to, nil if it belongs to none.
type noted struct {
	table *scopeTable
	col   *scopeCol
}

func newNotes() *notes {
	return &notes{refs: map[*ast.ColumnRef]noted{}, tables: map[*ast.TableName]catalog.ID{}, stars: map[*ast.Star][]noted{},
		literals: map[*expr.Expr]ast.Expr{}, made: map[ast.Expr]types.Type{}}
}

// noting tells whether notes are taken of what is bound now.
func (b *binder) noting() bool { return b.notes != nil && b.viewDepth == 0 }

// noteRef notes what a column reference means.
func (b *binder) noteRef(e *ast.ColumnRef, s *scope, c *scopeCol) {
	if b.noting() {
		b.notes.refs[e] = noted{s.tableOf(c), c}
	}
}

// noteStar notes what * means.
func (b *binder) noteStar(e *ast.Star, s *scope, cols []*scopeCol) {
	if !b.noting() {
		return
	}
	list := make([]noted, len(cols))
	for i, c := range cols {
		list[i] = noted{s.tableOf(c), c}
	}
	b.notes.stars[e] = list
}

// noteType notes that a literal has been given a type; a cast that is written says so itself.
func (b *binder) noteType(e *expr.Expr, to types.Type, ctx functions.CastContext) {
	if b.noting() && ctx != functions.Explicit && e.Type.Kind != to.Kind {
		if lit := b.notes.literals[e]; lit != nil {
			b.notes.made[lit] = to.Base()
		}
	}
}

// tableOf finds the item of FROM that a column belongs to.
func (s *scope) tableOf(c *scopeCol) *scopeTable {
	for level := s; level != nil; level = level.parent {
		for _, t := range level.tables {
			if slices.Contains(t.cols, c) {
				return t
			}
		}
	}
	for level := s; level != nil; level = level.parent {
		for _, t := range level.tables {
			if slices.ContainsFunc(t.cols, func(o *scopeCol) bool { return o.id == c.id && o.name == c.name }) {
				return t
			}
		}
	}
	return nil
}

// renaming is what gets another name.
type renaming struct {
	// relations is the new full names of relations.
	relations map[catalog.ID]catalog.Name
	// moved says that the schema of relations is another, or called otherwise, than before.
	moved bool
	// table, column, old and name tell of a column.
	table     catalog.ID
	column    int
	old, name string
}

// storedText is the text of a stored query and what it must go on meaning.
type storedText struct {
	text       string
	path       []string
	columns    []catalog.Column
	maintained bool
}

// storedTextOf gives the text of a view, materialized view or sink.
func storedTextOf(d *catalog.Descriptor) *storedText {
	if d.View != nil {
		return &storedText{text: d.View.Query, path: d.View.SearchPath, columns: d.View.Columns}
	}
	q := d.Query()
	return &storedText{text: q.Text, path: q.SearchPath, columns: q.Columns, maintained: true}
}

// bind binds the text over a catalog.
func (t *storedText) bind(p *Planner, text string) (*ast.Select, *binder, *relation, error) {
	q, err := parser.ParseQuery(text)
	if err != nil {
		return nil, nil, nil, err
	}
	b := p.newBinder(nil)
	b.path, b.noParams, b.notes = t.path, "view", newNotes()
	b.maintained, b.definition = t.maintained, !t.maintained
	r, err := b.query(q, nil, false)
	return q, b, r, err
}

// written gives the text with stars written out and every column under its table's name, renamed as r says, which may be
// nil. after is a planner over the catalog in which the new text is to mean what the old one did.
func (t *storedText) written(p, after *Planner, r *renaming) (string, error) {
	q, b, _, err := t.bind(p, t.text)
	if err != nil {
		return "", err
	}
	w := &textWriter{notes: b.notes, r: r, bare: map[*ast.ColumnRef]bool{}}
	if w.r == nil {
		w.r = &renaming{}
	}
	ast.Walk(q, w.visit)
	if w.bad != "" {
		return "", sqlerr.Unsupported(w.bad, -1)
	}
	text := ast.String(q)
	_, nb, rel, err := t.bind(after, text)
	if err != nil {
		return "", err
	}
	if !slices.Equal(b.notes.relations(), nb.notes.relations()) {
		return "", sqlerr.Internal("the text of the view would name another relation")
	}
	for i, c := range t.columns {
		if i >= len(rel.cols) || nb.meta.Type(rel.cols[i].id) != c.Type {
			return "", sqlerr.Internal("the text of the view would change its meaning")
		}
	}
	return text, nil
}

// textWriter rewrites a bound query in place.
type textWriter struct {
	notes *notes
	r     *renaming
	// bare is the arguments of window functions: there a column has no other name than its own.
	bare map[*ast.ColumnRef]bool
	// bad is what cannot be rewritten.
	bad string
}

func (w *textWriter) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectCore:
		w.targets(n)
	case *ast.ColumnRef:
		if c, ok := w.notes.refs[n]; ok {
			if n.Parts = w.parts(c, n.Parts); w.bare[n] {
				n.Parts = n.Parts[len(n.Parts)-1:]
			}
		}
	case *ast.WindowTVF:
		w.window(n)
	case *ast.TableName:
		w.table(n)
	case *ast.Join:
		for _, c := range w.notes.using {
			if c.table == w.r.table && c.column == w.r.column && w.r.table != 0 {
				w.bad = "renaming a column that a view joins by USING"
			}
		}
	}
	return true
}

// renamed tells whether a column is the one that gets another name.
func (w *textWriter) renamed(c noted) bool {
	return w.r.table != 0 && c.table != nil && (c.table.rel == w.r.table || c.table.windowOf == w.r.table) && c.col.column == w.r.column && c.col.name == w.r.old
}

// parts is a column's name under its table's.
func (w *textWriter) parts(c noted, was []string) []string {
	name := was[len(was)-1]
	if w.renamed(c) {
		name = w.r.name
	}
	if c.table == nil || c.table.name == "" {
		return append(slices.Clone(was[:len(was)-1]), name)
	}
	return []string{c.table.name, name}
}

// targets writes stars out, and keeps the names of the output columns.
func (w *textWriter) targets(n *ast.SelectCore) {
	var out []ast.Target
	for _, t := range n.Targets {
		switch e := t.Expr.(type) {
		case *ast.Star:
			cols, ok := w.notes.stars[e]
			if !ok {
				out = append(out, t)
				continue
			}
			for _, c := range cols {
				one := ast.Target{Pos: t.Pos, Expr: &ast.ColumnRef{Pos: e.Pos, Parts: w.parts(c, []string{c.col.name})}}
				if w.renamed(c) {
					one.Alias = c.col.name
				}
				out = append(out, one)
			}
			continue
		case *ast.ColumnRef:
			if c, ok := w.notes.refs[e]; ok && t.Alias == "" && w.renamed(c) {
				t.Alias = e.Name()
			}
		}
		out = append(out, t)
	}
	n.Targets = out
}

// window keeps the name under which the windows of a table that is renamed go.
func (w *textWriter) window(n *ast.WindowTVF) {
	w.bare[n.Time] = true
	for _, k := range n.PartitionBy {
		ast.Walk(k, func(n ast.Node) bool {
			if ref, ok := n.(*ast.ColumnRef); ok {
				w.bare[ref] = true
			}
			return true
		})
	}
	in, ok := n.Input.(*ast.TableName)
	if !ok || n.Alias != nil {
		return
	}
	if to, ok := w.r.relations[w.notes.tables[in]]; ok && to.Name != in.Name.Name {
		n.Alias = &ast.Alias{Name: in.Name.Name}
	}
}

// table gives a table that is renamed its new name, under the old one as alias.
func (w *textWriter) table(n *ast.TableName) {
	id := w.notes.tables[n]
	if id == 0 {
		return
	}
	if id == w.r.table && n.Alias != nil && len(n.Alias.Columns) > 0 {
		w.bad = "renaming a column of a table whose columns a view names anew"
	}
	if to, ok := w.r.relations[id]; ok {
		if n.Alias == nil && to.Name != n.Name.Name {
			n.Alias = &ast.Alias{Name: n.Name.Name}
		}
		if n.Name.Name = to.Name; n.Name.Schema != "" || w.r.moved {
			n.Name.Catalog, n.Name.Schema = "", to.Schema
		}
	}
}

// settled gives the text that is kept of a new view's query; where the query is too unusual to be written out, that is
// the text as it came.
func (c *ddlCtx) settled(q *ast.Select, path []string, cols []catalog.Column, maintained bool) string {
	t := &storedText{text: ast.String(q), path: path, columns: cols, maintained: maintained}
	if text, err := t.written(c.p, c.p, nil); err == nil {
		return text
	}
	return t.text
}

// renameInViews rewrites the texts of the views over objects that are about to be renamed. It is called when the changes
// hold the new descriptors but for those in also.
func (c *ddlCtx) renameInViews(objects []*catalog.Descriptor, r *renaming, what string, pos int, also ...*catalog.Descriptor) error {
	changes := slices.Clone(c.out.Changes)
	for _, d := range also {
		changes = append(changes, catalog.Change{Put: d})
	}
	cat, err := c.cat.With(changes...)
	if err != nil {
		return err
	}
	after := *c.p
	after.cat = cat
	done := map[catalog.ID]bool{}
	for _, o := range objects {
		for _, u := range c.cat.Dependents(o.ID) {
			if done[u.ID] || u.View == nil && u.Query() == nil {
				continue
			}
			done[u.ID] = true
			n := cat.ByID(u.ID).Clone()
			text, err := storedTextOf(u).written(c.p, &after, r)
			if err != nil {
				return sqlerr.New(sqlerr.FeatureNotSupported, "cannot rename %s because %s cannot be rewritten", what, c.cat.Describe(c.p.path, u)).
					WithDetail("%s.", sqlerr.As(err).Message).At(pos)
			}
			if n.View != nil {
				n.View.Query = text
			} else {
				n.Query().Text = text
			}
			c.put(n)
		}
	}
	return nil
}
