package soak

import (
	"math"
	"testing"
	"time"
)

// made is the record of a run of half an hour whose memory and freshness follow a
// function of the time, from 0 to 1.
func made(of func(x float64) float64) *record {
	r := &record{Rate: 1000, length: 30 * time.Minute}
	for at := sampleEvery; at <= r.length; at += sampleEvery {
		n := int64(1e9 * of(float64(at)/float64(r.length)))
		r.samples = append(r.samples, sample{at: at, events: int64(1000 * at.Seconds()), rss: n, heap: n, state: n, rows: n, log: n, disk: n})
	}
	for at := time.Duration(0); at < r.length; at += probeEvery {
		took := time.Duration(1e6 * of(float64(at)/float64(r.length)))
		if at/probeEvery%50 == 0 {
			took *= 10
		}
		r.probes = append(r.probes, fresh{at, took})
	}
	return r
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(x float64) float64
		want bool
	}{
		{"flat", func(float64) float64 { return 1 }, true},
		{"filling up at first", func(x float64) float64 { return min(1, 0.2+10*x) }, true},
		{"up and down", func(x float64) float64 { return 1 + 0.05*math.Sin(200*x) }, true},
		{"falling", func(x float64) float64 { return 2 - x }, true},
		{"rising", func(x float64) float64 { return 1 + x }, false},
		{"rising slowly", func(x float64) float64 { return 1 + 0.2*x }, false},
		{"a step at the end", func(x float64) float64 { return 1 + math.Floor(x+0.15) }, false},
	} {
		if v := judge(made(c.of)); v.Flat != c.want {
			t.Errorf("%s: flat is %v: %+v", c.name, v.Flat, v)
		}
	}
}

// Each quantity counts by itself, and so does what says that nothing was left undone.
func TestJudgeEach(t *testing.T) {
	flat := func(float64) float64 { return 1 }
	for name, spoil := range map[string]func(r *record, i int){
		"heap":      func(r *record, i int) { r.samples[i].heap += int64(i) * 1e7 },
		"rss":       func(r *record, i int) { r.samples[i].rss += int64(i) * 1e7 },
		"state":     func(r *record, i int) { r.samples[i].state += int64(i) * 1e7 },
		"rows":      func(r *record, i int) { r.samples[i].rows += int64(i) * 1e7 },
		"log":       func(r *record, i int) { r.samples[i].log += int64(i) * 1e8 },
		"events":    func(r *record, i int) { r.samples[i].events = r.samples[i].events * 9 / 10 },
		"no window": func(r *record, i int) { r.samples[i].closed = time.Minute },
	} {
		r := made(flat)
		for i := range r.samples {
			spoil(r, i)
		}
		if v := judge(r); v.Flat {
			t.Errorf("%s: %+v", name, v)
		}
	}
	r := made(flat)
	for i := range r.probes {
		if r.probes[i].at > 25*time.Minute && i%50 == 0 {
			r.probes[i].took *= 3
		}
	}
	if v := judge(r); v.Flat {
		t.Errorf("freshness: %+v", v)
	}
}
