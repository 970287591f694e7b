package catalog

import (
	"slices"
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
)

// Name is a possibly qualified name as written in a statement.
type Name struct {
	Schema string // empty if not given
	Name   string
}

// String gives the name as PostgreSQL shows it within its messages: parts joined by
// a dot, not quoted.
func (n Name) String() string {
	if n.Schema != "" {
		return n.Schema + "." + n.Name
	}
	return n.Name
}

// DefaultSearchPath is search_path's default; "$user" is dropped where no such
// schema exists.
var DefaultSearchPath = []string{"$user", Public}

// SchemaByName finds a schema, or says 3F000.
func (c *Catalog) SchemaByName(name string) (*Descriptor, error) {
	if id := c.schemas[name]; id != 0 {
		return c.byID[id], nil
	}
	return nil, sqlerr.New(sqlerr.InvalidSchemaName, "schema %q does not exist", name)
}

// HasUserSchema reports whether "$user" stands for a schema in a search path: the
// system's schemas belong to nobody, even to a user with the name of one.
func (c *Catalog) HasUserSchema(user string) bool {
	id := c.schemas[user]
	return id >= FirstUserID || id == PublicID
}

// path gives the ids of the schemas a search goes through: pg_catalog first, unless
// it is named elsewhere in the path.
func (c *Catalog) path(searchPath []string) []ID {
	out := make([]ID, 0, len(searchPath)+1)
	if !slices.Contains(searchPath, PgCatalog) {
		out = append(out, PgCatalogID)
	}
	for _, s := range searchPath {
		if id := c.schemas[s]; id != 0 {
			out = append(out, id)
		}
	}
	return out
}

// Find looks a name up, nil if there is no such object.
func (c *Catalog) Find(searchPath []string, n Name) *Descriptor {
	if n.Schema != "" {
		id := c.schemas[n.Schema]
		return c.byID[c.names[nameKey{id, n.Name}]]
	}
	for _, s := range c.path(searchPath) {
		if id := c.names[nameKey{s, n.Name}]; id != 0 {
			return c.byID[id]
		}
	}
	return nil
}

// Relation looks up what can be selected from, or says 42P01, or 42809 for an index
// or sequence.
func (c *Catalog) Relation(searchPath []string, n Name) (*Descriptor, error) {
	d := c.Find(searchPath, n)
	if d == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", n)
	}
	switch d.Kind {
	case KindIndex:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot open relation %q", n.Name).
			WithDetail("This operation is not supported for indexes.")
	case KindSink:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot open relation %q", n.Name).
			WithDetail("This operation is not supported for sinks.")
	}
	return d, nil
}

// Object looks up an object of one kind for DROP, ALTER, COMMENT and the like: 42P01
// or 42704 if there is none, 42809 with a hint if it is of another kind.
func (c *Catalog) Object(searchPath []string, n Name, kind Kind) (*Descriptor, error) {
	if kind == KindSchema {
		return c.SchemaByName(n.Name)
	}
	d := c.Find(searchPath, n)
	if d == nil {
		if n.Schema != "" && c.schemas[n.Schema] == 0 {
			return nil, sqlerr.New(sqlerr.InvalidSchemaName, "schema %q does not exist", n.Schema)
		}
		code, what := sqlerr.UndefinedTable, string(kind)
		switch kind {
		case KindIndex, KindSource, KindSink:
			code = sqlerr.UndefinedObject
		case KindSequence:
			what = "relation"
		}
		return nil, sqlerr.New(code, "%s %q does not exist", what, n)
	}
	if d.Kind != kind {
		e := sqlerr.New(sqlerr.WrongObjectType, "%q is not %s %s", d.Name, article(kind), kind)
		if d.Kind != KindSchema {
			_ = e.WithHint("Use DROP %s to remove %s %s.", strings.ToUpper(string(d.Kind)), article(d.Kind), d.Kind)
		}
		return nil, e
	}
	return d, nil
}

// article gives a or an.
func article(k Kind) string {
	if k == KindIndex {
		return "an"
	}
	return "a"
}

// CreationSchema gives the schema that a new object named n goes to: the one that is
// named, else the first of the path that exists; 3F000 if there is none.
func (c *Catalog) CreationSchema(searchPath []string, n Name) (*Descriptor, error) {
	if n.Schema != "" {
		return c.SchemaByName(n.Schema)
	}
	for _, s := range searchPath {
		if id := c.schemas[s]; id != 0 {
			return c.byID[id], nil
		}
	}
	return nil, sqlerr.New(sqlerr.InvalidSchemaName, "no schema has been selected to create in")
}

// InSchema looks a name up in one schema, nil if it is free.
func (c *Catalog) InSchema(schema ID, name string) *Descriptor {
	return c.byID[c.names[nameKey{schema, name}]]
}

// FreeName gives base, or base with the smallest number behind it that makes it
// free in the schema and that the caller does not refuse: PostgreSQL's ChooseRelationName.
func (c *Catalog) FreeName(schema ID, base string, refuse func(string) bool) string {
	name := base
	for i := 1; c.names[nameKey{schema, name}] != 0 || refuse != nil && refuse(name); i++ {
		name = base + strconv.Itoa(i)
	}
	return name
}

// Visible tells whether d is what its bare name means under the search path.
func (c *Catalog) Visible(searchPath []string, d *Descriptor) bool {
	f := c.Find(searchPath, Name{Name: d.Name})
	return f != nil && f.ID == d.ID
}

// QualifiedName gives d's name with its schema.
func (c *Catalog) QualifiedName(d *Descriptor) Name {
	if s := c.byID[d.Schema]; s != nil {
		return Name{Schema: s.Name, Name: d.Name}
	}
	return Name{Name: d.Name}
}

// Describe names d in a message: its kind and its name, qualified where it is not visible.
func (c *Catalog) Describe(searchPath []string, d *Descriptor) string {
	if d.Kind == KindSchema || c.Visible(searchPath, d) {
		return string(d.Kind) + " " + QuoteIdent(d.Name)
	}
	n := c.QualifiedName(d)
	return string(d.Kind) + " " + QuoteIdent(n.Schema) + "." + QuoteIdent(n.Name)
}

// duplicate is the error for a name that is taken.
func duplicate(d *Descriptor) error {
	if d.Kind == KindSchema {
		return sqlerr.New(sqlerr.DuplicateSchema, "schema %q already exists", d.Name)
	}
	return sqlerr.New(sqlerr.DuplicateTable, "relation %q already exists", d.Name)
}

// CheckFree says 42P07 (or 42P06 for a schema) if d's name is taken.
func (c *Catalog) CheckFree(d *Descriptor) error {
	if c.taken(d) {
		return duplicate(d)
	}
	return nil
}

// QuoteIdent quotes an identifier where PostgreSQL would: unless it is lower case
// letters, digits and underscores, not starting with a digit. Keywords are the printer's business.
func QuoteIdent(s string) string {
	plain := s != ""
	for i := 0; i < len(s); i++ {
		ch := s[i]
		if !(ch >= 'a' && ch <= 'z' || ch == '_' || i > 0 && (ch >= '0' && ch <= '9' || ch == '$')) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
