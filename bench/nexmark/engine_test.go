package nexmark

import (
	"fmt"
	"testing"
)

// BenchmarkEngine runs each query over a million events.
func BenchmarkEngine(b *testing.B) {
	rounds, err := generate(0, 1_000_000, 0)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range runnable() {
		b.Run(fmt.Sprintf("query=%s", q), func(b *testing.B) {
			p, err := plan(q)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r, err := newEngineRun(p, 1)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.run(rounds); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/event")
		})
	}
}
