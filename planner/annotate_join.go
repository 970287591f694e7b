package planner

import (
	"slices"

	"streamdb/planner/physical"
)

// join promises what two changelogs promise together, and finds out how long rows of
// either side can still meet somebody: their state is dropped after that.
func (a *annotator) join(i int, n *physical.Node) {
	l, r := a.in(n, 0), a.in(n, 1)
	j := n.Join
	lk, rk := l.StreamKey, r.StreamKey
	j.LeftUnique, j.RightUnique = isKey(lk, j.LeftKeys), isKey(rk, j.RightKeys)
	left := func(c int) int { return slices.Index(j.Output, c) }
	right := func(c int) int { return slices.Index(j.Output, c+len(l.Schema)) }
	leftOnly := j.Type == physical.JoinSemi || j.Type == physical.JoinAnti || j.Type == physical.JoinNullAnti
	switch {
	case leftOnly, j.RightUnique && (j.Type == physical.JoinInner || j.Type == physical.JoinLeft):
		n.StreamKey = wholeKey(lk, left)
	case j.LeftUnique && (j.Type == physical.JoinInner || j.Type == physical.JoinRight):
		n.StreamKey = wholeKey(rk, right)
	case lk != nil && rk != nil:
		a1, b1 := wholeKey(lk, left), wholeKey(rk, right)
		if a1 != nil && b1 != nil {
			n.StreamKey = append(a1, b1...)
		}
	}
	n.AppendOnly = l.AppendOnly && r.AppendOnly && (j.Type == physical.JoinInner || j.Type == physical.JoinSemi)
	joinUntil(j, len(l.Schema), func(c int) bool {
		if c < len(l.Schema) {
			return slices.Contains(l.Watermarks, c)
		}
		return slices.Contains(r.Watermarks, c-len(l.Schema))
	})
	a.joinMarks(i, n)
}

// joinMarks finds the keys that are windows of both sides, whose rows are dropped when
// the windows are closed, and the output columns that carry a watermark. A row that is
// padded with NULLs or stands for the lack of a partner comes back when a partner goes,
// which is bounded only where partners below the watermark stay.
func (a *annotator) joinMarks(i int, n *physical.Node) {
	l, r := a.in(n, 0), a.in(n, 1)
	j := n.Join
	if j.Unpartnered() && r.AppendOnly {
		// A row leaves as it comes, or never.
		where := func(c int) int { return slices.Index(j.Output, c) }
		n.Watermarks, a.ends[i] = through(l.Watermarks, where), through(a.ends[n.Inputs[0]], where)
		a.joinWindows(n)
		return
	}
	settles := physical.Settles(a.plan.Nodes, n.Inputs[0]) && physical.Settles(a.plan.Nodes, n.Inputs[1])
	plain := j.Type == physical.JoinInner || j.Type == physical.JoinSemi
	var marks, ends []int
	mark := func(c int, end bool) {
		if at := slices.Index(j.Output, c); at >= 0 && (plain || settles) {
			marks = append(marks, at)
			if end {
				ends = append(ends, at)
			}
		}
	}
	for k := range j.LeftKeys {
		lc, rc := j.LeftKeys[k], j.RightKeys[k]
		if !slices.Contains(l.Watermarks, lc) || !slices.Contains(r.Watermarks, rc) || j.Type == physical.JoinNullAnti {
			continue
		}
		end := slices.Contains(a.ends[n.Inputs[0]], lc) && slices.Contains(a.ends[n.Inputs[1]], rc)
		if end {
			j.LeftWindow, j.RightWindow = k, k
		} else if j.LeftUntil == nil && j.RightUntil == nil {
			j.LeftUntil, j.RightUntil = &physical.Until{Col: lc, Other: rc}, &physical.Until{Col: rc, Other: lc}
		}
		mark(lc, end)
		mark(rc+len(l.Schema), end)
	}
	if u := j.LeftUntil; u != nil && slices.Contains(l.Watermarks, u.Col) {
		mark(u.Col, false)
	}
	if u := j.RightUntil; u != nil && slices.Contains(r.Watermarks, u.Col) {
		mark(u.Col+len(l.Schema), false)
	}
	slices.Sort(marks)
	slices.Sort(ends)
	n.Watermarks, a.ends[i] = slices.Compact(marks), slices.Compact(ends)
}

// joinWindows finds a key that is a window of both sides, by which rows are dropped.
func (a *annotator) joinWindows(n *physical.Node) {
	l, r := a.in(n, 0), a.in(n, 1)
	j := n.Join
	for k := range j.LeftKeys {
		lc, rc := j.LeftKeys[k], j.RightKeys[k]
		if j.Type != physical.JoinNullAnti && slices.Contains(l.Watermarks, lc) && slices.Contains(r.Watermarks, rc) &&
			slices.Contains(a.ends[n.Inputs[0]], lc) && slices.Contains(a.ends[n.Inputs[1]], rc) {
			j.LeftWindow, j.RightWindow = k, k
		}
	}
}

// isKey tells whether cols hold all of a known key.
func isKey(key, cols []int) bool {
	if key == nil {
		return false
	}
	for _, k := range key {
		if !slices.Contains(cols, k) {
			return false
		}
	}
	return true
}
