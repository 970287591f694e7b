package planner

import (
	"slices"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
)

// like adds the columns of LIKE, and notes what else it takes along.
func (t *tableBuilder) like(l *ast.TableLike) error {
	src, err := t.cat.Relation(t.p.path, catalog.Name{Schema: l.Name.Schema, Name: l.Name.Name})
	if err != nil {
		return sqlerr.As(err).At(l.Name.Loc())
	}
	if err := t.cat.Check(t.p.opts.User, catalog.ActionSelect, src); err != nil {
		return sqlerr.As(err).At(l.Name.Loc())
	}
	ids := map[int]int{}
	for _, c := range src.Columns() {
		if c.Hidden {
			continue
		}
		if t.d.Column(c.Name) != nil {
			return sqlerr.New(sqlerr.DuplicateColumn, "column %q specified more than once", c.Name).At(l.Loc())
		}
		col := catalog.Column{ID: t.d.Table.NextColumn, Name: c.Name, Type: c.Type, NotNull: c.NotNull}
		ids[c.ID] = col.ID
		t.d.Table.NextColumn++
		if l.Comments {
			col.Comment = c.Comment
		}
		if l.Defaults && c.Identity == "" && c.Default != "" {
			col.Default, col.Sequence = c.Default, c.Sequence
			for _, dep := range src.Deps {
				if dep.Default == c.ID {
					t.d.Deps = append(t.d.Deps, catalog.Dependency{On: dep.On, Default: col.ID})
				}
			}
		}
		if l.Identity && c.Identity != "" {
			col.Identity = c.Identity
			if err := t.serial(&col, nil); err != nil {
				return err
			}
			if from := t.cat.ByID(c.Sequence); from != nil {
				s := *from.Sequence
				made := t.extra[len(t.extra)-1].Sequence
				s.OwnedBy, s.OwnedColumn = made.OwnedBy, made.OwnedColumn
				t.extra[len(t.extra)-1].Sequence = &s
			}
		}
		t.d.Table.Columns = append(t.d.Table.Columns, col)
	}
	if src.Table != nil && l.Constraints {
		for _, k := range src.Table.Constraints {
			if k.Kind == catalog.ConstraintCheck {
				n := catalog.Constraint{ID: t.id(), Name: k.Name, Kind: k.Kind, Check: k.Check}
				for _, c := range k.Columns {
					n.Columns = append(n.Columns, ids[c])
				}
				t.d.Table.Constraints = append(t.d.Table.Constraints, n)
			}
		}
	}
	if l.Indexes {
		t.likeKeys(src, ids)
	}
	return nil
}

// likeKeys notes the keys and indexes of a table for when all columns are there.
func (t *tableBuilder) likeKeys(src *catalog.Descriptor, ids map[int]int) {
	name := func(id int) string { return t.d.ColumnByID(ids[id]).Name }
	for _, x := range t.cat.Indexes(src.ID) {
		var names []string
		for _, c := range x.Index.Columns {
			names = append(names, name(c.Column))
		}
		constraint := -1
		if src.Table != nil {
			constraint = slices.IndexFunc(src.Table.Constraints, func(k catalog.Constraint) bool { return k.Index == x.ID })
		}
		t.later = append(t.later, func() error {
			if constraint >= 0 {
				k := &ast.Constraint{Pos: ast.NoPos, Kind: ast.Unique}
				if x.Index.Primary {
					k.Kind = ast.PrimaryKey
				}
				for _, c := range x.Index.Include {
					k.Include = append(k.Include, name(c))
				}
				return t.key(k, names)
			}
			t.likeIndex(x, ids, names)
			return nil
		})
	}
}

// likeIndex copies an index that enforces no constraint.
func (t *tableBuilder) likeIndex(x *catalog.Descriptor, ids map[int]int, names []string) {
	ix := &catalog.Index{On: t.d.ID, Unique: x.Index.Unique}
	var cols []int
	joined := ""
	for i, c := range x.Index.Columns {
		c.Column = ids[c.Column]
		ix.Columns, cols = append(ix.Columns, c), append(cols, c.Column)
		if i > 0 {
			joined += "_"
		}
		joined += names[i]
	}
	for _, c := range x.Index.Include {
		ix.Include = append(ix.Include, ids[c])
	}
	t.extra = append(t.extra, &catalog.Descriptor{ID: t.id(), Kind: catalog.KindIndex, Schema: t.d.Schema,
		Name: t.freeName(t.d.Schema, t.d.Name, joined, "idx"), Owner: t.d.Owner, Created: t.d.Created,
		Deps: []catalog.Dependency{{On: t.d.ID, Columns: cols, Auto: true}}, Index: ix})
}
