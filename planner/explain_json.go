package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// jsonNode is a node in PostgreSQL's JSON form of plans: the keys that it has keep their
// names, so that tools which draw plans find their way.
type jsonNode struct {
	NodeType string      `json:"Node Type"`
	Relation string      `json:"Relation Name,omitempty"`
	Details  string      `json:"Details,omitempty"`
	Output   []string    `json:"Output,omitempty"`
	Shared   *int        `json:"Shared Node,omitempty"`
	Rows     *int64      `json:"Actual Rows,omitempty"`
	Time     *float64    `json:"Actual Total Time,omitempty"` // milliseconds, of this node alone
	State    *int64      `json:"State Bytes,omitempty"`
	Plans    []*jsonNode `json:"Plans,omitempty"`
}

// json writes the plan in PostgreSQL's JSON form: a list of one object.
func (e *Explain) json(actual []Actual, summary [][2]any) (string, error) {
	root := &jsonNode{NodeType: "Utility"}
	switch {
	case e.logical != nil:
		root = &jsonNode{NodeType: "Logical", Details: strings.Join(e.logical, "\n")}
	case e.Plan != nil:
		w := newPlanWriter(e.Plan, e.cat)
		w.timing = e.Timing
		root = w.json(len(e.Plan.Nodes)-1, actual)
		if e.head != "" {
			kind, table, _ := strings.Cut(e.head, " on ")
			root = &jsonNode{NodeType: kind, Relation: table, Plans: []*jsonNode{root}}
		}
	}
	out := bytes.NewBufferString("[\n  {\n")
	plan, err := marshal(root, "    ")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(out, "    \"Plan\": %s", plan)
	for _, s := range summary {
		v, err := marshal(s[1], "    ")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(out, ",\n    %q: %s", s[0], v)
	}
	out.WriteString("\n  }\n]")
	return out.String(), nil
}

// marshal writes indented JSON; the signs of comparisons stay as they are.
func marshal(v any, prefix string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, "  ")
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}

func (w *planWriter) json(i int, actual []Actual) *jsonNode {
	n := &w.plan.Nodes[i]
	if w.shown[i] {
		return &jsonNode{NodeType: nodeName(n), Shared: &i}
	}
	w.shown[i] = true
	j := &jsonNode{NodeType: nodeName(n), Output: n.Names}
	if n.Scan != nil {
		j.Relation = w.relation(n.Scan)
	}
	j.Details = strings.TrimSpace(strings.TrimPrefix(w.describe(i), nodeName(n)))
	if w.uses[i] > 1 {
		j.Shared = &i
	}
	if i < len(actual) {
		a := actual[i]
		j.Rows, j.State = &a.Rows, &a.StateBytes
		if w.timing {
			ms := milliseconds(a.Nanos)
			j.Time = &ms
		}
	}
	for _, in := range n.Inputs {
		j.Plans = append(j.Plans, w.json(in, actual))
	}
	return j
}

// summaryText writes a line below the plan: times in milliseconds.
func summaryText(s [2]any) string {
	if ms, ok := s[1].(float64); ok {
		return fmt.Sprintf("%s: %.3f ms", s[0], ms)
	}
	return fmt.Sprintf("%s: %v", s[0], s[1])
}

// milliseconds converts a counter. The time of a node in a loop is the difference of two
// clocks and may come out below nothing.
func milliseconds(nanos int64) float64 { return float64(max(nanos, 0)) / 1e6 }
