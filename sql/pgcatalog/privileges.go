package pgcatalog

import (
	"slices"
	"strings"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// exists tells whether an object of some kind exists, by OID or by name; a name that
// does not is an error.
type exists func(e *Env, oid uint32, name string, byName bool) (bool, error)

// privilege is has_…_privilege(user, object, privileges) or without the user. There
// are no privileges yet but those of a superuser: whoever asks about something that
// exists hears yes. An OID that does not exist gives NULL.
func privilege(known exists, words string) Func {
	return func(e *Env, a Args) (types.Datum, error) {
		n := len(a.Values)
		if err := checkPrivileges(a.text(n-1), words); err != nil {
			return types.NullDatum, err
		}
		return granted(e, a, n-2, known)
	}
}

// granted answers for the object in argument i.
func granted(e *Env, a Args, i int, known exists) (types.Datum, error) {
	if known != nil {
		byName := a.Types[i].Class() == types.ClassBytes
		ok, err := known(e, a.oid(i), a.text(i), byName)
		if err != nil {
			return types.NullDatum, err
		}
		if !ok {
			return null()
		}
	}
	return boolean(true)
}

// checkPrivileges holds a list of privileges against the words there are.
func checkPrivileges(list, words string) error {
	for _, p := range strings.Split(list, ",") {
		w := strings.ToUpper(strings.TrimSpace(p))
		for _, suffix := range []string{" WITH GRANT OPTION", " WITH ADMIN OPTION"} {
			w = strings.TrimSuffix(w, suffix)
		}
		if !slices.Contains(strings.Fields(words), w) {
			return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized privilege type: %q", strings.TrimSpace(p))
		}
	}
	return nil
}

func tableExists(e *Env, oid uint32, name string, byName bool) (bool, error) {
	if byName {
		n, err := parseName(name)
		if err == nil {
			_, err = e.relationOID(n)
		}
		return err == nil, err
	}
	_, ok := e.visible(oid)
	return ok, nil
}

func sequenceExists(e *Env, oid uint32, name string, byName bool) (bool, error) {
	if ok, err := tableExists(e, oid, name, byName); !ok || err != nil {
		return ok, err
	}
	if byName {
		n, _ := parseName(name)
		oid, _ = e.relationOID(n)
	}
	if d := e.object(oid); d == nil || d.Sequence == nil {
		return false, sqlerr.New(sqlerr.WrongObjectType, "%q is not a sequence", name)
	}
	return true, nil
}

func schemaExists(e *Env, oid uint32, name string, byName bool) (bool, error) {
	if byName {
		if e.schemaID(name) == 0 {
			return false, sqlerr.New(sqlerr.InvalidSchemaName, "schema %q does not exist", name)
		}
		return true, nil
	}
	d := e.object(oid)
	return d != nil && d.Kind == catalog.KindSchema, nil
}

func databaseExists(e *Env, oid uint32, name string, byName bool) (bool, error) {
	if byName && name != e.database() {
		return false, sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", name)
	}
	return byName || oid == databaseOID, nil
}

func functionExists(_ *Env, oid uint32, name string, byName bool) (bool, error) {
	if !byName {
		return functionByOID()[oid] != nil, nil
	}
	fn, _, _ := strings.Cut(name, "(")
	n, err := parseName(fn)
	if err == nil && len(functions.ByName(n.Name)) == 0 {
		err = sqlerr.New(sqlerr.UndefinedFunction, "function %q does not exist", name)
	}
	return err == nil, err
}

func typeExists(_ *Env, oid uint32, name string, byName bool) (bool, error) {
	if byName {
		_, err := types.ParseTypeName(name)
		return err == nil, err
	}
	return FormatType(oid, -1, true) != "???", nil
}

// columnPrivilege is has_column_privilege([user,] table, column, privileges).
func columnPrivilege(e *Env, a Args) (types.Datum, error) {
	n := len(a.Values)
	if err := checkPrivileges(a.text(n-1), "SELECT INSERT UPDATE REFERENCES"); err != nil {
		return types.NullDatum, err
	}
	return granted(e, a, n-3, tableExists)
}
