package pgcatalog

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"streamdb/sql/catalog"
	"streamdb/sql/types"
)

// columnsText lists the relations: a line "schema.name oid", then a line per column
// with name, type and, for NOT NULL, "!".
//
//go:embed columns.txt
var columnsText string

// relation is a virtual relation with its producer, nil for one that is empty.
type relation struct {
	*catalog.Virtual
	byName  map[string]int // column name to position
	produce func(*writer)
	// static: the rows are the same for every Env; they are kept in rows.
	static bool
	once   sync.Once
	rows   *writer
}

// loaded is what relations returns, once it has been read.
var loaded struct {
	once     sync.Once
	byName   map[string]*relation
	all      []*relation
	virtuals *catalog.Virtuals
}

// load reads columns.txt and gives the relations their producers.
func load() {
	loaded.once.Do(func() {
		all, err := parseRelations(columnsText)
		if err != nil {
			panic("pgcatalog: columns.txt: " + err.Error())
		}
		loaded.all, loaded.byName = all, make(map[string]*relation, len(all))
		list := make([]*catalog.Virtual, len(all))
		for i, r := range all {
			loaded.byName[r.FullName()], list[i] = r, r.Virtual
		}
		for name, p := range producers() {
			r := loaded.byName[name]
			if r == nil {
				panic("pgcatalog: a producer for the unknown relation " + name)
			}
			r.produce, r.static = p.fill, p.static
		}
		loaded.virtuals = catalog.NewVirtuals(list...)
	})
}

// relations is every relation by its full name, and in the order of columns.txt.
func relations() (map[string]*relation, []*relation) {
	load()
	return loaded.byName, loaded.all
}

// Virtuals returns the relations for the binder. They are shared and not changed.
func Virtuals() []*catalog.Virtual {
	_, all := relations()
	out := make([]*catalog.Virtual, len(all))
	for i, r := range all {
		out[i] = r.Virtual
	}
	return out
}

// parseRelations reads columns.txt.
func parseRelations(text string) ([]*relation, error) {
	var all []*relation
	for n, line := range strings.Split(text, "\n") {
		var err error
		switch {
		case line == "":
		case line[0] != ' ':
			var r *relation
			if r, err = parseHead(line); err == nil {
				all = append(all, r)
			}
		case len(all) == 0:
			err = fmt.Errorf("a column before the first relation")
		default:
			err = all[len(all)-1].parseColumn(line[2:])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return all, nil
}

func parseHead(line string) (*relation, error) {
	full, num, _ := strings.Cut(line, " ")
	schema, name, _ := strings.Cut(full, ".")
	oid, err := strconv.ParseUint(num, 10, 32)
	if err != nil || name == "" {
		return nil, fmt.Errorf("bad relation %q", line)
	}
	return &relation{Virtual: &catalog.Virtual{ID: catalog.ID(oid), Schema: schema, Name: name}, byName: map[string]int{}}, nil
}

func (r *relation) parseColumn(line string) error {
	name, typ, _ := strings.Cut(line, " ")
	typ, notNull := strings.CutSuffix(typ, " !")
	t, err := columnType(typ)
	if err != nil {
		return err
	}
	r.byName[name] = len(r.Columns)
	r.Columns = append(r.Columns, catalog.Column{ID: len(r.Columns) + 1, Name: name, Type: t, NotNull: notNull})
	return nil
}

// substitutes stand for the types of PostgreSQL's catalogs that we do not have.
var substitutes = map[string]types.Type{
	`"char"`: types.QChar, "pg_node_tree": types.Text, "aclitem": types.Text, "inet": types.Text, "pg_lsn": types.Text,
	"anyarray": types.ArrayOf(types.Text), "pg_ndistinct": types.Text, "pg_dependencies": types.Text,
	"pg_mcv_list": types.Text, "pg_statistic": types.Text,
}

// columnType reads a type of columns.txt.
func columnType(s string) (types.Type, error) {
	elem, array := strings.CutSuffix(s, "[]")
	t, ok := substitutes[elem]
	if !ok {
		var err error
		if t, err = types.ParseTypeName(elem); err != nil {
			return t, fmt.Errorf("type %q: %w", s, err)
		}
	}
	if array {
		t = types.ArrayOf(t)
	}
	return t, nil
}
