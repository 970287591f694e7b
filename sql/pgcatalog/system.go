package pgcatalog

import (
	"sync"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// pseudoOIDs are the pg_type OIDs of the pseudo-types in signatures.
var pseudoOIDs = map[types.Kind]uint32{
	functions.Any.Kind: 2276, functions.AnyElement.Kind: 2283, functions.AnyArray.Kind: 2277,
	functions.AnyNonArray.Kind: 2776, functions.AnyCompatible.Kind: 5077,
	functions.AnyCompatibleArray.Kind: 5078, functions.AnyCompatibleNonArray.Kind: 5079,
}

// pseudoTypes are the pseudo-types that pg_type lists beside the kinds, by OID.
var pseudoTypes = []struct {
	oid  uint32
	name string
	len  int
}{
	{2275, "cstring", -2}, {2276, "any", 4}, {2277, "anyarray", -1}, {2279, "trigger", 4}, {2281, "internal", 8},
	{2283, "anyelement", 4}, {2776, "anynonarray", 4}, {3500, "anyenum", 4}, {3831, "anyrange", -1},
	{5077, "anycompatible", 4}, {5078, "anycompatiblearray", -1}, {5079, "anycompatiblenonarray", 4},
}

// typeOID is the pg_type OID of a type in a signature.
func typeOID(t types.Type) uint32 {
	if o, ok := pseudoOIDs[t.Kind]; ok {
		return o
	}
	return t.OID()
}

func pgType(w *writer) {
	for _, k := range types.Kinds() {
		t := types.Of(k)
		w.add(typeRow(t))
		if t.ArrayOID() != 0 {
			w.add(typeRow(types.ArrayOf(t)))
		}
	}
	for _, p := range pseudoTypes {
		w.add(row{"oid": p.oid, "typname": p.name, "typnamespace": catalog.PgCatalogID, "typowner": ownerOID, "typlen": p.len,
			"typtype": "p", "typcategory": "P", "typisdefined": true, "typdelim": ",", "typalign": "i", "typstorage": "p", "typtypmod": -1})
	}
}

func typeRow(t types.Type) row {
	kind := "b"
	switch t.Kind {
	case types.KindUnknown, types.KindVoid, types.KindRecord:
		kind = "p"
	}
	r := row{"oid": t.OID(), "typname": t.TypName(), "typnamespace": catalog.PgCatalogID, "typowner": ownerOID,
		"typlen": t.Len(), "typbyval": t.ByVal(), "typtype": kind, "typcategory": string(t.Category()),
		"typispreferred": t.Preferred(), "typisdefined": true, "typdelim": string(t.Delim()), "typarray": t.ArrayOID(),
		"typalign": string(t.Align()), "typstorage": string(t.Storage()), "typtypmod": -1, "typcollation": collationOf(t)}
	io, ok := typeIO[t.TypName()]
	if !ok {
		io = typeIO["_int4"]
	}
	for i, name := range []string{"typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout"} {
		r[name] = io[i]
	}
	if t.IsArray() {
		r["typelem"] = t.ElemType().OID()
		if t.Kind == types.KindArray {
			r["typarray"] = 0
		}
	}
	return r
}

// callable lists the functions users can call by name.
func callable() []*functions.Function {
	var out []*functions.Function
	for _, f := range functions.All() {
		if !f.Hidden && !f.Operator() {
			out = append(out, f)
		}
	}
	return out
}

// functionByOID finds a callable function or operator.
var functionByOID = sync.OnceValue(func() map[uint32]*functions.Function {
	m := map[uint32]*functions.Function{}
	for _, f := range functions.All() {
		m[f.OID] = f
	}
	return m
})

var volatilities = map[functions.Volatility]string{functions.Immutable: "i", functions.Stable: "s", functions.Volatile: "v"}

func argOIDs(f *functions.Function) []int64 {
	out := make([]int64, len(f.Args))
	for i, a := range f.Args {
		out[i] = int64(typeOID(a))
	}
	return out
}

func pgProc(w *writer) {
	for _, f := range callable() {
		kind := "f"
		switch f.Kind {
		case functions.Aggregate:
			kind = "a"
		case functions.Window:
			kind = "w"
		}
		r := row{"oid": f.OID, "proname": f.Name, "pronamespace": catalog.PgCatalogID, "proowner": ownerOID, "prolang": 12,
			"procost": 1.0, "prokind": kind, "proisstrict": f.Strict, "proretset": f.Kind == functions.Set,
			"provolatile": volatilities[f.Volatility], "proparallel": "s", "pronargs": len(f.Args),
			"pronargdefaults": f.Defaults, "prorettype": typeOID(f.Ret), "proargtypes": argOIDs(f), "prosrc": f.ID}
		if f.Kind == functions.Set {
			r["prorows"] = 1000.0
		}
		if f.Variadic && len(f.Args) > 0 {
			r["provariadic"] = typeOID(f.Args[len(f.Args)-1])
		}
		w.add(r)
	}
	for _, f := range ioFuncs {
		w.add(row{"oid": f.oid, "proname": f.name, "pronamespace": catalog.PgCatalogID, "proowner": ownerOID, "prolang": 12,
			"procost": 1.0, "prokind": "f", "proisstrict": true, "provolatile": "i", "proparallel": "s", "pronargs": len(f.args),
			"prorettype": f.ret, "proargtypes": f.args, "prosrc": f.name})
	}
}

func pgAggregate(w *writer) {
	for _, f := range callable() {
		if f.Kind == functions.Aggregate {
			w.add(row{"aggfnoid": f.OID, "aggkind": "n", "aggfinalmodify": "r", "aggmfinalmodify": "r"})
		}
	}
}

func pgOperator(w *writer) {
	for _, f := range functions.All() {
		if f.Hidden || !f.Operator() {
			continue
		}
		r := row{"oid": f.OID, "oprname": f.Name, "oprnamespace": catalog.PgCatalogID, "oprowner": ownerOID, "oprkind": "b",
			"oprresult": typeOID(f.Ret), "oprcode": f.OID, "oprcanmerge": f.Name == "=", "oprcanhash": f.Name == "="}
		switch len(f.Args) {
		case 1:
			r["oprkind"], r["oprright"] = "l", typeOID(f.Args[0])
		case 2:
			r["oprleft"], r["oprright"] = typeOID(f.Args[0]), typeOID(f.Args[1])
		}
		w.add(r)
	}
}

func pgCast(w *writer) {
	oid := 10100
	for _, from := range types.Kinds() {
		for _, to := range types.Kinds() {
			if r := castRow(types.Of(from), types.Of(to)); r != nil {
				r["oid"] = oid
				oid++
				w.add(r)
			}
		}
	}
}

// castRow is the pg_cast row of a pair of types; nil without one, also where the cast
// goes through text, which PostgreSQL does not list.
func castRow(from, to types.Type) row {
	if from == to || from.Kind == types.KindUnknown || to.Kind == types.KindUnknown {
		return nil
	}
	for i, context := range []string{"i", "a", "e"} {
		id, ok := functions.FindCast(from, to, functions.CastContext(i))
		if !ok {
			continue
		}
		f := functions.ByID(id)
		if f == nil || id == "cast_text_out" || id == "cast_text_in" || id == "cast_array" {
			return nil
		}
		r := row{"castsource": from.OID(), "casttarget": to.OID(), "castcontext": context, "castmethod": "f", "castfunc": f.OID}
		if f.Relabel || id == "cast_relabel" {
			r["castmethod"], r["castfunc"] = "b", 0
		}
		return r
	}
	return nil
}

func pgAm(w *writer) {
	w.add(row{"oid": amHeap, "amname": "heap", "amtype": "t"})
	w.add(row{"oid": amBtree, "amname": "btree", "amtype": "i"})
}

// opclasses are the default btree operator classes, with PostgreSQL's OIDs.
var opclasses = []struct {
	oid  int64
	name string
	kind types.Kind
}{
	{10003, "bool_ops", types.KindBool}, {10004, "bpchar_ops", types.KindBPChar}, {10006, "bytea_ops", types.KindBytea},
	{10007, "char_ops", types.KindQChar}, {3122, "date_ops", types.KindDate}, {10012, "float4_ops", types.KindFloat4},
	{3123, "float8_ops", types.KindFloat8}, {1979, "int2_ops", types.KindInt2}, {1978, "int4_ops", types.KindInt4},
	{3124, "int8_ops", types.KindInt8}, {10022, "interval_ops", types.KindInterval}, {10028, "name_ops", types.KindName},
	{3125, "numeric_ops", types.KindNumeric}, {1981, "oid_ops", types.KindOID}, {10032, "oidvector_ops", types.KindOIDVector},
	{3126, "text_ops", types.KindText}, {10038, "time_ops", types.KindTime}, {3127, "timestamptz_ops", types.KindTimestampTZ},
	{3128, "timestamp_ops", types.KindTimestamp}, {10065, "uuid_ops", types.KindUUID}, {10088, "jsonb_ops", types.KindJSONB},
	{10000, "array_ops", types.KindArray},
}

// opclassOf is the operator class an index over a type uses.
func opclassOf(t types.Type) int64 {
	if t.Kind == types.KindVarchar {
		t.Kind = types.KindText
	}
	for _, o := range opclasses {
		if o.kind == t.Kind {
			return o.oid
		}
	}
	return 0
}

func pgOpclass(w *writer) {
	for _, o := range opclasses {
		in := uint32(2277)
		if o.kind != types.KindArray {
			in = types.Of(o.kind).OID()
		}
		w.add(row{"oid": o.oid, "opcmethod": amBtree, "opcname": o.name, "opcnamespace": catalog.PgCatalogID,
			"opcowner": ownerOID, "opcintype": in, "opcdefault": true})
	}
}

func pgCollation(w *writer) {
	add := func(oid int, name, provider string, enc int, locale any) {
		w.add(row{"oid": oid, "collname": name, "collnamespace": catalog.PgCatalogID, "collowner": ownerOID, "collprovider": provider,
			"collisdeterministic": true, "collencoding": enc, "collcollate": locale, "collctype": locale})
	}
	add(100, "default", "d", -1, nil)
	add(950, "C", "c", -1, "C")
	add(951, "POSIX", "c", -1, "POSIX")
	add(12340, "ucs_basic", "c", 6, "C")
}

func pgLanguage(w *writer) {
	w.add(row{"oid": 12, "lanname": "internal", "lanowner": ownerOID})
	w.add(row{"oid": 14, "lanname": "sql", "lanowner": ownerOID, "lanpltrusted": true})
}

func pgTablespace(w *writer) {
	w.add(row{"oid": 1663, "spcname": "pg_default", "spcowner": ownerOID})
	w.add(row{"oid": 1664, "spcname": "pg_global", "spcowner": ownerOID})
}
