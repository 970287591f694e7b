package planner

import (
	"encoding/json"
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// built is a physical node with what the builder knows of it.
type built struct {
	idx  int
	cols []logical.ColID // output columns in order
	// distribution of its rows over workers
	dist distribution
}

// at finds a column's position.
func (x *built) at(id logical.ColID) int { return slices.Index(x.cols, id) }

// distribution is how rows lie over workers: in one, by the hash of columns, or anyhow.
type distribution struct {
	single bool
	hash   []logical.ColID // nil if not by hash
}

// builder turns a rewritten logical plan into a physical one.
type builder struct {
	b    *binder
	meta *logical.Meta
	plan *physical.Plan
	// seen is the nodes built for logical nodes that several parents share.
	seen map[logical.Node]*built
	// same finds a node that has been built before in the same words.
	same map[string]int
	err  error
}

func newBuilder(b *binder) *builder {
	return &builder{
		b: b, meta: b.meta, plan: &physical.Plan{Version: physical.Version},
		seen: map[logical.Node]*built{}, same: map[string]int{},
	}
}

// add appends a node, or finds one that is the same.
func (p *builder) add(n physical.Node, cols []logical.ColID, dist distribution) *built {
	n.Schema = make([]types.Type, len(cols))
	for i, c := range cols {
		n.Schema[i] = p.meta.Type(c)
	}
	key := ""
	if !volatileNode(&n) {
		b, err := json.Marshal(&n)
		if err != nil {
			p.fail(sqlerr.Internal("plan does not marshal: %v", err))
		}
		key = string(b)
		if i, ok := p.same[key]; ok {
			return &built{idx: i, cols: cols, dist: dist}
		}
	}
	n.Names = make([]string, len(cols))
	for i, c := range cols {
		n.Names[i] = p.meta.Name(c)
	}
	p.plan.Nodes = append(p.plan.Nodes, n)
	i := len(p.plan.Nodes) - 1
	if key != "" {
		p.same[key] = i
	}
	return &built{idx: i, cols: cols, dist: dist}
}

// volatileNode tells whether two nodes in the same words may give different rows.
func volatileNode(n *physical.Node) bool {
	var list []*expr.Expr
	switch {
	case n.Project != nil:
		list = n.Project.Exprs
	case n.Filter != nil:
		list = []*expr.Expr{n.Filter.Pred}
	case n.ProjectSet != nil:
		for _, f := range n.ProjectSet.Funcs {
			list = append(list, f.Args...)
		}
	case n.Values != nil:
		for _, r := range n.Values.Rows {
			list = append(list, r...)
		}
	}
	return slices.ContainsFunc(list, logical.IsVolatile)
}

func (p *builder) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// local brings an expression over columns to positions in cols.
func (p *builder) local(e *expr.Expr, cols []logical.ColID) *expr.Expr {
	if e == nil {
		return nil
	}
	return expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
		if x.Op != expr.OpColumn {
			return x
		}
		i := slices.Index(cols, x.Col)
		if i < 0 {
			p.fail(sqlerr.Internal("column %d (%s) is not in the input", x.Col, p.meta.Name(x.Col)))
			return x
		}
		c := *x
		c.Col, c.Type = i, p.meta.Type(x.Col)
		return &c
	})
}

func (p *builder) localAll(es []*expr.Expr, cols []logical.ColID) []*expr.Expr {
	out := make([]*expr.Expr, len(es))
	for i, e := range es {
		out[i] = p.local(e, cols)
	}
	return out
}

// positions finds columns' positions.
func (p *builder) positions(ids, cols []logical.ColID) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		if out[i] = slices.Index(cols, id); out[i] < 0 {
			p.fail(sqlerr.Internal("column %d (%s) is not in the input", id, p.meta.Name(id)))
		}
	}
	return out
}

// project brings x to exactly the columns ids, in order.
func (p *builder) project(x *built, ids []logical.ColID) *built {
	if slices.Equal(x.cols, ids) {
		return x
	}
	es := make([]*expr.Expr, len(ids))
	for i, id := range ids {
		es[i] = p.meta.Ref(id)
	}
	return p.add(physical.Node{Kind: physical.KindProject, Inputs: []int{x.idx},
		Project: &physical.Project{Exprs: p.localAll(es, x.cols)}}, ids, keepDist(x.dist, ids))
}

// keepDist is a distribution as far as its columns are still there.
func keepDist(d distribution, cols []logical.ColID) distribution {
	for _, h := range d.hash {
		if !slices.Contains(cols, h) {
			return distribution{single: d.single}
		}
	}
	return d
}

// computed adds columns for expressions that are not plain columns of x and gives
// every expression's column.
func (p *builder) computed(x *built, es []*expr.Expr, keep logical.ColSet) (*built, []logical.ColID) {
	ids := make([]logical.ColID, len(es))
	var outIDs []logical.ColID
	var outExprs []*expr.Expr
	for _, id := range x.cols {
		if keep.Has(id) {
			outIDs, outExprs = append(outIDs, id), append(outExprs, p.meta.Ref(id))
		}
	}
	fresh := false
	for i, e := range es {
		if e.Op == expr.OpColumn {
			ids[i] = e.Col
			if !slices.Contains(outIDs, e.Col) {
				outIDs, outExprs = append(outIDs, e.Col), append(outExprs, e)
			}
			continue
		}
		for k, o := range outExprs {
			if logical.Equal(o, e) && !logical.IsVolatile(e) {
				ids[i] = outIDs[k]
			}
		}
		if ids[i] == 0 {
			ids[i] = p.meta.Add("expr", e.Type)
			outIDs, outExprs = append(outIDs, ids[i]), append(outExprs, e)
			fresh = true
		}
	}
	if !fresh {
		return x, ids
	}
	n := p.add(physical.Node{Kind: physical.KindProject, Inputs: []int{x.idx},
		Project: &physical.Project{Exprs: p.localAll(outExprs, x.cols)}}, outIDs, keepDist(x.dist, outIDs))
	return n, ids
}

// build builds a node so that at least the columns need come out.
func (p *builder) build(n logical.Node, need logical.ColSet) *built {
	need = need.Intersect(logical.SetOf(n.Cols()...))
	if x, ok := p.seen[n]; ok && need.SubsetOf(logical.SetOf(x.cols...)) {
		return x
	}
	x := p.node(n, need)
	p.seen[n] = x
	return x
}

func (p *builder) node(n logical.Node, need logical.ColSet) *built {
	switch n := n.(type) {
	case *logical.Scan:
		return p.scan(n)
	case *logical.Values:
		rows := make([][]*expr.Expr, len(n.Rows))
		for i, r := range n.Rows {
			rows[i] = p.localAll(r, nil)
		}
		return p.add(physical.Node{Kind: physical.KindValues, Values: &physical.Values{Rows: rows}}, n.Out, distribution{single: true})
	case *logical.Filter:
		return p.filter(n, need)
	case *logical.Project:
		return p.projectNode(n, need)
	case *logical.ProjectSet:
		return p.projectSet(n, need)
	case *logical.HopWindow:
		need.Add(n.Time)
		in := p.build(n.Input, need)
		return p.add(physical.Node{Kind: physical.KindHopWindow, Inputs: []int{in.idx}, HopWindow: n.Physical(in.at(n.Time))},
			append(slices.Clone(in.cols), n.Windows()...), in.dist)
	case *logical.Leaders:
		in := p.build(n.Input, need.Union(logical.SetOf(n.Value, n.Window.Time)))
		return p.add(physical.Node{Kind: physical.KindLeaders, Inputs: []int{in.idx},
			Leaders: &physical.Leaders{Value: in.at(n.Value), Max: n.Max, Window: *n.Window.Physical(in.at(n.Window.Time)), Edge: n.Edge}}, in.cols, in.dist)
	case *logical.SessionWindow:
		return p.session(n, need)
	case *logical.Agg:
		return p.agg(n)
	case *logical.Join:
		return p.join(n, need)
	case *logical.AsofJoin:
		return p.asofJoin(n, need)
	case *logical.LookupJoin:
		return p.lookupJoin(n, need)
	case *logical.TopN:
		return p.topN(n, need)
	case *logical.OverWindow:
		return p.overWindow(n, need)
	case *logical.Shared:
		return p.build(n.Input, logical.SetOf(n.Input.Cols()...))
	}
	return p.rareNode(n, need)
}

func (p *builder) rareNode(n logical.Node, need logical.ColSet) *built {
	switch n := n.(type) {
	case *logical.Union:
		return p.union(n)
	case *logical.SetOp:
		l := p.exchangeHash(p.project(p.build(n.Left, logical.SetOf(n.LeftCols...)), n.LeftCols), n.LeftCols)
		r := p.exchangeHash(p.project(p.build(n.Right, logical.SetOf(n.RightCols...)), n.RightCols), n.RightCols)
		return p.add(physical.Node{Kind: physical.KindSetOp, Inputs: []int{l.idx, r.idx},
			SetOp: &physical.SetOp{Op: n.Op, All: n.All}}, n.Out, distribution{hash: n.Out})
	case *logical.Recursive:
		s := p.exchangeSingle(p.project(p.build(n.Start, logical.SetOf(n.StartCols...)), n.StartCols))
		r := p.exchangeSingle(p.project(p.build(n.Step, logical.SetOf(n.StepCols...)), n.StepCols))
		return p.add(physical.Node{Kind: physical.KindRecursive, Inputs: []int{s.idx, r.idx},
			Recursive: &physical.Recursive{ID: n.ID, All: n.All}}, n.Out, distribution{single: true})
	case *logical.WorkTable:
		return p.add(physical.Node{Kind: physical.KindWorkTable, WorkTable: &physical.WorkTable{ID: n.ID}}, n.Out, distribution{single: true})
	}
	p.fail(sqlerr.Internal("no physical node for %T", n))
	return &built{cols: n.Cols()}
}

func (p *builder) scan(n *logical.Scan) *built {
	s := &physical.Scan{Columns: n.ColumnIDs, Range: n.Range, Late: n.Late, Lateness: n.Lateness}
	if s.Columns == nil {
		s.Columns = []int{}
	}
	switch {
	case n.Virtual != nil:
		s.Virtual = n.Virtual.FullName()
	case n.Index != 0:
		s.Relation = physical.RelationID(n.Index)
	default:
		s.Relation = physical.RelationID(n.Rel.ID)
	}
	return p.add(physical.Node{Kind: physical.KindScan, Scan: s}, n.Out, distribution{})
}

func (p *builder) projectNode(n *logical.Project, need logical.ColSet) *built {
	var out []logical.ColID
	var es []*expr.Expr
	var below logical.ColSet
	for i, id := range n.Out {
		if need.Has(id) {
			out, es = append(out, id), append(es, n.Exprs[i])
			below.AddSet(logical.Refs(n.Exprs[i]))
		}
	}
	if p.b.maintained {
		below = stampNeeds(&logical.Project{Input: n.Input, Out: out, Exprs: es}, below)
	}
	in, es := p.stamp(p.build(n.Input, below), es)
	if dist, ok := renamed(in, es, out); ok {
		return &built{idx: in.idx, cols: out, dist: dist}
	}
	dist := distribution{single: in.dist.single}
	if len(in.dist.hash) > 0 {
		// Still hashed if every hash column passes through, perhaps under another name.
		var hash []logical.ColID
		for _, h := range in.dist.hash {
			i := slices.IndexFunc(es, func(e *expr.Expr) bool { return e.Op == expr.OpColumn && e.Col == h })
			if i < 0 {
				hash = nil
				break
			}
			hash = append(hash, out[i])
		}
		dist.hash = hash
	}
	return p.add(physical.Node{Kind: physical.KindProject, Inputs: []int{in.idx},
		Project: &physical.Project{Exprs: p.localAll(es, in.cols)}}, out, dist)
}

// renamed tells whether a projection gives its input's columns other ids and does
// nothing else, and how the rows are distributed under these.
func renamed(in *built, es []*expr.Expr, out []logical.ColID) (distribution, bool) {
	if len(es) != len(in.cols) {
		return distribution{}, false
	}
	dist := distribution{single: in.dist.single}
	for i, e := range es {
		if e.Op != expr.OpColumn || e.Col != in.cols[i] {
			return distribution{}, false
		}
	}
	for _, h := range in.dist.hash {
		dist.hash = append(dist.hash, out[in.at(h)])
	}
	return dist, true
}

func (p *builder) projectSet(n *logical.ProjectSet, need logical.ColSet) *built {
	need = need.Intersect(logical.SetOf(n.Input.Cols()...))
	n.EachExpr(func(e *expr.Expr) { need.AddSet(logical.Refs(e)) })
	in := p.build(n.Input, need)
	ps := &physical.ProjectSet{Ordinality: n.Ordinality != 0, Outer: n.Outer}
	cols := slices.Clone(in.cols)
	for i := range n.Funcs {
		f := &n.Funcs[i]
		ps.Funcs = append(ps.Funcs, physical.SetFunc{Fn: f.Fn, Args: p.localAll(f.Args, in.cols), Type: f.Type})
		cols = append(cols, f.Col)
	}
	if n.Ordinality != 0 {
		cols = append(cols, n.Ordinality)
	}
	return p.add(physical.Node{Kind: physical.KindProjectSet, Inputs: []int{in.idx}, ProjectSet: ps}, cols, in.dist)
}

func (p *builder) union(n *logical.Union) *built {
	var ins []int
	single := true
	for k, in := range n.In {
		x := p.project(p.build(in, logical.SetOf(n.InCols[k]...)), n.InCols[k])
		ins = append(ins, x.idx)
		single = single && x.dist.single
	}
	return p.add(physical.Node{Kind: physical.KindUnion, Inputs: ins}, n.Out, distribution{single: single})
}

func (p *builder) topN(n *logical.TopN, need logical.ColSet) *built {
	for _, k := range n.Order {
		need.Add(k.Col)
	}
	in := p.build(n.Input, need.Union(logical.SetOf(n.Partition...)))
	if len(n.Partition) > 0 {
		in = p.exchangeHash(in, n.Partition)
	} else {
		in = p.exchangeSingle(in)
	}
	spec, cols := p.topNSpec(n, in.cols), in.cols
	if n.Number != 0 {
		spec.Rank = true
		cols = append(slices.Clone(cols), n.Number)
	}
	return p.add(physical.Node{Kind: physical.KindTopN, Inputs: []int{in.idx}, TopN: spec}, cols, in.dist)
}

func (p *builder) topNSpec(n *logical.TopN, cols []logical.ColID) *physical.TopN {
	t := &physical.TopN{Limit: -1, WithTies: n.WithTies}
	for _, id := range n.Partition {
		t.Partition = append(t.Partition, slices.Index(cols, id))
	}
	for _, k := range n.Order {
		t.Order = append(t.Order, physical.OrderKey{Col: slices.Index(cols, k.Col), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	if n.Limit != nil {
		if n.Limit.IsConst() {
			t.Limit = n.Limit.Val.I
		} else {
			t.LimitExpr = n.Limit
		}
	}
	if n.Offset != nil {
		if n.Offset.IsConst() {
			t.Offset = n.Offset.Val.I
		} else {
			t.OffsetExpr = n.Offset
		}
	}
	return t
}

// exchangeHash makes rows that agree on the columns meet in one worker.
func (p *builder) exchangeHash(x *built, cols []logical.ColID) *built {
	if x.dist.single || len(x.dist.hash) > 0 && logical.SetOf(x.dist.hash...).SubsetOf(logical.SetOf(cols...)) {
		return x
	}
	return p.forceHash(x, cols)
}

func (p *builder) forceHash(x *built, cols []logical.ColID) *built {
	return p.add(physical.Node{Kind: physical.KindExchange, Inputs: []int{x.idx},
		Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: p.positions(cols, x.cols)}}, x.cols, distribution{hash: cols})
}

// exchangeSingle brings all rows to one worker.
func (p *builder) exchangeSingle(x *built) *built {
	if x.dist.single {
		return x
	}
	return p.add(physical.Node{Kind: physical.KindExchange, Inputs: []int{x.idx},
		Exchange: &physical.Exchange{Kind: physical.ExchangeSingle}}, x.cols, distribution{single: true})
}

// broadcast brings all rows to every worker.
func (p *builder) broadcast(x *built) *built {
	return p.add(physical.Node{Kind: physical.KindExchange, Inputs: []int{x.idx},
		Exchange: &physical.Exchange{Kind: physical.ExchangeBroadcast}}, x.cols, distribution{})
}

// agg builds an aggregation: its arguments become columns, rows of a group meet in one
// worker, and a total is computed in two phases where that is exact.
func (p *builder) agg(n *logical.Agg) *built {
	var hop logical.ColSet
	if n.Hop != nil {
		hop = logical.SetOf(n.Hop.Windows()...)
	}
	keep := logical.SetOf(n.Group...).Minus(hop)
	if n.Hop != nil {
		keep.Add(n.Hop.Time)
	}
	below := keep.Union(logical.ColSet{})
	n.EachExpr(func(e *expr.Expr) { below.AddSet(logical.Refs(e)) })
	in := p.build(n.Input, below)
	calls, es := p.callExprs(n)
	in, ids := p.computed(in, es, keep)
	if len(n.Group) == 0 && n.Hop == nil && !in.dist.single && twoPhase(n.Calls) {
		return p.totalInTwoPhases(n, in, calls, ids)
	}
	group := slices.DeleteFunc(slices.Clone(n.Group), hop.Has)
	if len(group) == 0 {
		in = p.exchangeSingle(in)
	} else {
		in = p.exchangeHash(in, group)
	}
	spec := &physical.Agg{Group: []int{}, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1}
	for i, g := range n.Group {
		switch {
		case !hop.Has(g):
			spec.Group = append(spec.Group, in.at(g))
			continue
		case g == n.Hop.Start:
			spec.WindowStart = i
		case g == n.Hop.End:
			spec.WindowEnd = i
		default:
			spec.WindowTime = i + 1
		}
		spec.Group = append(spec.Group, -1)
	}
	if n.Hop != nil {
		spec.Hop = n.Hop.Physical(in.at(n.Hop.Time))
	}
	spec.Calls = p.placeCalls(calls, ids, in.cols)
	return p.add(physical.Node{Kind: physical.KindAgg, Inputs: []int{in.idx}, Agg: spec}, n.Cols(), keepDist(in.dist, n.Cols()))
}

// aggCall is a call under way: positions among the computed expressions, -1 for none.
type aggCall struct {
	call   *logical.AggCall
	args   []int
	filter int
	order  []int
}

// directArgs is the number of leading arguments of a call that are constants of the call
// and no columns: what an ordered-set aggregate takes before WITHIN GROUP.
func directArgs(c *logical.AggCall) int {
	if functions.ByID(c.Fn).Agg.OrderedSet {
		return len(c.Args) - 1
	}
	return 0
}

// callExprs lists the expressions that the calls of an aggregation need as columns.
func (p *builder) callExprs(n *logical.Agg) ([]aggCall, []*expr.Expr) {
	var es []*expr.Expr
	add := func(e *expr.Expr) int {
		es = append(es, e)
		return len(es) - 1
	}
	calls := make([]aggCall, len(n.Calls))
	for i := range n.Calls {
		c := &n.Calls[i]
		a := aggCall{call: c, filter: -1}
		direct := directArgs(c)
		for k, e := range c.Args {
			if k < direct {
				a.args = append(a.args, -1)
				continue
			}
			a.args = append(a.args, add(e))
		}
		if c.Filter != nil {
			a.filter = add(c.Filter)
		}
		for _, o := range c.Order {
			a.order = append(a.order, add(o.Expr))
		}
		calls[i] = a
	}
	return calls, es
}

// placeCalls writes the calls down over the input's positions.
func (p *builder) placeCalls(calls []aggCall, ids, cols []logical.ColID) []physical.AggCall {
	out := make([]physical.AggCall, len(calls))
	for i, a := range calls {
		c := physical.AggCall{Fn: a.call.Fn, Type: a.call.Type, Distinct: a.call.Distinct, Filter: -1}
		for k, at := range a.args {
			if at < 0 {
				c.Args, c.Const = append(c.Args, -1), append(c.Const, a.call.Args[k].Val)
				continue
			}
			c.Args = append(c.Args, slices.Index(cols, ids[at]))
		}
		if a.filter >= 0 {
			c.Filter = slices.Index(cols, ids[a.filter])
		}
		for k, at := range a.order {
			o := a.call.Order[k]
			c.Order = append(c.Order, physical.OrderKey{Col: slices.Index(cols, ids[at]), Desc: o.Desc, NullsFirst: o.NullsFirst})
		}
		out[i] = c
	}
	return out
}

// twoPhase tells whether a total may be made of the workers' totals: exactly, that is
// without the rounding that sums of floats would get twice.
func twoPhase(calls []logical.AggCall) bool {
	for i := range calls {
		c := &calls[i]
		f := functions.ByID(c.Fn)
		if c.Distinct {
			return false
		}
		switch f.Agg.Kind {
		case functions.AggCount, functions.AggCountStar, functions.AggMin, functions.AggMax, functions.AggAnyValue:
		case functions.AggSum:
			if k := f.Args[0].Kind; k != types.KindInt2 && k != types.KindInt4 && k != types.KindInt8 && k != types.KindNumeric {
				return false
			}
		default:
			return false
		}
	}
	return len(calls) > 0
}

// totalInTwoPhases aggregates in each worker, then what they got.
func (p *builder) totalInTwoPhases(n *logical.Agg, in *built, calls []aggCall, ids []logical.ColID) *built {
	first := &physical.Agg{Group: []int{}, Phase: physical.AggPartial, WindowStart: -1, WindowEnd: -1, Calls: p.placeCalls(calls, ids, in.cols)}
	part := make([]logical.ColID, len(n.Calls))
	for i := range n.Calls {
		part[i] = p.meta.Copy(n.Calls[i].Col)
	}
	x := p.exchangeSingle(p.add(physical.Node{Kind: physical.KindAgg, Inputs: []int{in.idx}, Agg: first}, part, distribution{}))
	last := &physical.Agg{Group: []int{}, Phase: physical.AggFinal, WindowStart: -1, WindowEnd: -1}
	sums := make([]logical.ColID, len(n.Calls))
	casts := make([]*expr.Expr, len(n.Calls))
	recast := false
	for i := range n.Calls {
		c := &n.Calls[i]
		f := functions.ByID(c.Fn)
		final := physical.AggCall{Fn: c.Fn, Type: c.Type, Args: []int{i}, Filter: -1}
		sums[i] = p.meta.Copy(c.Col)
		casts[i] = p.meta.Ref(sums[i])
		switch f.Agg.Kind {
		case functions.AggCount, functions.AggCountStar, functions.AggSum:
			final.Fn, final.Type = "sum_int8", types.Numeric
			if c.Type.Kind == types.KindNumeric {
				final.Fn = "sum_numeric"
				break
			}
			sums[i] = p.meta.Add(p.meta.Name(c.Col), types.Numeric)
			e, err := p.b.coerce(p.meta.Ref(sums[i]), c.Type, functions.Assignment)
			if err != nil {
				p.fail(err)
			}
			casts[i], recast = e, true
		}
		last.Calls = append(last.Calls, final)
	}
	y := p.add(physical.Node{Kind: physical.KindAgg, Inputs: []int{x.idx}, Agg: last}, sums, x.dist)
	if !recast {
		y.cols = n.Cols()
		return y
	}
	return p.add(physical.Node{Kind: physical.KindProject, Inputs: []int{y.idx},
		Project: &physical.Project{Exprs: p.localAll(casts, y.cols)}}, n.Cols(), y.dist)
}
