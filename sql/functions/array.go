package functions

import (
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func arrayFuncs() []*Function {
	arr := "anycompatiblearray"
	return []*Function{
		scalar("array_subscript", "anyarray,int4->anyelement", arraySubscript).hidden().withID("array_subscript"),
		scalar("array_slice", "anyarray,int4,int4->anyarray", arraySlice).nonStrict().hidden().withID("array_slice"),
		scalar("array_length", "anyarray,int4->int4", arrayDim(func(a *types.Array) int64 { return int64(a.Len()) })),
		scalar("array_lower", "anyarray,int4->int4", arrayDim(func(a *types.Array) int64 { return int64(a.Lower()) })),
		scalar("array_upper", "anyarray,int4->int4", arrayDim(func(a *types.Array) int64 { return int64(a.Lower() + a.Len() - 1) })),
		scalar("array_ndims", "anyarray->int4", arrayNDims), scalar("array_dims", "anyarray->text", arrayDims),
		scalar("cardinality", "anyarray->int4", cardinality),
		scalar("array_append", arr+",anycompatible->"+arr, arrayAppend).nonStrict(), scalar("||", arr+",anycompatible->"+arr, arrayAppend).nonStrict(),
		scalar("array_prepend", "anycompatible,"+arr+"->"+arr, arrayPrepend).nonStrict(), scalar("||", "anycompatible,"+arr+"->"+arr, arrayPrepend).nonStrict(),
		scalar("array_cat", arr+","+arr+"->"+arr, arrayCat).nonStrict(), scalar("||", arr+","+arr+"->"+arr, arrayCat).nonStrict(),
		scalar("array_remove", arr+",anycompatible->"+arr, arrayRemove).nonStrict(),
		scalar("array_replace", arr+",anycompatible,anycompatible->"+arr, arrayReplace).nonStrict(),
		scalar("array_position", arr+",anycompatible->int4", arrayPosition).nonStrict(),
		scalar("array_position", arr+",anycompatible,int4->int4", arrayPosition).nonStrict(),
		scalar("array_positions", arr+",anycompatible->int4[]", arrayPositions).nonStrict(),
		scalar("trim_array", "anyarray,int4->anyarray", trimArray),
		scalar("array_fill", "anyelement,int4[]->anyarray", arrayFill).nonStrict(),
		scalar("array_fill", "anyelement,int4[],int4[]->anyarray", arrayFill).nonStrict(),
		scalar("@>", "anyarray,anyarray->bool", arrayContains(0, 1)), scalar("<@", "anyarray,anyarray->bool", arrayContains(1, 0)),
		scalar("&&", "anyarray,anyarray->bool", arrayOverlap),
		scalar("string_to_array", "text,text->text[]", stringToArray).nonStrict(),
		scalar("string_to_array", "text,text,text->text[]", stringToArray).nonStrict(),
		scalar("array_to_string", "anyarray,text->text", arrayToString).stable().nonStrict(),
		scalar("array_to_string", "anyarray,text,text->text", arrayToString).stable().nonStrict(),
		set("unnest", "anyarray->anyelement", unnest),
		set("expandarray_x", "int2vector->int2", unnest).hidden().withID("expandarray_x"),
		set("expandarray_n", "int2vector->int4", expandPositions).hidden().withID("expandarray_n"),
		&Function{ID: "expandarray", Name: "information_schema._pg_expandarray", Kind: Set, Args: []types.Type{mustType("int2vector")},
			Ret: types.Of(types.KindRecord), Strict: true, Columns: []SetColumn{{"x", "expandarray_x"}, {"n", "expandarray_n"}}},
		set("generate_subscripts", "anyarray,int4->int4", generateSubscripts),
		set("generate_subscripts", "anyarray,int4,bool->int4", generateSubscripts),
		stringToTableFn("text,text->text"), stringToTableFn("text,text,text->text"),
	}
}

// arr opens the array of row i; it must not be NULL.
func (c *Call) arr(arg, i int) types.Array {
	col := c.Args[arg]
	a, ok := types.ReadArray(col.Type, types.BytesString(col.StringAt(slot(col, i))))
	if !ok {
		panic(sqlerr.Internal("malformed array value"))
	}
	return a
}

// errNullElement and others are the errors of arrays.
var (
	errNullArrayDim = sqlerr.New(sqlerr.NullValueNotAllowed, "dimension array or low bound array cannot be null")
	errNullDim      = sqlerr.New(sqlerr.NullValueNotAllowed, "dimension values cannot be null")
	errTrimRange    = "number of elements to trim must be between 0 and %d"
)

// flatten lists the elements of the arrays of argument 0 in one column; lens holds
// how many each row has, -1 for NULL.
func flatten(c *Call) (*chunk.Column, []int32) {
	flat := chunk.NewColumn(base(c.Args[0].Type.ElemType()), c.N)
	lens := make([]int32, c.N)
	for i := range c.N {
		if c.Skipped(i) || c.isNull(0, i) {
			lens[i] = -1
			continue
		}
		a := c.arr(0, i)
		lens[i] = int32(a.Len())
		AppendElements(flat, &a)
	}
	return flat, lens
}

// AppendElements appends the elements of an array to a column of its element type.
func AppendElements(dst *chunk.Column, a *types.Array) {
	for k := range a.Len() {
		switch {
		case a.Null(k):
			dst.AppendNull()
		default:
			dst.AppendDatum(a.Datum(k))
		}
	}
}

// unflatten is the inverse of flatten, into Out.
func unflatten(c *Call, flat *chunk.Column, lens []int32) {
	b := types.NewArrayBuilder(c.Out.Type)
	at := 0
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if lens[i] < 0 {
			c.SetNull(i)
			return dst, nil
		}
		b.Reset()
		if src := c.arr(0, i); src.Len() > 0 {
			b.SetLower(int32(src.Lower()))
		}
		var err error
		for range lens[i] {
			if e := flat.ErrAt(at); e != nil && err == nil {
				err = e
			}
			b.Add(flat.Datum(at))
			at++
		}
		if err != nil {
			return nil, err
		}
		return b.AppendTo(dst), nil
	})
}

// setDatum stores a value of any class at row i.
func (c *Call) setDatum(i int, d types.Datum) {
	if d.Null {
		c.SetNull(i)
		return
	}
	switch c.Out.Type.Class() {
	case types.ClassBool:
		c.Out.Bools[i] = d.I != 0
	case types.ClassInt:
		c.Out.Ints[i] = d.I
	case types.ClassFloat:
		c.Out.Floats[i] = d.F
	case types.ClassNumeric:
		c.setDec(i, d.Dec())
	case types.ClassInterval:
		c.Out.Ivls[i] = d.V
	case types.ClassUUID:
		c.Out.UUIDs[i] = d.U
	default:
		c.setString(i, d.S)
	}
}

func arraySubscript(c *Call) {
	k := c.ints(1)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		a := c.arr(0, i)
		j := k.at(i) - int64(a.Lower())
		if j < 0 || j >= int64(a.Len()) || a.Null(int(j)) {
			c.SetNull(i)
			continue
		}
		c.setDatum(i, a.Datum(int(j)))
	}
}

// arraySlice is a[lo:hi]; a NULL bound, standing for one left out, is open.
func arraySlice(c *Call) {
	lo, hi := c.ints(1), c.ints(2)
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		a := c.arr(0, i)
		from, to := int64(0), int64(a.Len())
		if !c.isNull(1, i) {
			from = max(from, lo.at(i)-int64(a.Lower()))
		}
		if !c.isNull(2, i) {
			to = min(to, hi.at(i)-int64(a.Lower())+1)
		}
		for k := from; k < to; k++ {
			b.Add(elem(&a, int(k)))
		}
		return nil
	})
}

// elem returns element k, NULL included.
func elem(a *types.Array, k int) types.Datum {
	if a.Null(k) {
		return types.NullDatum
	}
	return a.Datum(k)
}

// buildArrays fills an array output row by row; rows whose first argument is NULL
// are NULL.
func (c *Call) buildArrays(f func(i int, b *types.ArrayBuilder) error) {
	b := types.NewArrayBuilder(c.Out.Type)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) {
			c.SetNull(i)
			return dst, nil
		}
		b.Reset()
		if err := f(i, b); err != nil {
			return nil, err
		}
		return b.AppendTo(dst), nil
	})
}

// arrayDim gives a property of dimension 1; others, and empty arrays, have none.
func arrayDim(f func(*types.Array) int64) Kernel {
	return func(c *Call) {
		d := c.ints(1)
		for i := range c.N {
			if c.Skipped(i) {
				continue
			}
			a := c.arr(0, i)
			if a.Len() == 0 || d.at(i) != 1 {
				c.SetNull(i)
				continue
			}
			c.Out.Ints[i] = f(&a)
		}
	}
}

func arrayNDims(c *Call) {
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		if a := c.arr(0, i); a.Len() == 0 {
			c.SetNull(i)
		} else {
			c.Out.Ints[i] = 1
		}
	}
}

func arrayDims(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		a := c.arr(0, i)
		if a.Len() == 0 {
			c.SetNull(i)
			return dst, nil
		}
		dst = types.AppendInt(append(dst, '['), int64(a.Lower()))
		dst = types.AppendInt(append(dst, ':'), int64(a.Lower()+a.Len()-1))
		return append(dst, ']'), nil
	})
}

func cardinality(c *Call) {
	each(c, c.Out.Ints, func(i int) (int64, error) { a := c.arr(0, i); return int64(a.Len()), nil })
}

// datumAt reads any argument, NULL included.
func (c *Call) datumAt(arg, i int) types.Datum { return c.Args[arg].Datum(slot(c.Args[arg], i)) }

// addAll adds the elements of an array argument; a NULL array counts as empty. The
// first array that is not empty gives the lower bound.
func (c *Call) addAll(b *types.ArrayBuilder, arg, i int) {
	if c.isNull(arg, i) {
		return
	}
	a := c.arr(arg, i)
	if b.Len() == 0 && a.Len() > 0 {
		b.SetLower(int32(a.Lower()))
	}
	for k := range a.Len() {
		b.Add(elem(&a, k))
	}
}

// joinArrays fills Out with arrays put together from the arguments.
func joinArrays(c *Call, f func(b *types.ArrayBuilder, i int)) {
	b := types.NewArrayBuilder(c.Out.Type)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		b.Reset()
		f(b, i)
		return b.AppendTo(dst), nil
	})
}

func arrayAppend(c *Call) {
	joinArrays(c, func(b *types.ArrayBuilder, i int) {
		c.addAll(b, 0, i)
		b.Add(c.datumAt(1, i))
	})
}

func arrayPrepend(c *Call) {
	joinArrays(c, func(b *types.ArrayBuilder, i int) {
		b.Add(c.datumAt(0, i))
		c.addAll(b, 1, i)
		if !c.isNull(1, i) {
			if a := c.arr(1, i); a.Len() > 0 {
				b.SetLower(int32(a.Lower()))
			}
		}
	})
}

func arrayCat(c *Call) {
	b := types.NewArrayBuilder(c.Out.Type)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) && c.isNull(1, i) {
			c.SetNull(i)
			return dst, nil
		}
		b.Reset()
		c.addAll(b, 0, i)
		c.addAll(b, 1, i)
		return b.AppendTo(dst), nil
	})
}

// same reports whether two elements are the same for array_remove and its like:
// NULL is the same as NULL.
func same(t types.Type, a, b types.Datum) bool {
	if a.Null || b.Null {
		return a.Null && b.Null
	}
	return types.Compare(t, a, b) == 0
}

func arrayRemove(c *Call) {
	t := c.Out.Type.ElemType()
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		a, x := c.arr(0, i), c.datumAt(1, i)
		b.SetLower(int32(a.Lower()))
		for k := range a.Len() {
			if e := elem(&a, k); !same(t, e, x) {
				b.Add(e)
			}
		}
		return nil
	})
}

func arrayReplace(c *Call) {
	t := c.Out.Type.ElemType()
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		a, x, y := c.arr(0, i), c.datumAt(1, i), c.datumAt(2, i)
		b.SetLower(int32(a.Lower()))
		for k := range a.Len() {
			e := elem(&a, k)
			if same(t, e, x) {
				e = y
			}
			b.Add(e)
		}
		return nil
	})
}

func arrayPosition(c *Call) {
	t := c.Args[0].Type.ElemType()
	start := c.optInt(2, -1<<40)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		if len(c.Args) > 2 && c.isNull(2, i) {
			c.Fail(i, sqlerr.New(sqlerr.NullValueNotAllowed, "initial position must not be null"))
			continue
		}
		if c.isNull(0, i) {
			c.SetNull(i)
			continue
		}
		a, x := c.arr(0, i), c.datumAt(1, i)
		found := false
		for k := int(max(start(i)-int64(a.Lower()), 0)); k < a.Len() && !found; k++ {
			if same(t, elem(&a, k), x) {
				c.Out.Ints[i], found = int64(k+a.Lower()), true
			}
		}
		if !found {
			c.SetNull(i)
		}
	}
}

func arrayPositions(c *Call) {
	t := c.Args[0].Type.ElemType()
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		a, x := c.arr(0, i), c.datumAt(1, i)
		for k := range a.Len() {
			if same(t, elem(&a, k), x) {
				b.AddInt(int64(k + a.Lower()))
			}
		}
		return nil
	})
}

func trimArray(c *Call) {
	n := c.ints(1)
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		a := c.arr(0, i)
		if n.at(i) < 0 || n.at(i) > int64(a.Len()) {
			return sqlerr.New(sqlerr.ArraySubscriptError, errTrimRange, a.Len())
		}
		for k := range a.Len() - int(n.at(i)) {
			b.Add(elem(&a, k))
		}
		return nil
	})
}

func arrayFill(c *Call) {
	b := types.NewArrayBuilder(c.Out.Type)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(1, i) || len(c.Args) > 2 && c.isNull(2, i) {
			return nil, errNullArrayDim
		}
		d := c.arr(1, i)
		b.Reset()
		if err := c.fillLower(b, i, d.Len()); err != nil {
			return nil, err
		}
		if d.Len() > 1 {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
		}
		if d.Len() == 1 {
			if d.Null(0) {
				return nil, errNullDim
			}
			n := d.Int(0)
			if n < 0 || n > textMax/8 {
				return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", textMax/8)
			}
			for range n {
				b.Add(c.datumAt(0, i))
			}
		}
		return b.AppendTo(dst), nil
	})
}

// fillLower gives the array of row i the lower bound that array_fill's third argument names.
func (c *Call) fillLower(b *types.ArrayBuilder, i, dims int) error {
	if len(c.Args) < 3 {
		return nil
	}
	low := c.arr(2, i)
	if low.Len() != dims {
		return sqlerr.New(sqlerr.ArraySubscriptError, "wrong number of array subscripts").
			WithDetail("Low bound array has different size than dimensions array.")
	}
	if low.Len() == 1 {
		if low.Null(0) {
			return errNullDim
		}
		b.SetLower(int32(low.Int(0)))
	}
	return nil
}

// has reports whether an array holds a value; NULL elements equal nothing.
func has(a *types.Array, t types.Type, x types.Datum) bool {
	for k := range a.Len() {
		if !a.Null(k) && types.Compare(t, a.Datum(k), x) == 0 {
			return true
		}
	}
	return false
}

func arrayContains(outer, inner int) Kernel {
	return func(c *Call) {
		t := c.Args[0].Type.ElemType()
		each(c, c.Out.Bools, func(i int) (bool, error) {
			a, b := c.arr(outer, i), c.arr(inner, i)
			for k := range b.Len() {
				if b.Null(k) || !has(&a, t, b.Datum(k)) {
					return false, nil
				}
			}
			return true, nil
		})
	}
}

func arrayOverlap(c *Call) {
	t := c.Args[0].Type.ElemType()
	each(c, c.Out.Bools, func(i int) (bool, error) {
		a, b := c.arr(0, i), c.arr(1, i)
		for k := range b.Len() {
			if !b.Null(k) && has(&a, t, b.Datum(k)) {
				return true, nil
			}
		}
		return false, nil
	})
}
