package pgcatalog

import (
	"slices"
	"strings"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// RegName implements types.RegResolver.
func (e *Env) RegName(k types.Kind, oid uint32) (string, bool) {
	switch k {
	case types.KindRegClass:
		return e.className(oid)
	case types.KindRegType:
		if s := FormatType(oid, -1, true); s != "???" {
			return s, true
		}
	case types.KindRegProc:
		if f := functionByOID()[oid]; f != nil && !f.Hidden {
			return f.Name, true
		}
		for i := range ioFuncs {
			if ioFuncs[i].oid == int64(oid) {
				return ioFuncs[i].name, true
			}
		}
	case types.KindRegNS:
		if d := e.object(oid); d != nil && d.Kind == catalog.KindSchema {
			return catalog.QuoteIdent(d.Name), true
		}
	case types.KindRegRole:
		if n, ok := e.roleName(oid); ok {
			return catalog.QuoteIdent(n), true
		}
	}
	return "", false
}

var _ types.RegResolver = (*Env)(nil)

// className is a relation's name as regclass shows it.
func (e *Env) className(oid uint32) (string, bool) {
	visible, ok := e.visible(oid)
	if !ok {
		return "", false
	}
	schema, name := "", ""
	if v := e.virtuals().ByID(catalog.ID(oid)); v != nil {
		schema, name = v.Schema, v.Name
	} else {
		d := e.object(oid)
		schema, name = e.schemaName(d.Schema), d.Name
	}
	if visible {
		return catalog.QuoteIdent(name), true
	}
	return catalog.QuoteIdent(schema) + "." + catalog.QuoteIdent(name), true
}

// visible tells whether a relation's bare name finds it; ok is false for what is no
// relation.
func (e *Env) visible(oid uint32) (visible, ok bool) {
	if v := e.virtuals().ByID(catalog.ID(oid)); v != nil {
		found := e.virtuals().Find(e.SearchPath, catalog.Name{Name: v.Name})
		return found == v, true
	}
	d := e.object(oid)
	if d == nil || relkind(d) == "" {
		return false, false
	}
	if v := e.virtuals().Find(e.SearchPath, catalog.Name{Name: d.Name}); v != nil && v.Schema == catalog.PgCatalog {
		return false, true
	}
	return e.Catalog.Visible(e.SearchPath, d), true
}

// RegOID implements types.RegResolver.
func (e *Env) RegOID(k types.Kind, name string) (uint32, error) {
	if k == types.KindRegType {
		t, err := types.ParseTypeName(name)
		if err != nil {
			return 0, err
		}
		return t.OID(), nil
	}
	n, err := parseName(name)
	if err != nil {
		return 0, err
	}
	switch k {
	case types.KindRegClass:
		return e.relationOID(n)
	case types.KindRegProc:
		fs := functions.ByName(n.Name)
		fs = slices.DeleteFunc(slices.Clone(fs), func(f *functions.Function) bool { return f.Hidden })
		for i := range ioFuncs {
			if ioFuncs[i].name == n.Name && (n.Schema == "" || n.Schema == catalog.PgCatalog) {
				return uint32(ioFuncs[i].oid), nil
			}
		}
		switch {
		case len(fs) == 0 || n.Schema != "" && n.Schema != catalog.PgCatalog:
			return 0, sqlerr.New(sqlerr.UndefinedFunction, "function %q does not exist", name)
		case len(fs) > 1:
			return 0, sqlerr.New(sqlerr.AmbiguousFunction, "more than one function named %q", name)
		}
		return fs[0].OID, nil
	case types.KindRegNS:
		if id := e.schemaID(n.Name); id != 0 && n.Schema == "" {
			return uint32(id), nil
		}
		return 0, sqlerr.New(sqlerr.InvalidSchemaName, "schema %q does not exist", n.Name)
	case types.KindRegRole:
		if slices.Contains(e.roles(), n.Name) {
			return RoleOID(n.Name), nil
		}
		return 0, sqlerr.New(sqlerr.UndefinedObject, "role %q does not exist", n.Name)
	}
	return 0, sqlerr.Internal("no names of kind %d", k)
}

// relationOID looks a relation of any kind up.
func (e *Env) relationOID(n catalog.Name) (uint32, error) {
	if v := e.virtuals().Find(e.SearchPath, n); v != nil {
		return uint32(v.ID), nil
	}
	if e.Catalog != nil {
		if d := e.Catalog.Find(e.SearchPath, n); d != nil && relkind(d) != "" {
			return uint32(d.ID), nil
		}
	}
	return 0, sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", n)
}

// parseName reads a possibly qualified and quoted name, folding what is not quoted. A
// database in front is passed over.
func parseName(s string) (catalog.Name, error) {
	bad := func() (catalog.Name, error) {
		return catalog.Name{}, sqlerr.New(sqlerr.InvalidName, "invalid name syntax")
	}
	var parts []string
	rest := strings.TrimSpace(s)
	for {
		var part string
		if strings.HasPrefix(rest, `"`) {
			var ok bool
			if part, rest, ok = cutQuoted(rest); !ok {
				return bad()
			}
		} else {
			i := strings.IndexAny(rest, ".\" \t\n")
			if i < 0 {
				i = len(rest)
			}
			part, rest = strings.ToLower(rest[:i]), rest[i:]
			if part == "" {
				return bad()
			}
		}
		parts = append(parts, types.TruncName(part))
		rest = strings.TrimSpace(rest)
		if rest == "" {
			break
		}
		if rest[0] != '.' {
			return bad()
		}
		rest = strings.TrimSpace(rest[1:])
	}
	switch n := len(parts); n {
	case 1:
		return catalog.Name{Name: parts[0]}, nil
	case 2, 3:
		return catalog.Name{Schema: parts[n-2], Name: parts[n-1]}, nil
	}
	return catalog.Name{}, sqlerr.New(sqlerr.SyntaxError, "improper relation name (too many dotted names): %s", s)
}

// cutQuoted takes a quoted identifier off the front of s.
func cutQuoted(s string) (name, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], b.Len() > 0
	}
	return "", "", false
}
