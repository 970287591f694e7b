package functions

import "streamdb/sql/chunk"

// vec reads a value slice that has one slot per row or one for all rows.
type vec[T any] struct {
	s    []T
	mask int
}

func newVec[T any](s []T) vec[T] {
	if len(s) == 1 {
		return vec[T]{s, 0}
	}
	return vec[T]{s, -1}
}

func (v vec[T]) at(i int) T { return v.s[i&v.mask] }

// ints, floats and bools read an argument of the class.
func (c *Call) ints(arg int) vec[int64]     { return newVec(c.Args[arg].Ints) }
func (c *Call) floats(arg int) vec[float64] { return newVec(c.Args[arg].Floats) }
func (c *Call) bools(arg int) vec[bool]     { return newVec(c.Args[arg].Bools) }

// strs reads the byte strings of an argument; what it returns is valid as long as
// the argument.
type strs struct {
	views []chunk.View
	bytes []byte
	mask  int
}

func (c *Call) strs(arg int) strs {
	a := c.Args[arg]
	if len(a.Views) == 1 {
		return strs{a.Views, a.Bytes, 0}
	}
	return strs{a.Views, a.Bytes, -1}
}

func (s strs) at(i int) []byte {
	v := s.views[i&s.mask]
	return s.bytes[v.Off : v.Off+v.Len : v.Off+v.Len]
}

// isNull reads the NULL of an argument row, for functions that are not strict.
func (c *Call) isNull(arg, row int) bool {
	a := c.Args[arg]
	return a.Nulls != nil && a.Nulls.Get(slot(a, row))
}

// setBytes stores row's result, copying it.
func (c *Call) setBytes(row int, b []byte) {
	off := len(c.Out.Bytes)
	c.Out.Bytes = append(c.Out.Bytes, b...)
	c.endBytes(row, off)
}

// setString stores row's result, copying it.
func (c *Call) setString(row int, s string) {
	off := len(c.Out.Bytes)
	c.Out.Bytes = append(c.Out.Bytes, s...)
	c.endBytes(row, off)
}

// endBytes makes row's result what was appended to Out.Bytes since it had length off.
func (c *Call) endBytes(row, off int) {
	n := len(c.Out.Bytes)
	if uint64(n) > 1<<32-1 {
		panic("functions: column bytes exceed 4 GiB")
	}
	c.Out.Views[row] = chunk.View{Off: uint32(off), Len: uint32(n - off)}
}

// each fills out row by row with f, which is not called for rows that are decided.
func each[T any](c *Call, out []T, f func(i int) (T, error)) {
	for i := range out {
		if c.Skip.Get(i) {
			continue
		}
		v, err := f(i)
		if err != nil {
			c.Fail(i, err)
			continue
		}
		out[i] = v
	}
}

// eachBytes fills an output of class Bytes row by row: f appends the row's value.
func (c *Call) eachBytes(f func(i int, dst []byte) ([]byte, error)) {
	for i := range c.N {
		if c.Skip.Get(i) {
			continue
		}
		off := len(c.Out.Bytes)
		b, err := f(i, c.Out.Bytes)
		if err != nil {
			c.Out.Bytes = c.Out.Bytes[:off]
			c.Fail(i, err)
			continue
		}
		c.Out.Bytes = b
		c.endBytes(i, off)
	}
}

// bytesFn makes a kernel of one byte string argument that cannot fail.
func bytesFn(f func(dst, s []byte) []byte) Kernel {
	return func(c *Call) {
		a := c.strs(0)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) { return f(dst, a.at(i)), nil })
	}
}

// boolFn makes a kernel of two byte string arguments that gives a boolean.
func boolFn(f func(a, b []byte) bool) Kernel {
	return func(c *Call) {
		a, b, out := c.strs(0), c.strs(1), c.Out.Bools
		for i := range out {
			out[i] = f(a.at(i), b.at(i))
		}
	}
}
