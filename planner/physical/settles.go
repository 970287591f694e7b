package physical

// Settles reports whether rows below a watermark of node n's output never change again: no
// insertion, which is what a watermark says of any node, and no retraction either. An
// append-only input retracts nothing; an aggregation over one that settles changes a
// group only while rows for it come. Over a table the user may still delete old rows.
func Settles(nodes []Node, n int) bool {
	node := &nodes[n]
	if node.AppendOnly {
		return true
	}
	switch node.Kind {
	case KindFilter, KindProject, KindExchange, KindHopWindow, KindSession, KindLeaders, KindAgg, KindEmit, KindEmitEvery, KindTopN, KindOverWindow:
		return Settles(nodes, node.Inputs[0])
	case KindLookupJoin:
		return Settles(nodes, node.Inputs[0])
	case KindAsofJoin:
		return Settles(nodes, node.Inputs[0]) && Settles(nodes, node.Inputs[1])
	case KindJoin:
		return node.Join.Type != JoinNullAnti && Settles(nodes, node.Inputs[0]) && Settles(nodes, node.Inputs[1])
	}
	return false
}
