package pgcatalog

import (
	"strings"
	"sync"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// OIDs of the catalogs that classid columns name.
const (
	classRelation   = 1259
	classAttrdef    = 2604
	classConstraint = 2606
	classNamespace  = 2615
	classRewrite    = 2618
)

// Access methods.
const (
	amHeap  = 2
	amBtree = 403
)

func pgNamespace(w *writer) {
	for _, d := range w.env.objects() {
		if d.Kind == catalog.KindSchema {
			w.add(row{"oid": d.ID, "nspname": d.Name, "nspowner": RoleOID(d.Owner)})
		}
	}
}

// virtualView tells whether a relation of the system is shown as a view: PostgreSQL's
// real catalogs have OIDs below 10000.
func virtualView(v *catalog.Virtual) bool { return v.Schema != catalog.PgCatalog || v.ID >= 10000 }

func pgClass(w *writer) {
	for _, v := range w.env.virtuals().All() {
		r := row{"oid": v.ID, "relname": v.Name, "relnamespace": w.env.schemaID(v.Schema), "relowner": ownerOID,
			"relam": amHeap, "reltuples": -1.0, "relkind": "r", "relpersistence": "p", "relnatts": len(v.Columns),
			"relispopulated": true, "relreplident": "n"}
		if virtualView(v) {
			r["relkind"], r["relam"], r["relhasrules"] = "v", 0, true
		}
		w.add(r)
	}
	for _, d := range w.env.objects() {
		if kind := relkind(d); kind != "" {
			w.add(classRow(w.env, d, kind))
		}
	}
}

// classRow is the pg_class row of one of the catalog's objects.
func classRow(env *Env, d *catalog.Descriptor, kind string) row {
	r := row{"oid": d.ID, "relname": d.Name, "relnamespace": d.Schema, "relowner": RoleOID(d.Owner),
		"relfilenode": 0, "reltuples": -1.0, "relkind": kind, "relpersistence": "p",
		"relnatts": len(visible(d)), "relispopulated": true, "relreplident": "n"}
	switch d.Kind {
	case catalog.KindTable, catalog.KindMatView:
		rows, bytes := env.size(d.ID)
		r["relam"], r["relreplident"], r["relfilenode"] = amHeap, "d", d.ID
		r["reltuples"], r["relpages"] = float64(rows), bytes/8192
		r["relhasindex"] = len(env.Catalog.Indexes(d.ID)) > 0
		r["relhasrules"] = d.Kind == catalog.KindMatView
	case catalog.KindView:
		r["relhasrules"] = true
	case catalog.KindIndex:
		r["relam"], r["relfilenode"], r["relnatts"] = amBtree, d.ID, len(d.Index.Columns)+len(d.Index.Include)
	case catalog.KindSequence:
		r["relfilenode"], r["relnatts"], r["reltuples"], r["relpages"] = d.ID, 3, 1.0, 1
	}
	if d.Table != nil {
		checks := 0
		for i := range d.Table.Constraints {
			if d.Table.Constraints[i].Kind == catalog.ConstraintCheck {
				checks++
			}
		}
		r["relchecks"] = checks
	}
	if o := reloptions(d); o != nil {
		r["reloptions"] = o
	}
	return r
}

// visible is the columns clients see.
func visible(d *catalog.Descriptor) []catalog.Column {
	cols := d.Columns()
	for i := range cols {
		if cols[i].Hidden {
			var out []catalog.Column
			for _, c := range cols {
				if !c.Hidden {
					out = append(out, c)
				}
			}
			return out
		}
	}
	return cols
}

// reloptions tells what WITH and its like say of an object, as name=value.
func reloptions(d *catalog.Descriptor) []string {
	var out []string
	if t := d.Table; t != nil {
		if t.AppendOnly {
			out = append(out, "append_only=true")
		}
		for i := range t.Watermarks {
			out = append(out, "watermark="+t.Watermarks[i].Expr)
		}
		if d.Kind == catalog.KindTable && t.Connector != nil {
			out = append(out, "connector="+t.Connector.Name)
		}
		out = append(out, options(t.Options)...)
	}
	if q := d.Query(); q != nil {
		switch q.Emit.Policy {
		case catalog.EmitOnWindowClose, catalog.EmitEvery:
			out = append(out, "emit="+string(q.Emit.Policy))
		}
		out = append(out, options(q.Options)...)
	}
	return out
}

// attrCache keeps the pg_attribute rows of a set of virtual relations.
var attrCache sync.Map // *catalog.Virtuals → *chunk.Chunk

func virtualAttributes(w *writer) *chunk.Chunk {
	vs := w.env.virtuals()
	if c, ok := attrCache.Load(vs); ok {
		return c.(*chunk.Chunk)
	}
	own := newWriter(&Env{}, w.rel)
	for _, v := range vs.All() {
		for i := range v.Columns {
			c := v.Columns[i]
			c.ID = i + 1
			own.add(attributeRow(v.ID, &c))
		}
	}
	attrCache.Store(vs, own.out)
	return own.out
}

func pgAttribute(w *writer) {
	w.out.AppendRows(virtualAttributes(w), nil)
	for _, d := range w.env.objects() {
		switch d.Kind {
		case catalog.KindIndex:
			on := w.env.object(uint32(d.Index.On))
			if on == nil {
				continue
			}
			for i, id := range indexColumns(d.Index) {
				if c := on.ColumnByID(id); c != nil {
					w.add(attributeRow(d.ID, &catalog.Column{ID: i + 1, Name: c.Name, Type: c.Type}))
				}
			}
		case catalog.KindSequence:
			for i, c := range sequenceColumns {
				c.ID = i + 1
				w.add(attributeRow(d.ID, &c))
			}
		default:
			cols := visible(d)
			for i := range cols {
				w.add(attributeRow(d.ID, &cols[i]))
			}
		}
	}
}

// sequenceColumns is what a sequence looks like as a relation.
var sequenceColumns = []catalog.Column{
	{Name: "last_value", Type: types.Int8, NotNull: true},
	{Name: "log_cnt", Type: types.Int8, NotNull: true},
	{Name: "is_called", Type: types.Bool, NotNull: true},
}

func attributeRow(rel catalog.ID, c *catalog.Column) row {
	r := row{"attrelid": rel, "attname": c.Name, "atttypid": c.Type.OID(), "attstattarget": -1, "attlen": c.Type.Len(),
		"attnum": c.ID, "attcacheoff": -1, "atttypmod": c.Type.Typmod, "attbyval": c.Type.ByVal(),
		"attalign": string(c.Type.Align()), "attstorage": string(c.Type.Storage()), "attcompression": "",
		"attnotnull": c.NotNull, "atthasdef": hasDefault(c), "attidentity": c.Identity, "attislocal": true,
		"attcollation": collationOf(c.Type)}
	if c.Type.IsArray() {
		r["attndims"] = 1
	}
	return r
}

// hasDefault tells whether pg_attrdef has a row for the column. Identity is no default.
func hasDefault(c *catalog.Column) bool { return c.Default != "" && c.Identity == "" }

// defaultText shows a default as PostgreSQL does: a lone string literal with the column's type, a number without quotes.
func defaultText(c *catalog.Column) string {
	text := c.Default
	if len(text) < 2 || text[0] != '\'' || strings.IndexByte(text[1:], '\'') != len(text)-2 {
		return text
	}
	switch t := c.Type.Base(); t.Kind {
	case types.KindBool, types.KindInt2, types.KindInt4, types.KindInt8, types.KindFloat4, types.KindFloat8, types.KindNumeric:
		return text[1 : len(text)-1]
	case types.KindBPChar:
		return text + "::bpchar"
	default:
		return text + "::" + functions.TypeName(t)
	}
}

// attrdefOID makes up the OID of a column's default: unique among those.
func attrdefOID(rel catalog.ID, attnum int) uint32 { return uint32(rel)*1600 + uint32(attnum) }

func pgAttrdef(w *writer) {
	for _, d := range w.env.objects() {
		cols := visible(d)
		for i := range cols {
			if c := &cols[i]; hasDefault(c) {
				w.add(row{"oid": attrdefOID(d.ID, c.ID), "adrelid": d.ID, "adnum": c.ID, "adbin": defaultText(c)})
			}
		}
	}
}

func pgConstraint(w *writer) {
	for _, d := range w.env.objects() {
		if d.Table == nil {
			continue
		}
		for i := range d.Table.Constraints {
			c := &d.Table.Constraints[i]
			r := row{"oid": c.ID, "conname": c.Name, "connamespace": d.Schema, "contype": string(c.Kind), "convalidated": true,
				"conrelid": d.ID, "conindid": c.Index, "confupdtype": " ", "confdeltype": " ", "confmatchtype": " ",
				"conislocal": true, "connoinherit": c.Kind != catalog.ConstraintCheck}
			if len(c.Columns) > 0 {
				r["conkey"] = ints(c.Columns)
			}
			if c.Kind == catalog.ConstraintCheck {
				r["conbin"] = c.Check
			}
			w.add(r)
		}
	}
}

func ints(in []int) []int64 {
	out := make([]int64, len(in))
	for i, v := range in {
		out[i] = int64(v)
	}
	return out
}

// indexColumns is the column ids of an index: its key, then what it includes.
func indexColumns(x *catalog.Index) []int {
	out := make([]int, 0, len(x.Columns)+len(x.Include))
	for _, c := range x.Columns {
		out = append(out, c.Column)
	}
	return append(out, x.Include...)
}

func pgIndex(w *writer) {
	for _, d := range w.env.objects() {
		if d.Index == nil {
			continue
		}
		x := d.Index
		on := w.env.object(uint32(x.On))
		if on == nil {
			continue
		}
		var opts, colls, classes []int64
		for _, c := range x.Columns {
			o := int64(0)
			if c.Desc {
				o |= 1
			}
			if c.NullsFirst {
				o |= 2
			}
			var t types.Type
			if col := on.ColumnByID(c.Column); col != nil {
				t = col.Type
			}
			opts, colls, classes = append(opts, o), append(colls, int64(collationOf(t))), append(classes, opclassOf(t))
		}
		w.add(row{"indexrelid": d.ID, "indrelid": x.On, "indnatts": len(x.Columns) + len(x.Include), "indnkeyatts": len(x.Columns),
			"indisunique": x.Unique, "indisprimary": x.Primary, "indimmediate": true, "indisvalid": true, "indisready": true,
			"indislive": true, "indkey": ints(indexColumns(x)), "indoption": opts, "indcollation": colls, "indclass": classes})
	}
}

func pgSequence(w *writer) {
	for _, d := range w.env.objects() {
		if s := d.Sequence; s != nil {
			w.add(row{"seqrelid": d.ID, "seqtypid": s.Type.OID(), "seqstart": s.Start, "seqincrement": s.Increment,
				"seqmax": s.Max, "seqmin": s.Min, "seqcache": s.Cache, "seqcycle": s.Cycle})
		}
	}
}

func pgDepend(w *writer) {
	for _, d := range w.env.objects() {
		if d.Kind == catalog.KindSchema {
			continue
		}
		w.add(row{"classid": classRelation, "objid": d.ID, "refclassid": classNamespace, "refobjid": d.Schema, "deptype": "n"})
		for _, dep := range d.Deps {
			r := row{"classid": classRelation, "objid": d.ID, "refclassid": classRelation, "refobjid": dep.On, "deptype": "n"}
			switch {
			case dep.Default != 0:
				r["classid"], r["objid"] = classAttrdef, attrdefOID(d.ID, dep.Default)
			case d.Index != nil:
				if c := indexConstraint(w.env, d); c != nil {
					r["refclassid"], r["refobjid"], r["deptype"] = classConstraint, c.ID, "i"
				} else {
					r["deptype"] = "a"
				}
			case d.Kind == catalog.KindView || d.Kind == catalog.KindMatView:
				r["classid"] = classRewrite
			case dep.Auto:
				r["deptype"] = "a"
			}
			if s := d.Sequence; s != nil && s.OwnedBy == dep.On {
				r["refobjsubid"] = s.OwnedColumn
				if t := w.env.object(uint32(s.OwnedBy)); t != nil {
					if c := t.ColumnByID(s.OwnedColumn); c != nil && c.Identity != "" {
						r["deptype"] = "i"
					}
				}
			}
			if len(dep.Columns) == 0 {
				w.add(r)
				continue
			}
			for _, c := range dep.Columns {
				r["refobjsubid"] = c
				w.add(r)
			}
		}
	}
}

// indexConstraint finds the constraint an index enforces, nil for a plain index.
func indexConstraint(env *Env, d *catalog.Descriptor) *catalog.Constraint {
	on := env.object(uint32(d.Index.On))
	if on == nil || on.Table == nil {
		return nil
	}
	for i := range on.Table.Constraints {
		if c := &on.Table.Constraints[i]; c.Index == d.ID {
			return c
		}
	}
	return nil
}

func pgDescription(w *writer) {
	for _, d := range w.env.objects() {
		class := classRelation
		if d.Kind == catalog.KindSchema {
			class = classNamespace
		}
		if d.Comment != "" {
			w.add(row{"objoid": d.ID, "classoid": class, "description": d.Comment})
		}
		cols := visible(d)
		for i := range cols {
			if c := &cols[i]; c.Comment != "" {
				w.add(row{"objoid": d.ID, "classoid": class, "objsubid": c.ID, "description": c.Comment})
			}
		}
	}
	for _, v := range w.env.virtuals().All() {
		if v.Comment != "" {
			w.add(row{"objoid": v.ID, "classoid": classRelation, "description": v.Comment})
		}
	}
}

// wrapperOID is the OID of the one foreign data wrapper.
const wrapperOID = 14001

func pgForeignDataWrapper(w *writer) {
	w.add(row{"oid": wrapperOID, "fdwname": "streamdb", "fdwowner": ownerOID})
}

// serverName is the foreign server under which a source or sink is shown.
func serverName(d *catalog.Descriptor) string {
	c := connectorOf(d)
	if c == nil {
		return ""
	}
	return c.Name + "_" + string(d.Kind)
}

// servers lists the foreign servers in use.
func servers(env *Env) []string {
	seen := map[string]bool{}
	var out []string
	for _, d := range env.objects() {
		if s := serverName(d); s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func pgForeignServer(w *writer) {
	for _, s := range servers(w.env) {
		w.add(row{"oid": RoleOID("server " + s), "srvname": s, "srvowner": ownerOID, "srvfdw": wrapperOID,
			"srvtype": s[strings.LastIndexByte(s, '_')+1:]})
	}
}

func pgForeignTable(w *writer) {
	for _, d := range w.env.objects() {
		c := connectorOf(d)
		if c == nil {
			continue
		}
		w.add(row{"ftrelid": d.ID, "ftserver": RoleOID("server " + serverName(d)), "ftoptions": connectorOptions(c)})
	}
}
