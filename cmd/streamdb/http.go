package main

import (
	"fmt"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"streamdb"
	"streamdb/wire"
)

// handler answers HTTP: /healthz, /metrics and, if asked to, /debug/pprof.
func handler(db *streamdb.DB, w *wire.Server, withPprof bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) {
		if err := db.Err(); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(rw, "ok")
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{db, w})
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	if withPprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// collector gives the database's and the protocol server's metrics to Prometheus.
type collector struct {
	db   *streamdb.DB
	wire *wire.Server
}

var _ prometheus.Collector = (*collector)(nil)

// Describe tells nothing: which metrics there are depends on the relations.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends all metrics.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.db.Metrics() {
		send(ch, m)
	}
	st := c.wire.Stats()
	for _, m := range []streamdb.Metric{
		{Name: "streamdb_connections_accepted_total", Help: "Connections taken.", Counter: true, Value: float64(st.Accepted)},
		{Name: "streamdb_connections_refused_total", Help: "Connections turned away.", Counter: true, Value: float64(st.Refused)},
		{Name: "streamdb_cancels_total", Help: "Cancel requests with the right secret.", Counter: true, Value: float64(st.Cancels)},
		{Name: "streamdb_session_panics_total", Help: "Connections lost to faults of the server.", Counter: true, Value: float64(st.Panics)},
	} {
		send(ch, m)
	}
}

func send(ch chan<- prometheus.Metric, m streamdb.Metric) {
	var names, values []string
	for i := 0; i+1 < len(m.Labels); i += 2 {
		names, values = append(names, m.Labels[i]), append(values, m.Labels[i+1])
	}
	kind := prometheus.GaugeValue
	if m.Counter {
		kind = prometheus.CounterValue
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(m.Name, m.Help, names, nil), kind, m.Value, values...)
}
