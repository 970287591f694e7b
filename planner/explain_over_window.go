package planner

import (
	"fmt"
	"strings"

	"streamdb/planner/physical"
)

// overWindowText writes window functions with their partitions, order and frames.
func overWindowText(w *physical.OverWindow, in []string) string {
	s := topNText(&physical.TopN{Partition: w.Partition, Order: w.Order, Limit: -1}, in)
	calls := make([]string, len(w.Calls))
	for i := range w.Calls {
		calls[i] = windowCallText(&w.Calls[i], in)
	}
	return s + " " + strings.Join(calls, ", ")
}

func windowCallText(c *physical.WindowCall, in []string) string {
	var args []string
	for k, a := range c.Args {
		if k < len(c.Const) && c.Const[k] != nil {
			args = append(args, fmt.Sprint(*c.Const[k]))
			continue
		}
		args = append(args, names([]int{a}, in))
	}
	s := c.Fn + "(" + strings.Join(args, ", ") + ")"
	if c.Filter >= 0 {
		s += " filter " + names([]int{c.Filter}, in)
	}
	return s + frameText(&c.Frame, in)
}

// frameText writes a frame that is not the default one.
func frameText(f *physical.Frame, in []string) string {
	s := ""
	if f.Mode != physical.FrameRange || f.Start.Kind != physical.UnboundedPreceding || f.End.Kind == physical.OffsetPreceding || f.End.Kind == physical.OffsetFollowing {
		s = fmt.Sprintf(" %s between %s and %s", f.Mode, boundText(f.Start, in), boundText(f.End, in))
	}
	if f.Exclude != physical.ExcludeNone {
		s += " exclude " + string(f.Exclude)
	}
	return s
}

func boundText(b physical.FrameBound, in []string) string {
	switch {
	case !b.HasOffset():
		return string(b.Kind)
	case b.Col >= 0:
		return names([]int{b.Col}, in) + " " + string(b.Kind)
	}
	return fmt.Sprintf("%d %s", b.Offset, b.Kind)
}
