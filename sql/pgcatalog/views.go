package pgcatalog

import "streamdb/sql/catalog"

func pgTables(w *writer) {
	for _, v := range w.env.virtuals().All() {
		if !virtualView(v) {
			w.add(row{"schemaname": v.Schema, "tablename": v.Name, "tableowner": Owner, "hasindexes": false, "hasrules": false,
				"hastriggers": false, "rowsecurity": false})
		}
	}
	for _, d := range w.env.objects() {
		if d.Kind == catalog.KindTable {
			w.add(row{"schemaname": w.env.schemaName(d.Schema), "tablename": d.Name, "tableowner": d.Owner,
				"hasindexes": len(w.env.Catalog.Indexes(d.ID)) > 0, "hasrules": false, "hastriggers": false, "rowsecurity": false})
		}
	}
}

func pgViews(w *writer) {
	for _, d := range w.env.objects() {
		if d.View != nil {
			w.add(row{"schemaname": w.env.schemaName(d.Schema), "viewname": d.Name, "viewowner": d.Owner, "definition": viewDef(d)})
		}
	}
}

func pgMatviews(w *writer) {
	for _, d := range w.env.objects() {
		if d.MatView != nil {
			w.add(row{"schemaname": w.env.schemaName(d.Schema), "matviewname": d.Name, "matviewowner": d.Owner,
				"hasindexes": len(w.env.Catalog.Indexes(d.ID)) > 0, "ispopulated": true, "definition": viewDef(d)})
		}
	}
}

func pgIndexes(w *writer) {
	for _, d := range w.env.objects() {
		if d.Index == nil {
			continue
		}
		if on := w.env.object(uint32(d.Index.On)); on != nil {
			w.add(row{"schemaname": w.env.schemaName(d.Schema), "tablename": on.Name, "indexname": d.Name,
				"indexdef": w.env.indexDef(d, false)})
		}
	}
}

func pgSequences(w *writer) {
	for _, d := range w.env.objects() {
		s := d.Sequence
		if s == nil {
			continue
		}
		r := row{"schemaname": w.env.schemaName(d.Schema), "sequencename": d.Name, "sequenceowner": d.Owner,
			"data_type": s.Type.OID(), "start_value": s.Start, "min_value": s.Min, "max_value": s.Max,
			"increment_by": s.Increment, "cycle": s.Cycle, "cache_size": s.Cache}
		if w.env.Live != nil {
			if last, called := w.env.Live.Sequence(d.ID); called {
				r["last_value"] = last
			}
		}
		w.add(r)
	}
}
