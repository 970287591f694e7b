package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
)

// session builds sessions: the rows of a partition meet in one worker.
func (p *builder) session(n *logical.SessionWindow, need logical.ColSet) *built {
	need = need.Union(logical.SetOf(n.Partition...))
	need.Add(n.Time)
	in := p.build(n.Input, need)
	if len(n.Partition) > 0 {
		in = p.exchangeHash(in, n.Partition)
	} else {
		in = p.exchangeSingle(in)
	}
	spec := &physical.SessionWindow{Time: in.at(n.Time), Gap: n.Gap, Partition: p.positions(n.Partition, in.cols), WindowTime: n.WindowTime != 0}
	return p.add(physical.Node{Kind: physical.KindSession, Inputs: []int{in.idx}, SessionWindow: spec},
		append(slices.Clone(in.cols), n.Windows()...), in.dist)
}
