package pgcatalog

import (
	"strconv"

	"streamdb/sql/catalog"
)

// yesNo writes a truth value as the SQL standard has it.
func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

func isCatalogName(w *writer) { w.add(row{"catalog_name": w.env.database()}) }

func isSchemata(w *writer) {
	for _, d := range w.env.objects() {
		if d.Kind == catalog.KindSchema {
			w.add(row{"catalog_name": w.env.database(), "schema_name": d.Name, "schema_owner": d.Owner})
		}
	}
}

// tableType is tables.table_type; empty for what is no table.
func tableType(d *catalog.Descriptor) string {
	switch d.Kind {
	case catalog.KindTable:
		return "BASE TABLE"
	case catalog.KindView:
		return "VIEW"
	case catalog.KindMatView:
		// PostgreSQL leaves materialized views out of information_schema; tools that
		// know nothing else would then not see what this database is about.
		return "MATERIALIZED VIEW"
	case catalog.KindSource, catalog.KindSink:
		return "FOREIGN"
	}
	return ""
}

func writable(d *catalog.Descriptor) bool { return d.Kind == catalog.KindTable }

func isTables(w *writer) {
	for _, v := range w.env.virtuals().All() {
		t := "BASE TABLE"
		if virtualView(v) {
			t = "VIEW"
		}
		w.add(row{"table_catalog": w.env.database(), "table_schema": v.Schema, "table_name": v.Name, "table_type": t,
			"is_insertable_into": "NO", "is_typed": "NO"})
	}
	for _, d := range w.env.objects() {
		if t := tableType(d); t != "" {
			w.add(row{"table_catalog": w.env.database(), "table_schema": w.env.schemaName(d.Schema), "table_name": d.Name,
				"table_type": t, "is_insertable_into": yesNo(writable(d)), "is_typed": "NO"})
		}
	}
}

func isColumns(w *writer) {
	for _, v := range w.env.virtuals().All() {
		for i := range v.Columns {
			r := columnRow(w.env, &v.Columns[i], i+1)
			r["table_schema"], r["table_name"], r["is_updatable"] = v.Schema, v.Name, "NO"
			w.add(r)
		}
	}
	for _, d := range w.env.objects() {
		if tableType(d) == "" {
			continue
		}
		schema := w.env.schemaName(d.Schema)
		cols := visible(d)
		for i := range cols {
			c := &cols[i]
			r := columnRow(w.env, c, c.ID)
			r["table_schema"], r["table_name"], r["is_updatable"] = schema, d.Name, yesNo(writable(d))
			w.add(r)
		}
	}
}

func columnRow(env *Env, c *catalog.Column, position int) row {
	r := row{"table_catalog": env.database(), "column_name": c.Name, "ordinal_position": position,
		"is_nullable": yesNo(!c.NotNull), "udt_catalog": env.database(), "udt_schema": catalog.PgCatalog,
		"udt_name": c.Type.TypName(), "dtd_identifier": strconv.Itoa(position), "is_self_referencing": "NO", "is_identity": "NO",
		"is_generated": "NEVER", "identity_cycle": "NO"}
	if hasDefault(c) {
		r["column_default"] = defaultText(c)
	}
	typeColumns(r, c.Type)
	if c.Identity == "" {
		return r
	}
	r["is_identity"], r["identity_generation"] = "YES", "BY DEFAULT"
	if c.Identity == "a" {
		r["identity_generation"] = "ALWAYS"
	}
	if d := env.object(uint32(c.Sequence)); d != nil && d.Sequence != nil {
		s := d.Sequence
		r["identity_start"], r["identity_increment"] = number(s.Start), number(s.Increment)
		r["identity_maximum"], r["identity_minimum"], r["identity_cycle"] = number(s.Max), number(s.Min), yesNo(s.Cycle)
	}
	return r
}

func number(v int64) string { return strconv.FormatInt(v, 10) }

func isViews(w *writer) {
	for _, d := range w.env.objects() {
		if d.View != nil || d.MatView != nil {
			w.add(row{"table_catalog": w.env.database(), "table_schema": w.env.schemaName(d.Schema), "table_name": d.Name,
				"view_definition": viewDef(d), "check_option": "NONE", "is_updatable": "NO", "is_insertable_into": "NO",
				"is_trigger_updatable": "NO", "is_trigger_deletable": "NO"})
		}
	}
}

func isSequences(w *writer) {
	for _, d := range w.env.objects() {
		s := d.Sequence
		if s == nil {
			continue
		}
		bits := int(s.Type.Len()) * 8
		w.add(row{"sequence_catalog": w.env.database(), "sequence_schema": w.env.schemaName(d.Schema), "sequence_name": d.Name,
			"data_type": s.Type.SQLName(), "numeric_precision": bits, "numeric_precision_radix": 2, "numeric_scale": 0,
			"start_value": number(s.Start), "minimum_value": number(s.Min), "maximum_value": number(s.Max),
			"increment": number(s.Increment), "cycle_option": yesNo(s.Cycle)})
	}
}

// eachConstraint visits the constraints of all tables.
func eachConstraint(e *Env, f func(schema string, d *catalog.Descriptor, c *catalog.Constraint)) {
	for _, d := range e.objects() {
		if d.Table == nil {
			continue
		}
		schema := e.schemaName(d.Schema)
		for i := range d.Table.Constraints {
			f(schema, d, &d.Table.Constraints[i])
		}
	}
}

var constraintTypes = map[catalog.ConstraintKind]string{
	catalog.ConstraintPrimaryKey: "PRIMARY KEY", catalog.ConstraintUnique: "UNIQUE", catalog.ConstraintCheck: "CHECK",
}

func isTableConstraints(w *writer) {
	add := func(schema, table, name, kind string) {
		r := row{"constraint_catalog": w.env.database(), "constraint_schema": schema, "constraint_name": name,
			"table_catalog": w.env.database(), "table_schema": schema, "table_name": table, "constraint_type": kind,
			"is_deferrable": "NO", "initially_deferred": "NO", "enforced": "YES"}
		if kind == "UNIQUE" {
			r["nulls_distinct"] = "YES"
		}
		w.add(r)
	}
	eachConstraint(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Constraint) {
		add(schema, d.Name, c.Name, constraintTypes[c.Kind])
	})
	eachNotNull(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Column) {
		add(schema, d.Name, notNullName(d, c), "CHECK")
	})
}

// eachNotNull visits the NOT NULL columns of all tables; to the standard they are
// check constraints.
func eachNotNull(e *Env, f func(schema string, d *catalog.Descriptor, c *catalog.Column)) {
	for _, d := range e.objects() {
		if d.Table == nil {
			continue
		}
		cols := visible(d)
		for i := range cols {
			if cols[i].NotNull {
				f(e.schemaName(d.Schema), d, &cols[i])
			}
		}
	}
}

func notNullName(d *catalog.Descriptor, c *catalog.Column) string {
	return number(int64(d.Schema)) + "_" + number(int64(d.ID)) + "_" + strconv.Itoa(c.ID) + "_not_null"
}

func isCheckConstraints(w *writer) {
	add := func(schema, name, clause string) {
		w.add(row{"constraint_catalog": w.env.database(), "constraint_schema": schema, "constraint_name": name, "check_clause": clause})
	}
	eachConstraint(w.env, func(schema string, _ *catalog.Descriptor, c *catalog.Constraint) {
		if c.Kind == catalog.ConstraintCheck {
			add(schema, c.Name, "(("+c.Check+"))")
		}
	})
	eachNotNull(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Column) {
		add(schema, notNullName(d, c), c.Name+" IS NOT NULL")
	})
}

func isKeyColumnUsage(w *writer) {
	eachConstraint(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Constraint) {
		if c.Kind == catalog.ConstraintCheck {
			return
		}
		for i, id := range c.Columns {
			if col := d.ColumnByID(id); col != nil {
				w.add(row{"constraint_catalog": w.env.database(), "constraint_schema": schema, "constraint_name": c.Name,
					"table_catalog": w.env.database(), "table_schema": schema, "table_name": d.Name, "column_name": col.Name,
					"ordinal_position": i + 1})
			}
		}
	})
}

func isConstraintColumnUsage(w *writer) {
	eachConstraint(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Constraint) {
		for _, id := range c.Columns {
			if col := d.ColumnByID(id); col != nil {
				w.add(row{"table_catalog": w.env.database(), "table_schema": schema, "table_name": d.Name, "column_name": col.Name,
					"constraint_catalog": w.env.database(), "constraint_schema": schema, "constraint_name": c.Name})
			}
		}
	})
}

func isConstraintTableUsage(w *writer) {
	eachConstraint(w.env, func(schema string, d *catalog.Descriptor, c *catalog.Constraint) {
		if c.Kind != catalog.ConstraintCheck {
			w.add(row{"table_catalog": w.env.database(), "table_schema": schema, "table_name": d.Name,
				"constraint_catalog": w.env.database(), "constraint_schema": schema, "constraint_name": c.Name})
		}
	})
}

func isTablePrivileges(w *writer) {
	for _, d := range w.env.objects() {
		if tableType(d) == "" {
			continue
		}
		privileges := []string{"SELECT"}
		if writable(d) {
			privileges = []string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
		}
		for _, p := range privileges {
			w.add(row{"grantor": d.Owner, "grantee": d.Owner, "table_catalog": w.env.database(),
				"table_schema": w.env.schemaName(d.Schema), "table_name": d.Name, "privilege_type": p,
				"is_grantable": "YES", "with_hierarchy": yesNo(p == "SELECT")})
		}
	}
}

func isForeignTables(w *writer) {
	for _, d := range w.env.objects() {
		if s := serverName(d); s != "" {
			w.add(row{"foreign_table_catalog": w.env.database(), "foreign_table_schema": w.env.schemaName(d.Schema),
				"foreign_table_name": d.Name, "foreign_server_catalog": w.env.database(), "foreign_server_name": s})
		}
	}
}

func isForeignServers(w *writer) {
	for _, s := range servers(w.env) {
		w.add(row{"foreign_server_catalog": w.env.database(), "foreign_server_name": s,
			"foreign_data_wrapper_catalog": w.env.database(), "foreign_data_wrapper_name": "streamdb", "authorization_identifier": Owner})
	}
}

func isEnabledRoles(w *writer) {
	for _, n := range w.env.roles() {
		w.add(row{"role_name": n})
	}
}

func isCharacterSets(w *writer) {
	w.add(row{"character_set_name": "UTF8", "character_repertoire": "UCS", "form_of_use": "UTF8",
		"default_collate_catalog": w.env.database(), "default_collate_schema": catalog.PgCatalog, "default_collate_name": "C"})
}

func isCollations(w *writer) {
	for _, c := range []string{"C", "POSIX", "default", "ucs_basic"} {
		w.add(row{"collation_catalog": w.env.database(), "collation_schema": catalog.PgCatalog, "collation_name": c, "pad_attribute": "NO PAD"})
	}
}
