package catalog

import (
	"slices"
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
)

// Drop is what dropping some objects comes to.
type Drop struct {
	// Changes removes dependents before what they are built on.
	Changes []Change
	// Notices has at most one line: what went with it under CASCADE, as PostgreSQL
	// tells it; NoticeDetail lists it if it is more than one object.
	Notices      []string
	NoticeDetail string
}

// dropper follows dependencies from the objects that are to go.
type dropper struct {
	cat  *Catalog
	path []string
	// order is the objects to remove, roots first.
	order []*Descriptor
	gone  map[ID]bool
	// changed is the survivors that lose a default.
	changed map[ID]*Descriptor
	// lines is why something else would have to go; cascades what goes with it.
	lines, cascades []string
}

// PlanDrop follows the dependencies of the objects. Without cascade it says 2BP01 if
// anything but indexes and owned sequences is built on them.
func (c *Catalog) PlanDrop(searchPath []string, objects []*Descriptor, cascade bool) (*Drop, error) {
	d := &dropper{cat: c, path: searchPath, gone: map[ID]bool{}, changed: map[ID]*Descriptor{}}
	for _, o := range objects {
		if o.ID < FirstUserID && o.ID != PublicID {
			return nil, sqlerr.New(sqlerr.DependentObjectsStillExist,
				"cannot drop %s because it is required by the database system", c.Describe(searchPath, o))
		}
		if owner := o.internalOwner(c); owner != nil && !slices.Contains(objects, owner) {
			return nil, d.requiredBy(o, owner)
		}
		if !d.gone[o.ID] {
			d.gone[o.ID] = true
			d.order = append(d.order, o)
		}
	}
	roots := len(d.order)
	for i := 0; i < len(d.order); i++ {
		d.follow(d.order[i])
	}
	if !cascade && len(d.lines) > 0 {
		what := "desired object(s)"
		pronoun := "them"
		if roots == 1 {
			what, pronoun = c.Describe(searchPath, objects[0]), "it"
		}
		return nil, sqlerr.New(sqlerr.DependentObjectsStillExist,
			"cannot drop %s because other objects depend on %s", what, pronoun).
			WithDetail("%s", strings.Join(d.lines, "\n")).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	return d.result(), nil
}

// follow adds what is built on o.
func (d *dropper) follow(o *Descriptor) {
	for _, u := range d.cat.Dependents(o.ID) {
		if d.gone[u.ID] {
			continue
		}
		d.add(u, o, func(dep Dependency) bool { return dep.On == o.ID }, d.cat.Describe(d.path, o))
	}
	if o.Kind != KindSchema {
		return
	}
	for _, u := range d.cat.All() {
		if u.Schema == o.ID && !d.gone[u.ID] && u.internalOwner(d.cat) == nil {
			d.take(u, d.cat.Describe(d.path, u)+" depends on "+d.cat.Describe(d.path, o))
		}
	}
}

// add takes u along for those of its dependencies that count.
func (d *dropper) add(u, on *Descriptor, counts func(Dependency) bool, onWhat string) {
	auto, whole := true, false
	var defaults []int
	for _, dep := range u.Deps {
		if !counts(dep) {
			continue
		}
		if dep.Default != 0 {
			defaults = append(defaults, dep.Default)
			continue
		}
		whole = true
		auto = auto && dep.Auto
	}
	switch {
	case whole && auto:
		d.gone[u.ID] = true
		d.order = append(d.order, u)
	case whole:
		d.take(u, d.cat.Describe(d.path, u)+" depends on "+onWhat)
	default:
		for _, col := range defaults {
			d.dropDefault(u, on, col, onWhat)
		}
	}
}

// take removes u because of a dependency that RESTRICT refuses.
func (d *dropper) take(u *Descriptor, line string) {
	d.gone[u.ID] = true
	d.order = append(d.order, u)
	d.lines = append(d.lines, line)
	d.cascades = append(d.cascades, "drop cascades to "+d.cat.Describe(d.path, u))
}

// dropDefault takes a column's default away with the sequence it calls.
func (d *dropper) dropDefault(u, on *Descriptor, col int, onWhat string) {
	t := d.changed[u.ID]
	if t == nil {
		t = u.Clone()
		d.changed[u.ID] = t
	}
	c := t.ColumnByID(col)
	if c == nil {
		return
	}
	c.Default, c.Sequence = "", 0
	t.Deps = slices.DeleteFunc(t.Deps, func(dep Dependency) bool { return dep.On == on.ID && dep.Default == col })
	what := "default value for column " + QuoteIdent(c.Name) + " of " + d.cat.Describe(d.path, u)
	d.lines = append(d.lines, what+" depends on "+onWhat)
	d.cascades = append(d.cascades, "drop cascades to "+what)
}

// internalOwner is the table whose constraint an index enforces or whose identity
// column a sequence feeds: such objects only go with it.
func (d *Descriptor) internalOwner(c *Catalog) *Descriptor {
	if d.Index != nil {
		if t := c.byID[d.Index.On]; t != nil && t.Table != nil {
			for i := range t.Table.Constraints {
				if t.Table.Constraints[i].Index == d.ID {
					return t
				}
			}
		}
	}
	if d.Sequence != nil && d.Sequence.OwnedBy != 0 {
		if t := c.byID[d.Sequence.OwnedBy]; t != nil {
			if col := t.ColumnByID(d.Sequence.OwnedColumn); col != nil && col.Identity != "" {
				return t
			}
		}
	}
	return nil
}

// requiredBy is the error for dropping an internal object by itself.
func (d *dropper) requiredBy(o, owner *Descriptor) error {
	what := "column"
	if o.Index != nil {
		what = "constraint " + QuoteIdent(o.Name) + " on"
	} else if col := owner.ColumnByID(o.Sequence.OwnedColumn); col != nil {
		what = "column " + QuoteIdent(col.Name) + " of"
	}
	full := what + " " + d.cat.Describe(d.path, owner)
	return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop %s because %s requires it", d.cat.Describe(d.path, o), full).
		WithHint("You can drop %s instead.", full)
}

// result writes down what was found.
func (d *dropper) result() *Drop {
	out := &Drop{}
	for _, o := range d.order {
		if t := d.changed[o.ID]; t != nil {
			delete(d.changed, o.ID)
		}
	}
	ids := make([]ID, 0, len(d.changed))
	for id := range d.changed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		out.Changes = append(out.Changes, Change{Put: d.changed[id]})
	}
	for i := len(d.order) - 1; i >= 0; i-- {
		out.Changes = append(out.Changes, Change{Drop: d.order[i].ID})
	}
	switch {
	case len(d.cascades) == 1:
		out.Notices = d.cascades
	case len(d.cascades) > 1:
		out.Notices = []string{"drop cascades to " + strconv.Itoa(len(d.cascades)) + " other objects"}
		out.NoticeDetail = strings.Join(d.cascades, "\n")
	}
	return out
}

// PlanDropColumn follows what is built on one column of a table: its indexes and
// constraints go silently with it, views and the like only under CASCADE. The
// changes end with the table without the column.
func (c *Catalog) PlanDropColumn(searchPath []string, t *Descriptor, column int, cascade bool) (*Drop, error) {
	d := &dropper{cat: c, path: searchPath, gone: map[ID]bool{t.ID: true}, changed: map[ID]*Descriptor{}}
	col := t.ColumnByID(column)
	what := "column " + QuoteIdent(col.Name) + " of " + c.Describe(searchPath, t)
	for _, u := range c.Dependents(t.ID) {
		d.add(u, t, func(dep Dependency) bool { return dep.On == t.ID && slices.Contains(dep.Columns, column) }, what)
	}
	for i := 0; i < len(d.order); i++ {
		d.follow(d.order[i])
	}
	if !cascade && len(d.lines) > 0 {
		return nil, sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop %s because other objects depend on it", what).
			WithDetail("%s", strings.Join(d.lines, "\n")).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	out := d.result()
	n := t.Clone()
	n.Table.Columns = slices.DeleteFunc(n.Table.Columns, func(c Column) bool { return c.ID == column })
	n.Table.Constraints = slices.DeleteFunc(n.Table.Constraints, func(k Constraint) bool { return slices.Contains(k.Columns, column) })
	n.Table.Watermarks = slices.DeleteFunc(n.Table.Watermarks, func(w Watermark) bool { return w.Column == column })
	n.Deps = slices.DeleteFunc(n.Deps, func(dep Dependency) bool { return dep.Default == column })
	out.Changes = append(out.Changes, Change{Put: n})
	return out, nil
}
