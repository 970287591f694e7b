package soak

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Judged is how one quantity went.
type Judged struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean"` // of the last two thirds
	// Growth is how much the straight line that fits the last two thirds best rises over
	// them, as a part of their mean; GrowthMax is what is called flat.
	Growth    float64 `json:"growth"`
	GrowthMax float64 `json:"growth_max"`
	// Thirds is the last third divided by the first.
	Thirds    float64 `json:"last_third_over_first"`
	ThirdsMax float64 `json:"last_third_over_first_max"`
	Flat      bool    `json:"flat"`
}

// Verdict is what the soak says.
type Verdict struct {
	Rate int64 `json:"rate"`
	// EventsPerS is what was achieved.
	EventsPerS float64  `json:"events_per_s"`
	Judged     []Judged `json:"judged"`
	// Behind is the part of the samples at which a view was not in step. That is no fault: one that takes
	// long for the rows of a window leaves the common step, so that the others stay fresh.
	Behind float64 `json:"behind"`
	// WindowAgeMs is the mean age of the newest window that is shown, in the last third, of
	// the view where it is the oldest: windows close, and views do not fall behind further.
	WindowAgeMs float64 `json:"window_age_ms"`
	Flat        bool    `json:"flat"`
}

// What is called flat. Memory and disk go up and down with collections, windows and
// checkpoints, and a p99 is that of few probes: each is allowed what it varies by anyhow.
const (
	memoryGrowth, memoryThirds = 0.08, 1.10
	diskGrowth, diskThirds     = 0.25, 1.25
	freshGrowth, freshThirds   = 0.50, 1.25
	// rateLeast is the least part of the rate that must have been taken in.
	rateLeast = 0.98
	// windowAgeMax is above the longest time from the end of a window to that of the next,
	// and what it takes to close it.
	windowAgeMax = 15 * time.Second
	// warmUp is the part of a run that is left out: windows fill up in it.
	warmUp = 0.1
)

// judge looks at the whole run but its beginning.
func judge(r *record) *Verdict {
	from := time.Duration(warmUp * float64(r.length))
	var in []sample
	for _, s := range r.samples {
		if s.at >= from {
			in = append(in, s)
		}
	}
	v := &Verdict{Rate: r.Rate}
	for _, q := range []struct {
		name           string
		of             func(*sample) int64
		growth, thirds float64
	}{
		{"RSS bytes", func(s *sample) int64 { return s.rss }, memoryGrowth, memoryThirds},
		{"heap bytes", func(s *sample) int64 { return s.heap }, memoryGrowth, memoryThirds},
		{"state bytes", func(s *sample) int64 { return s.state }, memoryGrowth, memoryThirds},
		{"result rows", func(s *sample) int64 { return s.rows }, memoryGrowth, memoryThirds},
		{"log and disk bytes", func(s *sample) int64 { return s.log + s.disk }, diskGrowth, diskThirds},
	} {
		var at, values []float64
		for i := range in {
			if n := q.of(&in[i]); n >= 0 {
				at, values = append(at, in[i].at.Seconds()), append(values, float64(n))
			}
		}
		v.Judged = append(v.Judged, flat(q.name, at, values, q.growth, q.thirds))
	}
	v.Judged = append(v.Judged, judgeFresh(r, from))
	v.Flat = true
	for _, j := range v.Judged {
		v.Flat = v.Flat && j.Flat
	}
	if n := len(in); n > 1 {
		v.EventsPerS = float64(in[n-1].events-in[0].events) / (in[n-1].at - in[0].at).Seconds()
		for _, s := range in[n-(n+2)/3:] {
			v.WindowAgeMs += float64(s.closed.Milliseconds()) / float64((n+2)/3)
		}
		for i := range in {
			if in[i].behind > 0 {
				v.Behind += 1 / float64(n)
			}
		}
	}
	v.Flat = v.Flat && v.EventsPerS >= rateLeast*float64(r.Rate) && v.WindowAgeMs <= float64(windowAgeMax.Milliseconds())
	return v
}

// flat judges one quantity by its values at some times.
func flat(name string, at, values []float64, growth, thirds float64) Judged {
	j := Judged{Name: name, GrowthMax: growth, ThirdsMax: thirds}
	n := len(values)
	if n < 6 {
		return j
	}
	late, lateAt := values[n/3:], at[n/3:]
	j.Mean = mean(late)
	j.Growth = slope(lateAt, late) * (lateAt[len(lateAt)-1] - lateAt[0]) / max(j.Mean, 1e-9)
	j.Thirds = mean(values[n-n/3:]) / max(mean(values[:n/3]), 1e-9)
	j.Flat = j.Growth <= growth && j.Thirds <= thirds
	return j
}

// judgeFresh judges the p99 of the freshness: its growth by that of each part that had a
// line, the thirds by all probes in them.
func judgeFresh(r *record, from time.Duration) Judged {
	part := max(r.length/reports, sampleEvery)
	thirds := [3][]fresh{}
	var at, values []float64
	probes := r.probes
	for lo := from; lo < r.length; lo += part {
		var in []fresh
		for len(probes) > 0 && probes[0].at < lo+part {
			p := probes[0]
			if probes = probes[1:]; p.at >= from {
				k := min(int(3*(p.at-from)/(r.length-from)), 2)
				in, thirds[k] = append(in, p), append(thirds[k], p)
			}
		}
		if len(in) > 0 {
			at, values = append(at, lo.Seconds()), append(values, quantile(in, 0.99))
		}
	}
	j := flat("freshness p99 ms", at, values, freshGrowth, freshThirds)
	j.Thirds = quantile(thirds[2], 0.99) / max(quantile(thirds[0], 0.99), 1e-9)
	j.Flat = len(values) >= 6 && j.Growth <= freshGrowth && j.Thirds <= freshThirds
	return j
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}

// slope returns the rise of the line of least squares per unit of x.
func slope(x, y []float64) float64 {
	mx, my := mean(x), mean(y)
	xy, xx := 0.0, 0.0
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
	}
	return xy / max(xx, 1e-9)
}

// show prints the verdict for people.
func (v *Verdict) show(w io.Writer) error {
	fmt.Fprintf(w, "\n%.0f events/s of %d asked for; a view behind in %.1f %% of the samples; the newest window is %.1f s old on average\n\n",
		v.EventsPerS, v.Rate, 100*v.Behind, v.WindowAgeMs/1000)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "quantity\tmean\tgrowth\tat most\tlast third / first\tat most\tflat\t")
	yes := map[bool]string{true: "yes", false: "NO"}
	for _, j := range v.Judged {
		unit, by := j.Mean, "%.0f"
		if j.Mean < 1000 {
			by = "%.2f"
		}
		fmt.Fprintf(t, "%s\t"+by+"\t%+.1f %%\t%.0f %%\t%.2f\t%.2f\t%s\t\n", j.Name, unit, 100*j.Growth, 100*j.GrowthMax, j.Thirds, j.ThirdsMax, yes[j.Flat])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nflat: %s\n", yes[v.Flat])
	return err
}
