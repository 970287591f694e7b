package soak

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// fresh is one probe of the freshness.
type fresh struct {
	at   time.Duration // since the beginning of the run
	took time.Duration
}

// probe measures the freshness: the time from the start of the INSERT of a row until a
// SELECT by another session has shown it in a view.
type probe struct {
	began time.Time

	mu   sync.Mutex
	took []fresh // in order
}

// kept is how many rows the table of the probes keeps.
const kept = 100

// run probes until ctx ends.
func (p *probe) run(ctx context.Context, srv *server) error {
	writer, err := srv.connect(ctx)
	if err != nil {
		return err
	}
	defer writer.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	reader, err := srv.connect(ctx)
	if err != nil {
		return err
	}
	defer reader.Close(context.WithoutCancel(ctx)) // as above
	for id := int64(0); ; id++ {
		at := time.Now()
		if _, err := writer.Exec(ctx, "INSERT INTO probe VALUES ($1, $2)", id, id%10); err != nil {
			return err
		}
		for n := 0; n == 0; {
			if err := reader.QueryRow(ctx, "SELECT count(*)::int FROM probed WHERE id = $1", id).Scan(&n); err != nil {
				return err
			}
		}
		took := time.Since(at)
		p.mu.Lock()
		p.took = append(p.took, fresh{at.Sub(p.began), took})
		p.mu.Unlock()
		if id%kept == kept-1 {
			if _, err := writer.Exec(ctx, "DELETE FROM probe WHERE id <= $1", id-kept); err != nil {
				return fmt.Errorf("delete the oldest rows: %w", err)
			}
		}
		if err := pause(ctx, time.Until(at.Add(probeEvery))); err != nil {
			return err
		}
	}
}

// take returns the probes that began at or after a time.
func (p *probe) take(since time.Duration) []fresh {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, _ := slices.BinarySearchFunc(p.took, since, func(f fresh, d time.Duration) int { return int(f.at - d) })
	return slices.Clone(p.took[i:])
}

// quantile returns the least time in ms that at least the given part of the probes stays
// within; 0 without any.
func quantile(probes []fresh, part float64) float64 {
	if len(probes) == 0 {
		return 0
	}
	all := make([]time.Duration, len(probes))
	for i, p := range probes {
		all[i] = p.took
	}
	slices.Sort(all)
	at := min(int(part*float64(len(all))), len(all)-1)
	return float64(all[at].Nanoseconds()) / 1e6
}
