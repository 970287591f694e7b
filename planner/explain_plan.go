package planner

import (
	"fmt"
	"slices"
	"strings"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
)

// planWriter writes a physical plan as an indented tree.
type planWriter struct {
	plan  *physical.Plan
	cat   *catalog.Catalog
	lines []string
	// shown is the nodes written already: a shared one is only named again.
	shown  map[int]bool
	uses   map[int]int
	actual []Actual // by node; nil if nothing was run
	timing bool     // times of actual are shown
	// cut stops at exchanges, for fragments, and notes where to go on.
	cut  bool
	next []int
}

// FormatPlan writes a plan as an indented tree, root first. cat names relations; nil
// leaves their ids.
func FormatPlan(plan *physical.Plan, cat *catalog.Catalog) []string {
	w := newPlanWriter(plan, cat)
	w.node(len(plan.Nodes)-1, 0)
	return w.lines
}

// tree writes the plan, what is done with its rows and what the nodes did.
func (e *Explain) tree(actual []Actual) []string {
	w := newPlanWriter(e.Plan, e.cat)
	w.actual, w.timing = actual, e.Timing
	depth := 0
	if e.head != "" {
		w.line(0, e.head)
		depth = 1
	}
	w.node(len(e.Plan.Nodes)-1, depth)
	return w.lines
}

func newPlanWriter(plan *physical.Plan, cat *catalog.Catalog) *planWriter {
	w := &planWriter{plan: plan, cat: cat, shown: map[int]bool{}, uses: map[int]int{}}
	for i := range plan.Nodes {
		for _, in := range plan.Nodes[i].Inputs {
			w.uses[in]++
		}
	}
	return w
}

// FormatFragments writes a plan cut into its fragments, the root's first.
func FormatFragments(plan *physical.Plan, cat *catalog.Catalog) []string {
	w := newPlanWriter(plan, cat)
	w.cut = true
	queue := []int{len(plan.Nodes) - 1}
	for k := 0; k < len(queue); k++ {
		w.lines = append(w.lines, fmt.Sprintf("Fragment %d", k))
		w.next = nil
		w.fragment(queue[k], 1, queue)
		for _, n := range w.next {
			if !slices.Contains(queue, n) {
				queue = append(queue, n)
			}
		}
	}
	return w.lines
}

// fragment writes nodes down to the exchanges that feed them.
func (w *planWriter) fragment(i, depth int, queue []int) {
	n := &w.plan.Nodes[i]
	if n.Kind == physical.KindExchange && depth > 1 {
		if !slices.Contains(w.next, i) {
			w.next = append(w.next, i)
		}
		at := slices.Index(queue, i)
		if at < 0 {
			at = len(queue) + slices.Index(w.next, i)
		}
		w.line(depth, fmt.Sprintf("<- Fragment %d", at))
		return
	}
	w.line(depth, w.describe(i))
	for _, in := range n.Inputs {
		w.fragment(in, depth+1, queue)
	}
}

func (w *planWriter) line(depth int, s string) {
	w.lines = append(w.lines, strings.Repeat("  ", depth)+s)
}

func (w *planWriter) node(i, depth int) {
	if w.shown[i] {
		w.line(depth, fmt.Sprintf("(shared #%d)", i))
		return
	}
	s := w.describe(i)
	if w.uses[i] > 1 {
		s += fmt.Sprintf(" #%d", i)
	}
	w.shown[i] = true
	w.line(depth, s)
	for _, in := range w.plan.Nodes[i].Inputs {
		w.node(in, depth+1)
	}
}

// describe writes one node with its properties.
func (w *planWriter) describe(i int) string {
	n := &w.plan.Nodes[i]
	var in []string
	for _, k := range n.Inputs {
		in = append(in, w.plan.Nodes[k].Names...)
	}
	s := nodeName(n) + w.details(n, in)
	var props []string
	if n.AppendOnly && n.Kind != physical.KindValues {
		props = append(props, "append-only")
	}
	if len(n.Watermarks) > 0 {
		props = append(props, "watermark "+names(n.Watermarks, n.Names))
	}
	if len(props) > 0 {
		s += " [" + strings.Join(props, ", ") + "]"
	}
	if i < len(w.actual) {
		s += " " + w.actualText(&w.actual[i])
	}
	return s
}

// nodeName is a node's kind; the last order of a query without limit is a sort.
func nodeName(n *physical.Node) string {
	if t := n.TopN; t != nil && len(t.Partition) == 0 && !t.Rank && t.Limit < 0 && t.LimitExpr == nil && t.Offset == 0 && t.OffsetExpr == nil {
		return "Sort"
	}
	return string(n.Kind)
}

// actualText is what a node did. The words are PostgreSQL's, where it has them.
func (w *planWriter) actualText(a *Actual) string {
	s := fmt.Sprintf("(actual rows=%d", a.Rows)
	if w.timing {
		s += fmt.Sprintf(" time=%.3f ms", milliseconds(a.Nanos))
	}
	if a.StateBytes > 0 {
		s += fmt.Sprintf(" state=%d kB", (a.StateBytes+1023)/1024)
	}
	return s + ")"
}
