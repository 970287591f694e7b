package streamdb

import (
	"cmp"
	"maps"
	"slices"

	"streamdb/sql/catalog"
)

// Metric is one measurement of a database, for monitoring.
type Metric struct {
	// Name is in Prometheus' manner: streamdb_ first, the unit last.
	Name, Help string
	// Counter tells that the value only rises; else it is a gauge.
	Counter bool
	// Labels are names and values by turns.
	Labels []string
	Value  float64
}

// Metrics returns what is to be measured now: the database as a whole, then its
// relations by id. The cost grows with the number of relations, not of rows.
func (db *DB) Metrics() []Metric {
	up := 1.0
	if db.Err() != nil {
		up = 0
	}
	db.sessions.mu.Lock()
	sessions := len(db.sessions.all)
	db.sessions.mu.Unlock()
	out := []Metric{
		{Name: "streamdb_up", Help: "1 while the log takes writes.", Value: up},
		{Name: "streamdb_sessions", Help: "Open sessions.", Value: float64(sessions)},
		{Name: "streamdb_checkpoints_total", Help: "Checkpoints made since the start.", Counter: true, Value: float64(db.checkpoints.done.Load())},
	}
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	out = append(out,
		Metric{Name: "streamdb_epoch", Help: "The last applied epoch.", Counter: true, Value: float64(db.core.epoch)},
		Metric{Name: "streamdb_log_entry", Help: "The last applied entry of the log.", Counter: true, Value: float64(db.core.index)},
		Metric{Name: "streamdb_log_time_seconds", Help: "The timestamp of the last applied entry, since 1970.", Value: unixSeconds(db.core.time)})
	all := slices.SortedFunc(maps.Values(db.core.rels), func(a, b *stored) int { return cmp.Compare(a.id, b.id) })
	for _, t := range all {
		if t.desc.Kind != catalog.KindIndex {
			out = db.metricsOf(out, t)
		}
	}
	return out
}

// metricsOf appends what is measured of one relation. core.mu is held.
func (db *DB) metricsOf(out []Metric, t *stored) []Metric {
	labels := []string{"relation", t.desc.Name}
	add := func(name, help string, counter bool, v float64, more ...string) {
		out = append(out, Metric{name, help, counter, append(slices.Clip(labels), more...), v})
	}
	if t.rel != nil {
		add("streamdb_relation_rows", "Rows of a table or view.", false, float64(t.rel.Newest().Rows()))
	}
	if t.source != nil {
		if t.source.ranges != nil {
			add("streamdb_source_rows_total", "Rows read from a source.", true, float64(t.source.offset-t.source.start))
		}
		if t.dead != nil {
			add("streamdb_source_bad_records", "Records of a source that could not be decoded and are kept.", false, float64(t.dead.Newest().Rows()))
		}
	}
	for i := range t.marks {
		if m := &t.marks[i]; m.at != noWatermark {
			add("streamdb_watermark_seconds", "The watermark of a source or table, since 1970.", false, unixSeconds(m.at),
				"column", t.desc.ColumnByID(m.id).Name)
		}
	}
	f := t.flow
	if f == nil {
		return out
	}
	suspended := 0.0
	if f.is(flowSuspended) {
		suspended = 1
	}
	add("streamdb_dataflow_suspended", "1 while a view or sink is suspended; see streamdb.progress.", false, suspended)
	if !f.is(flowLive) {
		add("streamdb_dataflow_lag_epochs", "Epochs by which a view or sink is behind.", false, max(0, float64(db.core.epoch)-float64(f.frontier.Load())))
		return out
	}
	add("streamdb_dataflow_lag_epochs", "Epochs by which a view or sink is behind.", false, 0)
	var rows, nanos, bytes int64
	for _, n := range f.run.Stats() {
		rows, nanos, bytes = rows+n.Rows, nanos+n.Nanos, bytes+n.StateBytes
	}
	add("streamdb_dataflow_rows_total", "Changes that the operators of a view or sink have emitted.", true, float64(rows))
	add("streamdb_dataflow_seconds_total", "Time spent in the operators of a view or sink.", true, float64(nanos)/1e9)
	add("streamdb_dataflow_state_bytes", "Memory of the operators of a view or sink.", false, float64(bytes))
	add("streamdb_dataflow_spilled_bytes", "How much of it lies on disk.", false, float64(f.run.SpilledBytes()))
	return out
}

// unixSeconds turns µs since 2000-01-01 UTC into seconds since 1970.
func unixSeconds(micros int64) float64 { return float64(micros)/1e6 + 946684800 }
