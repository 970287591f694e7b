package functions

import (
	"sort"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Session answers the functions that ask about the session or the catalog
// (current_user, nextval, pg_get_viewdef, …). Call computes one row of function id.
type Session interface {
	Call(id string, args []types.Datum, argTypes []types.Type, ret types.Type) (types.Datum, error)
}

// Ctx is what an evaluation reads beside its input. It is owned by one goroutine.
type Ctx struct {
	// Now is the transaction's (in a view: the entry's) time and Statement the
	// statement's, in microseconds since 2000-01-01 UTC.
	Now, Statement int64
	// Clock gives the wall clock for clock_timestamp; nil gives Now.
	Clock func() int64
	// Random gives the random numbers of volatile functions; nil makes them fail.
	Random func() uint64
	// Settings is the session settings that values and functions depend on; nil means
	// the defaults. Immutable.
	Settings *types.Settings
	// Session answers session functions; nil makes them fail with 0A000.
	Session Session
}

// Call is one call of a kernel and its scratch space; whoever calls keeps one per
// place of call and uses it again.
//
// The contract of a kernel: every column of Args has N slots, or one slot that stands
// for all rows. Out has the result type and N zero slots (for class Bytes: N empty
// views and an empty buffer); Out.Nulls is set for the NULL rows of a strict function.
// Rows in Skip (NULL under a strict function, or with an argument in error) are
// decided already: the kernel may compute any value for them, Fail ignores them.
// Errors are reported in rising row order.
type Call struct {
	*Ctx
	Fn   *Function
	Args []*chunk.Column
	N    int
	Out  *chunk.Column
	Skip chunk.Bitmap
	// State is the kernel's own between the calls of one place (a compiled pattern).
	State any

	nulls, skip chunk.Bitmap // buffers
	argErrs     []chunk.RowError
	bytesHint   int
	datums      []types.Datum
	argTypes    []types.Type
}

// Fail makes row's result err.
func (c *Call) Fail(row int, err error) {
	if !c.Skip.Get(row) {
		c.Out.Errs = append(c.Out.Errs, chunk.RowError{Row: row, Err: err})
	}
}

// SetNull makes row's result NULL.
func (c *Call) SetNull(row int) {
	if c.Out.Nulls == nil {
		c.nulls = clearBitmap(c.nulls, c.N)
		c.Out.Nulls = c.nulls
	}
	c.Out.Nulls.Set(row)
}

// Skipped reports whether row is decided already.
func (c *Call) Skipped(row int) bool { return c.Skip.Get(row) }

func clearBitmap(b chunk.Bitmap, n int) chunk.Bitmap {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(chunk.Bitmap, words)
	}
	b = b[:words]
	clear(b)
	return b
}

// Prepare makes Out ready for n rows of type t: zero slots, no marks. The value
// slices are used again, the byte buffer is not: it may be shared by now.
func Prepare(out *chunk.Column, t types.Type, n, bytesHint int) {
	out.Type = t
	out.Nulls, out.Errs, out.Bytes = nil, nil, nil
	out.Resize(0)
	out.Resize(n)
	if t.Class() == types.ClassBytes && bytesHint > 0 {
		out.Bytes = make([]byte, 0, bytesHint)
	}
}

// Run evaluates Fn over Args for n rows into Out, whose type is ret. It merges the
// arguments' errors, the first argument's winning, applies strictness and keeps the
// column's invariants: an error row is not marked NULL, errors rise by row.
func (c *Call) Run(n int, ret types.Type) {
	c.N = n
	if c.Fn.Relabel { // Out shares the argument's memory and must not be cleared
		*c.Out = *c.Args[0]
		c.Out.Type = ret
		return
	}
	Prepare(c.Out, ret, n, c.bytesHint)
	c.Skip = nil
	c.collectErrs(n)
	if c.Fn.Strict && !c.unionNulls(n) {
		c.finish()
		return
	}
	c.Fn.Kernel(c)
	c.finish()
	if len(c.Out.Bytes) > c.bytesHint {
		c.bytesHint = len(c.Out.Bytes) + len(c.Out.Bytes)/8
	}
}

// collectErrs gathers the arguments' errors into argErrs and marks their rows in Skip.
func (c *Call) collectErrs(n int) {
	c.argErrs = c.argErrs[:0]
	for _, a := range c.Args {
		if a.Errs == nil {
			continue
		}
		if a.Len() == 1 && n > 1 {
			for i := range n {
				c.argErrs = append(c.argErrs, chunk.RowError{Row: i, Err: a.Errs[0].Err})
			}
		} else {
			c.argErrs = append(c.argErrs, a.Errs...)
		}
	}
	if len(c.argErrs) == 0 {
		return
	}
	c.argErrs = sortErrs(c.argErrs)
	c.skip = clearBitmap(c.skip, n)
	for _, e := range c.argErrs {
		c.skip.Set(e.Row)
	}
	c.Skip = c.skip
}

// sortErrs orders by row and keeps the first error of each.
func sortErrs(errs []chunk.RowError) []chunk.RowError {
	sort.SliceStable(errs, func(i, j int) bool { return errs[i].Row < errs[j].Row })
	k := 0
	for i, e := range errs {
		if i == 0 || e.Row != errs[k-1].Row {
			errs[k] = e
			k++
		}
	}
	return errs[:k]
}

// unionNulls marks the rows with a NULL argument as NULL and decided. It reports
// whether any row is left to compute.
func (c *Call) unionNulls(n int) bool {
	found := false
	for _, a := range c.Args {
		if a.Nulls == nil {
			continue
		}
		if !found {
			c.nulls = clearBitmap(c.nulls, n)
			found = true
		}
		if a.Len() == 1 {
			if a.Nulls.Get(0) {
				fillBitmap(c.nulls, n)
				c.Out.Nulls = c.nulls
				return false
			}
			continue
		}
		for i := range c.nulls {
			c.nulls[i] |= a.Nulls[i]
		}
	}
	if !found || !c.nulls.Any() {
		return true
	}
	c.Out.Nulls = c.nulls
	if c.Skip == nil {
		c.skip = append(c.skip[:0], c.nulls...)
	} else {
		for i := range c.skip {
			c.skip[i] |= c.nulls[i]
		}
	}
	c.Skip = c.skip
	return true
}

func fillBitmap(b chunk.Bitmap, n int) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n&63 != 0 {
		b[len(b)-1] = 1<<(uint(n)&63) - 1
	}
}

// finish merges the arguments' errors with the kernel's.
func (c *Call) finish() {
	if len(c.argErrs) > 0 {
		errs := make([]chunk.RowError, 0, len(c.argErrs)+len(c.Out.Errs))
		errs = append(append(errs, c.argErrs...), c.Out.Errs...)
		c.Out.Errs = sortErrs(errs)
	}
	if c.Out.Nulls != nil {
		for _, e := range c.Out.Errs {
			c.Out.Nulls.Clear(e.Row)
		}
	}
}

// RunSet evaluates a set-returning function over Args for n input rows: the rows go to
// Out one after the other, their numbers to counts, which has n slots. An input row
// in error gives no row; the errors are returned, by input row.
func (c *Call) RunSet(n int, ret types.Type, counts []int32) []chunk.RowError {
	c.N = n
	Prepare(c.Out, ret, 0, c.bytesHint)
	clear(counts)
	c.Skip = nil
	c.collectErrs(n)
	if c.Fn.Strict {
		live := c.unionNulls(n)
		c.Out.Nulls = nil
		if !live {
			return c.argErrs
		}
	}
	c.Fn.SetKernel(c, counts)
	errs := append(append([]chunk.RowError(nil), c.argErrs...), c.Out.Errs...)
	c.Out.Errs = nil
	if len(errs) == 0 {
		return nil
	}
	return sortErrs(errs)
}

// hook is the kernel of functions that the session answers.
func hook(c *Call) {
	if c.Ctx == nil || c.Session == nil {
		err := sqlerr.New(sqlerr.FeatureNotSupported, "function %s is not supported here", c.Fn.Name)
		for i := range c.N {
			c.Fail(i, err)
		}
		return
	}
	out := chunk.NewColumn(c.Out.Type, c.N)
	c.argTypes = c.argTypes[:0]
	for _, a := range c.Args {
		c.argTypes = append(c.argTypes, a.Type)
	}
	for i := range c.N {
		if c.Skipped(i) {
			out.AppendNull()
			continue
		}
		c.datums = c.datums[:0]
		for _, a := range c.Args {
			c.datums = append(c.datums, a.Datum(slot(a, i)))
		}
		d, err := c.Session.Call(c.Fn.ID, c.datums, c.argTypes, c.Out.Type)
		if err != nil {
			out.AppendNull()
			out.Nulls.Clear(i)
			c.Fail(i, err)
			continue
		}
		out.AppendDatum(d)
	}
	errs := c.Out.Errs
	*c.Out = *out
	c.Out.Errs = errs
}

// slot returns the slot of row i in an argument column.
func slot(a *chunk.Column, i int) int {
	if a.Len() == 1 {
		return 0
	}
	return i
}

// SortErrors brings a column's errors into the order of its rows, keeping the first
// of each row, and takes error rows out of its NULLs.
func SortErrors(c *chunk.Column) {
	if len(c.Errs) == 0 {
		return
	}
	c.Errs = sortErrs(c.Errs)
	if c.Nulls != nil {
		for _, e := range c.Errs {
			c.Nulls.Clear(e.Row)
		}
	}
}
