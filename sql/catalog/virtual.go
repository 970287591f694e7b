package catalog

import (
	"slices"
	"strings"
)

// Virtual is a relation that the server computes when it is read: pg_catalog,
// information_schema and streamdb are made of them. Only its shape is known here;
// who produces the rows registers elsewhere under the same name.
type Virtual struct {
	ID      ID // below FirstUserID
	Schema  string
	Name    string
	Columns []Column
	Comment string
}

// FullName is schema.name, the name that plans call it by.
func (v *Virtual) FullName() string { return v.Schema + "." + v.Name }

// Virtuals is the set of virtual relations. It is filled at start and only read then.
type Virtuals struct {
	byName map[Name]*Virtual
	byID   map[ID]*Virtual
}

// NewVirtuals makes the set of the given relations. A doubled name or id panics.
func NewVirtuals(list ...*Virtual) *Virtuals {
	vs := &Virtuals{byName: map[Name]*Virtual{}, byID: map[ID]*Virtual{}}
	for _, v := range list {
		n := Name{v.Schema, v.Name}
		if vs.byName[n] != nil || v.ID != 0 && vs.byID[v.ID] != nil {
			panic("catalog: virtual relation " + n.String() + " is there twice")
		}
		vs.byName[n] = v
		if v.ID != 0 {
			vs.byID[v.ID] = v
		}
	}
	return vs
}

// Find looks a name up, nil if there is none. Unqualified names are searched for in
// pg_catalog first, then along the path.
func (vs *Virtuals) Find(searchPath []string, n Name) *Virtual {
	if vs == nil {
		return nil
	}
	if n.Schema != "" {
		return vs.byName[n]
	}
	if !slices.Contains(searchPath, PgCatalog) {
		if v := vs.byName[Name{PgCatalog, n.Name}]; v != nil {
			return v
		}
	}
	for _, s := range searchPath {
		if v := vs.byName[Name{s, n.Name}]; v != nil {
			return v
		}
	}
	return nil
}

// ByID looks an id up, nil if there is none.
func (vs *Virtuals) ByID(id ID) *Virtual {
	if vs == nil {
		return nil
	}
	return vs.byID[id]
}

// All gives the relations in order of their full names.
func (vs *Virtuals) All() []*Virtual {
	if vs == nil {
		return nil
	}
	out := make([]*Virtual, 0, len(vs.byName))
	for _, v := range vs.byName {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *Virtual) int { return strings.Compare(a.FullName(), b.FullName()) })
	return out
}
