package streamdb

import (
	"math"
	"slices"

	"streamdb/exec"
	"streamdb/sql/catalog"
)

// A watermark with an idle_timeout moves on while its relation is quiet. The silence is
// counted in the log's time, from the entry of the last row; once it has lasted for the
// timeout, the watermark rises as if the events had gone on at the clock's pace:
//
//	watermark = the one at the last row + the silence, in steps of the timeout
//
//	entries    row ──────────┬─────────────┬──────────── row
//	silence    0          timeout      2 timeouts        over
//	watermark  wm ───────────┴ + timeout ──┴ + 2 timeouts
//
// so that a window closes about as long after its last row as its end lies behind that
// row's time and the delay. After stepsExact steps they become coarser, up to 1/stepsExact
// of the silence: a relation that is quiet for ever makes fewer and fewer ticks.
//
// A silence is only what the log says it is. A restart or another leader begins the count
// anew, with its leader entry. For a source the count begins with an entry by which its
// reader says that it has read all there is (quietOp), not with the last row: a backlog, a
// stopped or a throttled reader are no silence.

// notQuiet is the beginning of a silence that there is none of.
const notQuiet = math.MinInt64

// stepsExact is the number of steps of one timeout each that a watermark makes in a
// silence, and half of it the number that it makes while the silence doubles.
const stepsExact = 128

// quietSteps returns by how much a watermark rises in a silence.
func quietSteps(silence, timeout int64) int64 { return silence - silence%quietStep(silence, timeout) }

// quietStep returns the size of the steps after a silence.
func quietStep(silence, timeout int64) int64 {
	g := timeout
	for silence/g >= stepsExact {
		g *= 2
	}
	return g
}

// idles reports whether a relation has a watermark with a timeout.
func (s *stored) idles() bool {
	return slices.ContainsFunc(s.marks, func(m watermark) bool { return m.idle > 0 })
}

// heard ends the silence of a relation of which a row has arrived. A table's next one
// begins with this entry.
func (c *core) heard(s *step, t *stored) {
	if !t.idles() {
		return
	}
	since := s.time
	if t.source != nil {
		since = notQuiet
		t.source.quiet.Store(false)
	}
	c.countSilence(t, since)
}

// countSilence begins to count a silence, or ends it with notQuiet.
func (c *core) countSilence(t *stored, since int64) {
	for i := range t.marks {
		m := &t.marks[i]
		m.since, m.base, m.stepped = since, m.at, 0
	}
	c.armIdle(t)
}

// armIdle sets the timer for the next step of a relation's watermarks.
func (c *core) armIdle(t *stored) {
	due := int64(exec.NoTimer)
	for i := range t.marks {
		m := &t.marks[i]
		if m.idle == 0 || m.since == notQuiet || m.at == noWatermark {
			continue
		}
		due = min(due, m.since+m.stepped+quietStep(m.stepped, m.idle))
	}
	if due == exec.NoTimer && t.idle == nil {
		return
	}
	if t.idle == nil {
		id := t.id
		t.idle = &timer{fire: func(s *step) { c.moveIdle(s, id) }}
	}
	c.timers.set(t.idle, due)
}

// moveIdle raises the watermarks of a quiet relation.
func (c *core) moveIdle(s *step, id catalog.ID) {
	t := c.rels[id]
	if t == nil {
		return
	}
	for i := range t.marks {
		m := &t.marks[i]
		if m.idle == 0 || m.since == notQuiet || m.base == noWatermark {
			continue
		}
		m.stepped = quietSteps(s.time-m.since, m.idle)
		if m.stepped == 0 {
			continue
		}
		if wm := m.base + m.stepped; wm > m.at {
			m.at = wm
			s.moved[id] = true
		}
	}
	c.armIdle(t)
}

// restartSilences begins all counts anew: with a new leader nobody knows what was not
// heard in between.
func (c *core) restartSilences(now int64) {
	for _, t := range c.rels {
		if !t.idles() {
			continue
		}
		since := now
		if t.source != nil {
			since = notQuiet
			t.source.quiet.Store(false)
		}
		c.countSilence(t, since)
	}
}

// applyQuiet notes what a source's reader says of its end.
func (c *core) applyQuiet(s *step, o *quietOp) error {
	t := c.rels[o.Source]
	if t == nil || t.source == nil {
		return nil // dropped meanwhile
	}
	t.source.quiet.Store(o.Quiet)
	since := int64(notQuiet)
	if o.Quiet {
		since = s.time
	}
	c.countSilence(t, since)
	return nil
}

// idleSince returns since when a relation has been idle, notQuiet if it is not.
func (m *watermark) idleSince() int64 {
	if m.idle == 0 || m.since == notQuiet || m.stepped == 0 {
		return notQuiet
	}
	return m.since
}
