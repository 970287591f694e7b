package planner

import (
	"slices"
	"strings"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
)

// scopeCol is a column that can be named.
type scopeCol struct {
	name string
	id   logical.ColID
	// hidden columns are found by name but not part of *.
	hidden bool
	// fields is the fields of a column that holds rows, which are columns themselves; such a one knows its name in field.
	fields []*scopeCol
	field  string
	// table and column say where it comes from unchanged, for Field.
	table  catalog.ID
	column int
}

// scopeTable is an item of FROM that can qualify a column.
type scopeTable struct {
	name   string
	schema string // empty if the item has an alias
	cols   []*scopeCol
	// rel is the relation's id, for tableoid; key is the columns of its primary key,
	// which the other columns depend on.
	rel catalog.ID
	key []logical.ColID
	// scalar says that it is a function that returns no rows but values: its name is the value.
	scalar bool
	// windowOf is the relation whose rows it gives windows, 0 for none.
	windowOf catalog.ID
	// session is the sessions that it is, nil for anything else.
	session *logical.SessionWindow
}

// scope is what names in a clause mean: the columns of FROM, then the outer query's.
type scope struct {
	parent *scope
	tables []*scopeTable
	// cols is the columns that can be named without a table, in the order of *. Those
	// merged by USING stand once.
	cols []*scopeCol
	ctes *cteScope
}

// cteScope is a list of WITH queries, innermost first.
type cteScope struct {
	next *cteScope
	cte  *cte
}

// child makes an empty scope within s.
func (s *scope) child() *scope {
	c := &scope{parent: s}
	if s != nil {
		c.ctes = s.ctes
	}
	return c
}

// findCTE finds a WITH query by name.
func (s *scope) findCTE(name string) *cte {
	if s == nil {
		return nil
	}
	for c := s.ctes; c != nil; c = c.next {
		if c.cte.name == name {
			return c.cte
		}
	}
	return nil
}

// addTable adds an item of FROM, refusing a second one of the same name.
func (s *scope) addTables(pos int, tables []*scopeTable) error {
	for _, t := range tables {
		for _, o := range s.tables {
			if t.name != "" && o.name == t.name && o.schema == t.schema {
				return sqlerr.New(sqlerr.DuplicateAlias, "table name %q specified more than once", t.name).At(pos)
			}
		}
	}
	s.tables = append(s.tables, tables...)
	return nil
}

// own is the columns of this level, those of the tables included.
func (s *scope) own() logical.ColSet {
	var set logical.ColSet
	for _, c := range s.cols {
		set.Add(c.id)
	}
	for _, t := range s.tables {
		for _, c := range t.cols {
			set.Add(c.id)
		}
	}
	return set
}

// find resolves a column's name through s and the scopes around it.
func (s *scope) find(ref *ast.ColumnRef) (*scopeCol, error) {
	parts := ref.Parts
	if len(parts) > 4 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(parts, ".")).At(ref.Loc())
	}
	if len(parts) == 4 {
		parts = parts[1:]
	}
	if len(parts) == 1 {
		return s.findBare(parts[0], ref.Loc())
	}
	t, err := s.findTable(parts[:len(parts)-1], ref.Loc())
	if err != nil {
		return nil, err
	}
	return t.column(parts[len(parts)-1], ref.Loc())
}

// findBare resolves a name without a table.
func (s *scope) findBare(name string, pos int) (*scopeCol, error) {
	for level := s; level != nil; level = level.parent {
		var hit *scopeCol
		for _, c := range level.cols {
			if c.name != name {
				continue
			}
			if hit != nil {
				return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference %q is ambiguous", name).At(pos)
			}
			hit = c
		}
		if hit != nil {
			return hit, nil
		}
	}
	e := sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", name).At(pos)
	if h := s.similar("", name); h != "" {
		_ = e.WithHint("Perhaps you meant to reference the column %q.", h)
	}
	return nil, e
}

// findTable resolves a table's name: [catalog.][schema.]alias.
func (s *scope) findTable(parts []string, pos int) (*scopeTable, error) {
	name := parts[len(parts)-1]
	schema := ""
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	for level := s; level != nil; level = level.parent {
		var hit *scopeTable
		for _, t := range level.tables {
			if t.name != name || schema != "" && t.schema != schema {
				continue
			}
			if hit != nil {
				return nil, sqlerr.New(sqlerr.AmbiguousAlias, "table reference %q is ambiguous", name).At(pos)
			}
			hit = t
		}
		if hit != nil {
			return hit, nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedTable, "missing FROM-clause entry for table %q", name).At(pos)
}

// column finds a column of the table.
func (t *scopeTable) column(name string, pos int) (*scopeCol, error) {
	var hit *scopeCol
	for _, c := range t.cols {
		if c.name != name {
			continue
		}
		if hit != nil {
			return nil, sqlerr.New(sqlerr.AmbiguousColumn, "column reference %q is ambiguous", name).At(pos)
		}
		hit = c
	}
	if hit != nil {
		return hit, nil
	}
	e := sqlerr.New(sqlerr.UndefinedColumn, "column %s.%s does not exist", t.name, name).At(pos)
	if h := (&scope{tables: []*scopeTable{t}}).similar(t.name, name); h != "" {
		_ = e.WithHint("Perhaps you meant to reference the column %q.", h)
	}
	return nil, e
}

// similar finds the one column whose name is nearest to a wrong one.
func (s *scope) similar(table, name string) string {
	best, bestDist, ties := "", len(name)/2+1, 0
	for level := s; level != nil; level = level.parent {
		for _, t := range level.tables {
			for _, c := range t.cols {
				full := t.name + "." + c.name
				d := distance(c.name, name)
				switch {
				case d > 3 || full == best:
				case d < bestDist:
					best, bestDist, ties = full, d, 1
				case d == bestDist && best != "":
					ties++
				}
			}
		}
	}
	if ties != 1 {
		return ""
	}
	return best
}

// distance is the Levenshtein distance of two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := prev
			if a[i-1] != b[j-1] {
				cost++
			}
			prev, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// relation is a bound query or item of FROM: a node and its named columns, which are
// among the node's output columns.
type relation struct {
	node logical.Node
	cols []*scopeCol
	// ordered says that node is a TopN whose order the columns' reader may want.
	ordered bool
}

// ids is the column ids of the visible columns in order.
func (r *relation) ids() []logical.ColID {
	out := make([]logical.ColID, len(r.cols))
	for i, c := range r.cols {
		out[i] = c.id
	}
	return out
}

// asTable makes a scope table of a relation under an alias.
func (r *relation) asTable(name string, alias *ast.Alias, pos int) (*scopeTable, error) {
	t := &scopeTable{name: name}
	names := []string(nil)
	if alias != nil {
		t.name, names = alias.Name, alias.Columns
	}
	if len(names) > len(r.cols) {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "table %q has %d columns available but %d columns specified",
			t.name, len(r.cols), len(names)).At(pos)
	}
	for i, c := range r.cols {
		n := *c
		if i < len(names) {
			n.name = names[i]
		}
		t.cols = append(t.cols, &n)
	}
	return t, nil
}

// visible gives the columns that * means.
func visible(cols []*scopeCol) []*scopeCol {
	return slices.DeleteFunc(slices.Clone(cols), func(c *scopeCol) bool { return c.hidden })
}
