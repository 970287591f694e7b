package pgcatalog

import "strconv"

// longAgo stands for "no time" in the times of Activity: NULL.
func instant(us int64) any {
	if us == 0 {
		return nil
	}
	return us
}

// orNull turns an empty text into NULL.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (e *Env) database() string {
	if e.Database == "" {
		return Owner
	}
	return e.Database
}

func pgDatabase(w *writer) {
	w.add(row{"oid": databaseOID, "datname": w.env.database(), "datdba": ownerOID, "encoding": 6, "datlocprovider": "c",
		"datallowconn": true, "datconnlimit": -1, "datfrozenxid": 0, "datminmxid": 1, "dattablespace": 1663,
		"datcollate": "C", "datctype": "C"})
}

func pgRoles(w *writer) {
	for _, n := range w.env.roles() {
		w.add(row{"oid": RoleOID(n), "rolname": n, "rolsuper": true, "rolinherit": true, "rolcreaterole": true, "rolcreatedb": true,
			"rolcanlogin": true, "rolreplication": false, "rolconnlimit": -1, "rolpassword": "********", "rolbypassrls": true})
	}
}

func pgAuthid(w *writer) {
	for _, n := range w.env.roles() {
		w.add(row{"oid": RoleOID(n), "rolname": n, "rolsuper": true, "rolinherit": true, "rolcreaterole": true, "rolcreatedb": true,
			"rolcanlogin": true, "rolconnlimit": -1, "rolbypassrls": true})
	}
}

func pgUser(w *writer) {
	for _, n := range w.env.roles() {
		w.add(row{"usename": n, "usesysid": RoleOID(n), "usecreatedb": true, "usesuper": true, "userepl": false,
			"usebypassrls": true, "passwd": "********"})
	}
}

func pgSettings(w *writer) {
	if w.env.Live == nil {
		return
	}
	for _, s := range w.env.Live.Settings() {
		r := row{"name": s.Name, "setting": s.Value, "unit": orNull(s.Unit), "category": s.Category, "short_desc": s.Description,
			"context": s.Context, "vartype": s.VarType, "source": s.Source, "min_val": orNull(s.Min), "max_val": orNull(s.Max),
			"boot_val": s.Boot, "reset_val": s.Reset, "pending_restart": false}
		if s.Enum != nil {
			r["enumvals"] = s.Enum
		}
		w.add(r)
	}
}

func pgStatActivity(w *writer) {
	if w.env.Live == nil {
		return
	}
	for _, a := range w.env.Live.Activity() {
		r := row{"datid": databaseOID, "datname": a.Database, "pid": int64(a.PID), "usesysid": RoleOID(a.User), "usename": a.User,
			"application_name": a.Application, "client_addr": orNull(a.Host), "client_port": a.Port,
			"backend_start": instant(a.Begin), "xact_start": instant(a.XactBegin), "query_start": instant(a.QueryBegin),
			"state_change": instant(a.StateChange), "wait_event_type": orNull(a.WaitEventType), "wait_event": orNull(a.WaitEvent),
			"state": orNull(a.State), "query": a.Query, "backend_type": "client backend"}
		if a.BackendType != "" {
			r["backend_type"] = a.BackendType
			r["datid"], r["datname"], r["usesysid"], r["usename"], r["client_port"] = nil, nil, nil, nil, nil
		}
		w.add(r)
	}
}

func pgStatSSL(w *writer) {
	if w.env.Live == nil {
		return
	}
	for _, a := range w.env.Live.Activity() {
		if a.BackendType == "" {
			w.add(row{"pid": int64(a.PID), "ssl": a.TLS == "on", "version": orNull(a.TLSVersion), "cipher": orNull(a.TLSCipher)})
		}
	}
}

func pgStatDatabase(w *writer) {
	n := 0
	if w.env.Live != nil {
		n = len(w.env.Live.Activity())
	}
	w.add(row{"datid": databaseOID, "datname": w.env.database(), "numbackends": n})
}

func pgStatAllTables(w *writer) { statTables(w, true) }

func pgStatUserTables(w *writer) { statTables(w, false) }

func statTables(w *writer, system bool) {
	if system {
		for _, v := range w.env.virtuals().All() {
			if !virtualView(v) {
				w.add(row{"relid": v.ID, "schemaname": v.Schema, "relname": v.Name, "seq_scan": 0, "n_live_tup": 0})
			}
		}
	}
	for _, d := range w.env.objects() {
		if k := relkind(d); k == "r" || k == "m" {
			rows, _ := w.env.size(d.ID)
			w.add(row{"relid": d.ID, "schemaname": w.env.schemaName(d.Schema), "relname": d.Name, "seq_scan": 0,
				"n_live_tup": max(rows, 0), "n_dead_tup": 0})
		}
	}
}

func pgLocks(w *writer) {
	if w.env.Live == nil {
		return
	}
	for _, l := range w.env.Live.Locks() {
		mode := "ExclusiveLock"
		if l.Shared {
			mode = "ShareLock"
		}
		w.add(row{"locktype": "advisory", "database": databaseOID, "classid": l.ClassID, "objid": l.ObjID, "objsubid": l.ObjSub,
			"virtualtransaction": strconv.Itoa(int(l.PID)) + "/1", "pid": int64(l.PID), "mode": mode, "granted": l.Granted, "fastpath": false})
	}
}
