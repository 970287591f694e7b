package functions

import (
	"bytes"
	"strings"

	"streamdb/sql/types"
)

// CmpOp is one of the six comparisons.
type CmpOp uint8

// The comparisons. Negate and Swap rely on the order.
const (
	CmpEQ CmpOp = iota
	CmpNE
	CmpLT
	CmpGE
	CmpGT
	CmpLE
)

var cmpSymbols = [...]string{"=", "<>", "<", ">=", ">", "<="}

// Swap returns the comparison with its sides exchanged: a < b is b > a.
func (op CmpOp) Swap() CmpOp { return [...]CmpOp{CmpEQ, CmpNE, CmpGT, CmpLE, CmpLT, CmpGE}[op] }

// Holds reports whether the comparison is true of a three-way result.
func (op CmpOp) Holds(c int) bool {
	switch op {
	case CmpEQ:
		return c == 0
	case CmpNE:
		return c != 0
	case CmpLT:
		return c < 0
	case CmpGE:
		return c >= 0
	case CmpGT:
		return c > 0
	}
	return c <= 0
}

// Comparison reports whether f compares two values of class Int by their slots, so
// that callers may use a loop of their own.
func (f *Function) Comparison() (op CmpOp, ok bool) {
	if len(f.Args) != 2 || f.Kind != Scalar || f.Args[0].Class() != types.ClassInt ||
		f.Args[1].Class() != types.ClassInt || !sameIntScale(f.Args[0].Kind, f.Args[1].Kind) {
		return 0, false
	}
	for op, s := range cmpSymbols {
		if f.Name == s {
			return CmpOp(op), true
		}
	}
	return 0, false
}

// sameIntScale reports whether slots of the two kinds compare as they are.
func sameIntScale(a, b types.Kind) bool {
	return a == b || isIntKind(a) && isIntKind(b)
}

func isIntKind(k types.Kind) bool {
	return k == types.KindInt2 || k == types.KindInt4 || k == types.KindInt8
}

// comparison is a type pair (or one type) with its six kernels' maker.
type comparison struct {
	args string
	make func(CmpOp) Kernel
}

func compareFuncs() []*Function {
	pairs := []comparison{
		{"bool,bool", cmpBools}, {"float4,float4", cmpFloats}, {"float4,float8", cmpFloats},
		{"float8,float4", cmpFloats}, {"float8,float8", cmpFloats},
		{"text,text", cmpBytes}, {"bytea,bytea", cmpBytes}, {"name,name", cmpBytes}, {"name,text", cmpBytes},
		{"text,name", cmpBytes}, {"qchar,qchar", cmpBytes}, {"bpchar,bpchar", cmpPadded}, {"uuid,uuid", cmpUUIDs},
	}
	for _, t := range []string{"int2", "int4", "int8"} {
		for _, u := range []string{"int2", "int4", "int8"} {
			pairs = append(pairs, comparison{t + "," + u, cmpInts})
		}
	}
	for _, t := range []string{"oid", "date", "time", "timestamp", "timestamptz"} {
		pairs = append(pairs, comparison{t + "," + t, cmpInts})
	}
	pairs = append(pairs, comparisonsLate()...)
	var fs []*Function
	for _, p := range pairs {
		for op, sym := range cmpSymbols {
			f := scalar(sym, p.args+"->bool", p.make(CmpOp(op)))
			if strings.Contains(p.args, "timestamptz") && f.Args[0] != f.Args[1] {
				f = f.stable()
			}
			fs = append(fs, f)
		}
	}
	return fs
}

func cmpInts(op CmpOp) Kernel {
	return func(c *Call) { cmpOrdered(op, c.Args[0].Ints, c.Args[1].Ints, c.Out.Bools) }
}

// cmpOrdered compares slices with one slot per row, or one for all; n is len(out).
func cmpOrdered(op CmpOp, a, b []int64, out []bool) {
	if len(a) == 1 && len(out) > 1 {
		a, b, op = b, a, op.Swap()
	}
	if len(b) == 1 {
		if len(a) == 1 {
			v := op.Holds(compareInt(a[0], b[0]))
			for i := range out {
				out[i] = v
			}
			return
		}
		cmpConst(op, a[:len(out)], b[0], out)
		return
	}
	a, b = a[:len(out)], b[:len(out)]
	switch op {
	case CmpEQ:
		for i := range out {
			out[i] = a[i] == b[i]
		}
	case CmpNE:
		for i := range out {
			out[i] = a[i] != b[i]
		}
	case CmpLT:
		for i := range out {
			out[i] = a[i] < b[i]
		}
	case CmpGE:
		for i := range out {
			out[i] = a[i] >= b[i]
		}
	case CmpGT:
		for i := range out {
			out[i] = a[i] > b[i]
		}
	case CmpLE:
		for i := range out {
			out[i] = a[i] <= b[i]
		}
	}
}

func cmpConst(op CmpOp, a []int64, k int64, out []bool) {
	switch op {
	case CmpEQ:
		for i := range out {
			out[i] = a[i] == k
		}
	case CmpNE:
		for i := range out {
			out[i] = a[i] != k
		}
	case CmpLT:
		for i := range out {
			out[i] = a[i] < k
		}
	case CmpGE:
		for i := range out {
			out[i] = a[i] >= k
		}
	case CmpGT:
		for i := range out {
			out[i] = a[i] > k
		}
	case CmpLE:
		for i := range out {
			out[i] = a[i] <= k
		}
	}
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// cmpFloats uses PostgreSQL's total order: NaN equals NaN and is above all else. Two
// primitives, equal and less, and a negation give all six.
func cmpFloats(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.floats(0), c.floats(1), c.Out.Bools
		o, neg := op, false
		switch op {
		case CmpNE:
			o, neg = CmpEQ, true
		case CmpGE:
			o, neg = CmpLT, true
		case CmpGT:
			a, b, o = b, a, CmpLT
		case CmpLE:
			a, b, o, neg = b, a, CmpLT, true
		}
		if o == CmpEQ {
			for i := range out {
				x, y := a.at(i), b.at(i)
				out[i] = (x == y || (x != x && y != y)) != neg
			}
			return
		}
		for i := range out {
			x, y := a.at(i), b.at(i)
			out[i] = (x < y || (y != y && x == x)) != neg
		}
	}
}

func cmpBools(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.bools(0), c.bools(1), c.Out.Bools
		for i := range out {
			out[i] = op.Holds(boolInt(a.at(i)) - boolInt(b.at(i)))
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func cmpBytes(op CmpOp) Kernel {
	if op == CmpEQ || op == CmpNE {
		return func(c *Call) { equalBytes(c.strs(0), c.strs(1), op == CmpNE, c.Out.Bools) }
	}
	return func(c *Call) {
		a, b, out := c.strs(0), c.strs(1), c.Out.Bools
		for i := range out {
			out[i] = op.Holds(bytes.Compare(a.at(i), b.at(i)))
		}
	}
}

// equalBytes compares lengths first, which decides most rows.
func equalBytes(a, b strs, neg bool, out []bool) {
	if a.mask == 0 {
		a, b = b, a
	}
	if b.mask == 0 && a.mask != 0 {
		k := b.at(0)
		n := uint32(len(k))
		for i, v := range a.views[:len(out)] {
			out[i] = (v.Len == n && string(a.bytes[v.Off:v.Off+v.Len]) == string(k)) != neg
		}
		return
	}
	for i := range out {
		out[i] = bytes.Equal(a.at(i), b.at(i)) != neg
	}
}

// cmpPadded compares char(n) values: trailing spaces do not count.
func cmpPadded(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.strs(0), c.strs(1), c.Out.Bools
		for i := range out {
			out[i] = op.Holds(bytes.Compare(bytes.TrimRight(a.at(i), " "), bytes.TrimRight(b.at(i), " ")))
		}
	}
}

func cmpUUIDs(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := newVec(c.Args[0].UUIDs), newVec(c.Args[1].UUIDs), c.Out.Bools
		for i := range out {
			x, y := a.at(i), b.at(i)
			out[i] = op.Holds(bytes.Compare(x[:], y[:]))
		}
	}
}

// comparisonsLate is the comparisons whose order is defined in package types.
func comparisonsLate() []comparison {
	late := []comparison{
		{"numeric,numeric", cmpNums}, {"interval,interval", cmpIntervals},
		{"jsonb,jsonb", cmpColumns}, {"anyarray,anyarray", cmpColumns},
		{"date,timestamp", cmpMoments}, {"timestamp,date", cmpMoments},
		{"date,timestamptz", cmpMoments}, {"timestamptz,date", cmpMoments},
		{"timestamp,timestamptz", cmpMoments}, {"timestamptz,timestamp", cmpMoments},
	}
	return late
}

// cmpMoments compares dates, timestamps and instants with each other, as instants in
// the session's time zone if one side is an instant. A date beyond the timestamps'
// range is what it is: after or before all of them.
func cmpMoments(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.moments(0), c.moments(1), c.Out.Bools
		for i := range out {
			out[i] = op.Holds(compareInt(a(i), b(i)))
		}
	}
}

// moments reads an argument in the scale of timestamps.
func (c *Call) moments(arg int) func(i int) int64 {
	k := c.Args[arg].Type.Kind
	v := c.ints(arg)
	instant := c.Args[1-arg].Type.Kind == types.KindTimestampTZ
	z := c.zone()
	return func(i int) int64 {
		x := v.at(i)
		if k == types.KindDate {
			ts, err := types.DateToTimestamp(x)
			if err != nil {
				return types.TimestampInf - 1
			}
			x = ts
		}
		if instant && k != types.KindTimestampTZ {
			x = types.LocalToUTC(x, z)
		}
		return x
	}
}
