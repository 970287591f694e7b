package streamdb

// Detain takes a view, and whoever reads it, out of the step, as if it were slow, and
// keeps it out until release is called. It fails when the view is not live.
func (db *DB) Detain(name string) (release func(), ok bool) {
	c := db.core
	c.mu.Lock()
	defer c.mu.Unlock()
	var fills []*fill
	var detain func(f *dataflow) bool
	detain = func(f *dataflow) bool {
		if !f.is(flowLive) {
			return false
		}
		w := &fill{f: f, c: c}
		if w.hold(c.epoch) != nil {
			return false
		}
		f.frontier.Store(uint64(c.epoch))
		f.turn(flowFilling, nil)
		fills = append(fills, w)
		for _, r := range c.readers[f.out.id] {
			if r.is(flowLive) && !detain(r) {
				return false
			}
		}
		return true
	}
	for _, f := range c.flows {
		if f.out.desc.Name == name {
			ok = detain(f)
		}
	}
	return func() {
		for _, w := range fills {
			db.jobs.Go(func() { c.rejoin(w.f, w) })
		}
	}, ok
}
