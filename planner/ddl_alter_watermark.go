package planner

import (
	"encoding/json"
	"slices"
	"strings"

	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
)

// alterable refuses to alter the watermarks of what is neither a table nor a source.
func (t *tableBuilder) alterable(pos int) error {
	if t.d.Table != nil {
		return nil
	}
	return sqlerr.New(sqlerr.WrongObjectType, "relation %q cannot have watermarks of its own", t.d.Name).
		WithDetail("A %s has those that its query keeps.", t.d.Kind).At(pos)
}

// alterWatermark adds a watermark, or changes one. Views that are there go on as they were planned: one that is added is
// for those that are made from then on.
func (t *tableBuilder) alterWatermark(a *ast.AddWatermark) error {
	if err := t.alterable(a.Loc()); err != nil {
		return err
	}
	if !a.Modify {
		return t.watermark(a.Watermark)
	}
	at, err := t.watermarkAt(a.Watermark.Column, t.b.pos(a.Watermark))
	if err != nil {
		return err
	}
	all := t.d.Table.Watermarks
	t.d.Table.Watermarks = slices.Delete(slices.Clone(all), at, at+1)
	if err := t.watermark(a.Watermark); err != nil {
		return err
	}
	made := t.d.Table.Watermarks
	t.d.Table.Watermarks = slices.Insert(made[:len(made)-1:len(made)-1], at, made[len(made)-1])
	return nil
}

// watermarkAt finds the watermark of a column.
func (t *tableBuilder) watermarkAt(column string, pos int) (int, error) {
	col, err := t.column(column, pos)
	if err != nil {
		return 0, err
	}
	at := slices.IndexFunc(t.d.Table.Watermarks, func(w catalog.Watermark) bool { return w.Column == col.ID })
	if at < 0 {
		return 0, sqlerr.New(sqlerr.UndefinedObject, "column %q of relation %q has no watermark", column, t.d.Name).At(pos)
	}
	return at, nil
}

// dropWatermark drops a watermark that nothing goes by.
func (t *tableBuilder) dropWatermark(old *catalog.Descriptor, a *ast.DropWatermark) error {
	if err := t.alterable(a.Loc()); err != nil {
		return err
	}
	at, err := t.watermarkAt(a.Column, a.Loc())
	if err != nil {
		return err
	}
	column := t.d.Table.Watermarks[at].Column
	if err := t.retentionNeeds(column, a.Column, a.Loc()); err != nil {
		return err
	}
	rest := slices.Delete(slices.Clone(t.d.Table.Watermarks), at, at+1)
	var lines []string
	for _, u := range t.cat.All() {
		uses, err := goesBy(u, old, column, len(rest) == 0)
		if err != nil {
			return err
		}
		if uses {
			lines = append(lines, t.cat.Describe(t.p.path, u)+" depends on watermark for column "+catalog.QuoteIdent(a.Column)+" of "+t.cat.Describe(t.p.path, old))
		}
	}
	if len(lines) > 0 {
		return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop watermark for column %s of %s because other objects depend on it",
			catalog.QuoteIdent(a.Column), t.cat.Describe(t.p.path, old)).
			WithDetail("%s", strings.Join(lines, "\n")).
			WithHint("Drop them first. ALTER %s … MODIFY WATERMARK changes a watermark under its views.", strings.ToUpper(string(old.Kind))).At(a.Loc())
	}
	t.d.Table.Watermarks = rest
	return nil
}

// goesBy tells whether a maintained query u reads a column of rel with its watermark, by which it may have dropped
// state; or, if the last watermark is to go, rel's late rows.
func goesBy(u, rel *catalog.Descriptor, column int, last bool) (bool, error) {
	if u.Query() == nil {
		return false, nil
	}
	var p physical.Plan
	if err := json.Unmarshal(u.Query().Plan, &p); err != nil {
		return false, err
	}
	for i := range p.Nodes {
		s := p.Nodes[i].Scan
		if s == nil || catalog.ID(s.Relation) != rel.ID {
			continue
		}
		if s.Late && last || slices.ContainsFunc(p.Nodes[i].Watermarks, func(k int) bool { return s.Columns[k] == column }) {
			return true, nil
		}
	}
	return false, nil
}
