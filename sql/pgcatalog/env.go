package pgcatalog

import (
	"hash/fnv"
	"slices"

	"streamdb/sql/catalog"
	"streamdb/sql/types"
)

// Env is what relations and functions are computed from: one session's view at one
// moment. It is read by one goroutine at a time.
type Env struct {
	Catalog *catalog.Catalog
	// Virtuals is the set the binder knows, of which this package's are a part; nil
	// means this package's alone.
	Virtuals *catalog.Virtuals
	// User and Database are the session's.
	User, Database string
	// SearchPath has "$user" replaced already; pg_catalog is implied.
	SearchPath []string
	// Version is what server_version shows.
	Version string
	// PID is the session's number in pg_stat_activity.
	PID uint32
	// Started is when the server started, in microseconds since 2000-01-01 UTC.
	Started int64
	// Live answers what is not in the catalog; nil knows nothing.
	Live Live
}

// Live is the running server as the catalog's relations show it.
type Live interface {
	// Activity lists the sessions.
	Activity() []Activity
	// Locks lists the advisory locks.
	Locks() []Lock
	// Settings lists the run-time settings with the session's values, by name.
	Settings() []Setting
	// Sequence gives a sequence's last value and whether it has been given out.
	Sequence(id catalog.ID) (last int64, called bool)
	// Size gives the rows and the bytes of a stored relation; -1 rows for unknown.
	Size(id catalog.ID) (rows, bytes int64)
}

// Activity is a row of pg_stat_activity. Times are in microseconds since 2000-01-01
// UTC, 0 for none.
type Activity struct {
	PID                        uint32
	User, Database             string
	Application, Host          string
	Port                       int
	State                      string // active, idle, idle in transaction, …
	Query                      string
	Begin, XactBegin           int64
	QueryBegin, StateChange    int64
	WaitEventType, WaitEvent   string
	BackendType                string // empty means client backend
	TLS, TLSVersion, TLSCipher string // TLS is "on" for an encrypted connection
}

// Lock is an advisory lock, held or waited for.
type Lock struct {
	PID     uint32
	ClassID uint32 // upper half of the key, or the first of two keys
	ObjID   uint32
	ObjSub  int // 1 for one bigint key, 2 for two integer keys
	Shared  bool
	Granted bool
}

// Setting is a row of pg_settings.
type Setting struct {
	Name, Value, Unit, Category string
	Description                 string
	Context                     string // user, postmaster, internal, …
	VarType                     string // bool, integer, real, string, enum
	Source                      string // default, session, configuration file
	Min, Max                    string
	Enum                        []string
	Boot, Reset                 string
}

// Owner is the role that owns what the system brings along.
const Owner = "streamdb"

// ownerOID is the OID of Owner, PostgreSQL's bootstrap superuser.
const ownerOID = 10

// databaseOID is the OID of the one database.
const databaseOID = 5

// RoleOID gives the OID under which a role is shown.
func RoleOID(name string) uint32 {
	if name == Owner || name == "" {
		return ownerOID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return 0x40000000 | h.Sum32()&0x3fffffff // beyond all other OIDs in use
}

// roles lists the roles there is a trace of, by name.
func (e *Env) roles() []string {
	names := []string{Owner}
	if e.User != "" {
		names = append(names, e.User)
	}
	for _, d := range e.objects() {
		if d.Owner != "" {
			names = append(names, d.Owner)
		}
	}
	if e.Live != nil {
		for _, a := range e.Live.Activity() {
			if a.User != "" {
				names = append(names, a.User)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// roleName finds the role with an OID.
func (e *Env) roleName(oid uint32) (string, bool) {
	if oid == ownerOID {
		return Owner, true
	}
	for _, n := range e.roles() {
		if RoleOID(n) == oid {
			return n, true
		}
	}
	return "", false
}

// objects lists the catalog's objects by id; none without a catalog.
func (e *Env) objects() []*catalog.Descriptor {
	if e.Catalog == nil {
		return nil
	}
	return e.Catalog.All()
}

// object finds an object by OID, nil if there is none.
func (e *Env) object(oid uint32) *catalog.Descriptor {
	if e.Catalog == nil {
		return nil
	}
	return e.Catalog.ByID(catalog.ID(oid))
}

// virtuals is the set of relations that are computed.
func (e *Env) virtuals() *catalog.Virtuals {
	if e.Virtuals != nil {
		return e.Virtuals
	}
	load()
	return loaded.virtuals
}

// schemaName finds the name of a schema, "" if there is none.
func (e *Env) schemaName(id catalog.ID) string {
	if d := e.object(uint32(id)); d != nil {
		return d.Name
	}
	return ""
}

// schemaID finds the id of a schema, 0 if there is none.
func (e *Env) schemaID(name string) catalog.ID {
	if e.Catalog == nil {
		return 0
	}
	d, err := e.Catalog.SchemaByName(name)
	if err != nil {
		return 0
	}
	return d.ID
}

// size gives rows and bytes of a stored relation.
func (e *Env) size(id catalog.ID) (rows, bytes int64) {
	if e.Live == nil {
		return -1, 0
	}
	return e.Live.Size(id)
}

// relkind is pg_class.relkind, 0 for what is not in pg_class.
func relkind(d *catalog.Descriptor) string {
	switch d.Kind {
	case catalog.KindTable:
		return "r"
	case catalog.KindView:
		return "v"
	case catalog.KindMatView:
		return "m"
	case catalog.KindSource, catalog.KindSink:
		return "f"
	case catalog.KindIndex:
		return "i"
	case catalog.KindSequence:
		return "S"
	}
	return ""
}

// connectorOf is the connector of a source or sink, nil for the rest.
func connectorOf(d *catalog.Descriptor) *catalog.Connector {
	switch {
	case d.Kind == catalog.KindSource && d.Table != nil:
		return d.Table.Connector
	case d.Sink != nil:
		return d.Sink.Connector
	}
	return nil
}

// collationOf is pg_attribute.attcollation for a type.
func collationOf(t types.Type) int {
	if t.IsArray() {
		t = t.ElemType()
	}
	switch t.Kind {
	case types.KindText, types.KindVarchar, types.KindBPChar:
		return 100
	case types.KindName:
		return 950
	}
	return 0
}
