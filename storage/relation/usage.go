package relation

// Usage adds up the memory that holds and snapshots keep: runs that the newest state of
// their relation does without. What several of them share counts once in Total, and in
// full for each.
//
//	newest     [1,90) [90,95)
//	hold @40   [1,40) [40,90) as deltas    keeps both: they live on for it alone
type Usage struct {
	// Total is the bytes counted so far.
	Total int64
	seen  map[*run]struct{}
}

// Hold returns the bytes that h keeps.
func (u *Usage) Hold(h *Hold) int64 {
	r := h.rel
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.holds[h]; !ok {
		return 0
	}
	return u.hold(h)
}

// hold is Hold under rel.mu.
func (u *Usage) hold(h *Hold) int64 {
	c := u.counter(h.rel)
	c.add(h.state.runs)
	for _, d := range h.rel.deltas {
		switch {
		case d.epoch <= h.epoch:
		case d.run != nil:
			c.addRun(d.run)
		case d.gone != nil:
			c.add(d.gone.runs)
		}
	}
	return c.bytes
}

// Snapshot returns the bytes that s, a state of r, keeps.
func (u *Usage) Snapshot(r *Relation, s *Snapshot) int64 {
	if s.v == r.newest() {
		return 0
	}
	c := u.counter(r)
	c.add(s.v.runs)
	return c.bytes
}

// usageCounter counts for one owner.
type usageCounter struct {
	u     *Usage
	mine  map[*run]struct{}
	spare map[*run]struct{} // runs of the newest state, which cost nothing
	bytes int64
}

func (u *Usage) counter(r *Relation) *usageCounter {
	if u.seen == nil {
		u.seen = make(map[*run]struct{})
	}
	c := &usageCounter{u: u, mine: map[*run]struct{}{}, spare: map[*run]struct{}{}}
	for _, run := range r.newest().runs {
		c.spare[run] = struct{}{}
	}
	return c
}

func (c *usageCounter) add(runs []*run) {
	for _, run := range runs {
		c.addRun(run)
	}
}

func (c *usageCounter) addRun(run *run) {
	if _, ok := c.spare[run]; ok {
		return
	}
	if _, ok := c.mine[run]; ok {
		return
	}
	c.mine[run] = struct{}{}
	c.bytes += run.bytes
	if _, ok := c.u.seen[run]; !ok {
		c.u.seen[run] = struct{}{}
		c.u.Total += run.bytes
	}
}
