package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/sqlerr"
)

// newOperator makes the operator of node n for one worker.
func newOperator(d *Dataflow, n, worker int) (Operator, error) {
	node := &d.plan.Nodes[n]
	input := func(i int) *physical.Node { return &d.plan.Nodes[node.Inputs[i]] }
	switch node.Kind {
	case physical.KindFilter:
		return newFilter(d, node)
	case physical.KindProject:
		return newProject(d, node)
	case physical.KindProjectSet:
		return newProjectSet(d, node, input(0).Schema)
	case physical.KindValues:
		v := &values{d: d, rows: node.Values.Rows, schema: node.Schema, done: worker > 0 || d.opts.SkipValues}
		return v, nil
	case physical.KindHopWindow:
		return newHopWindow(node)
	case physical.KindLeaders:
		return newLeaders(node), nil
	case physical.KindProctime:
		return newProctime(d, node, input(0)), nil
	case physical.KindTemporalFilter:
		return newTemporalFilter(d, node)
	case physical.KindSession:
		return newSession(d, n)
	case physical.KindAgg:
		return newAgg(d, n)
	case physical.KindJoin:
		return newJoin(d, n)
	case physical.KindLookupJoin:
		return newLookupJoin(d, n), nil
	case physical.KindAsofJoin:
		return newAsofJoin(d, n), nil
	case physical.KindUnion:
		return passThrough{}, nil
	case physical.KindWorkTable:
		return passThrough{}, nil
	case physical.KindSetOp:
		return newSetOp(node), nil
	case physical.KindTopN:
		if d.opts.Strict && len(node.TopN.Partition) == 0 {
			return &sortRows{spec: node.TopN, schema: node.Schema}, nil
		}
		if t := newTopOne(d, n); t != nil {
			return t, nil
		}
		return newTopN(d, n), nil
	case physical.KindOverWindow:
		if d.opts.Strict && !loops(d.plan) {
			return newOverOnce(node, input(0))
		}
		return newOverWindow(d, n)
	case physical.KindEmit:
		return newEmit(node), nil
	case physical.KindEmitEvery:
		return newEmitEvery(d, n), nil
	case physical.KindExchange:
		return &exchange{kind: node.Exchange.Kind, keys: node.Exchange.Keys, node: n}, nil
	case physical.KindRecursive:
		return newRecursive(d, node), nil
	}
	return nil, sqlerr.New(sqlerr.InternalError, "plan has a node of unknown kind %q", node.Kind)
}

// loops reports whether the operators of a plan are flushed more than once in a step.
func loops(plan *physical.Plan) bool {
	for i := range plan.Nodes {
		if plan.Nodes[i].Recursive != nil {
			return true
		}
	}
	return false
}
