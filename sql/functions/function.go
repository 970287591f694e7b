package functions

import (
	"strings"

	"streamdb/sql/types"
)

// FuncKind tells scalar functions, aggregates, set-returning and window functions apart.
type FuncKind uint8

// The kinds of functions.
const (
	Scalar FuncKind = iota
	Aggregate
	Set
	// Window functions need OVER. An aggregate may have it, too.
	Window
)

// Volatility says what a function's result depends on.
type Volatility uint8

// The volatilities. Immutable: on its arguments only; such calls over constants are
// folded. Stable: also on settings, session and the statement's time. Volatile: on
// more; the calls are evaluated for each row, and never in a maintained view.
const (
	Immutable Volatility = iota
	Stable
	Volatile
)

// Kernel computes c.Out from c.Args for c.N rows; see Call for the contract.
type Kernel func(c *Call)

// SetKernel appends the rows of a set-returning function to c.Out, input row by input
// row, and stores in counts[i] how many rows input row i gave.
type SetKernel func(c *Call, counts []int32)

// SetColumn is one column of a set-returning function that gives several
// (jsonb_each): they are run as functions of their own, in parallel.
type SetColumn struct {
	Name string
	Fn   string // id of the Set function that gives the column alone
}

// Function is one entry of the table.
type Function struct {
	// ID names the function in plans, for ever. A change of behaviour makes a new
	// function with a new ID (suffix _v2) and keeps the old one.
	ID string
	// OID is PostgreSQL's pg_proc oid where it has the function, else from 8000 up.
	OID uint32
	// Name is the SQL name: lower case, or the symbol of an operator.
	Name string
	Kind FuncKind
	// Args is the argument types; the pseudo-types Any, AnyElement … match by
	// PostgreSQL's rules for polymorphism.
	Args []types.Type
	// Defaults is how many of the last Args may be left out. The kernel sees the
	// number that was given.
	Defaults int
	// Variadic means that the last argument may be repeated, once at least.
	Variadic bool
	// Ret is the result type, possibly a pseudo-type. Result, when not nil, decides
	// instead from the argument types.
	Ret    types.Type
	Result func(args []types.Type) types.Type
	// Strict: a NULL argument makes the result NULL, and the kernel does not care.
	Strict     bool
	Volatility Volatility
	Kernel     Kernel    // of Scalar
	SetKernel  SetKernel // of Set
	// Columns, of a Set function with several result columns, in order.
	Columns []SetColumn
	// Relabel marks a cast between types with the same values: the result is the
	// argument's column under another type.
	Relabel bool
	// Hidden functions are called by id only (casts, helpers of special syntax).
	Hidden bool

	// Agg says which aggregate it is and how its state behaves.
	Agg AggInfo
	// Window says which window function it is.
	Window WindowKind

	// Family is the chapter of the reference page.
	Family      string
	Description string
	// Example is an expression, with " → " and its result behind it.
	Example string
}

// The pseudo-types of signatures. They never are the type of a value.
var (
	Any                   = types.Of(56)
	AnyElement            = types.Of(57)
	AnyArray              = types.Of(58)
	AnyNonArray           = types.Of(59)
	AnyCompatible         = types.Of(60)
	AnyCompatibleArray    = types.Of(61)
	AnyCompatibleNonArray = types.Of(62)
)

// Operator reports whether f is called by a symbol.
func (f *Function) Operator() bool { return IsOperatorName(f.Name) }

// IsOperatorName reports whether name is a symbol rather than a word.
func IsOperatorName(name string) bool {
	return name != "" && strings.IndexByte("+-*/<>=~!@#%^&|`?", name[0]) >= 0
}

// Signature returns f as name(type, type).
func (f *Function) Signature() string { return f.Name + "(" + typeList(f.Args) + ")" }

func typeList(ts []types.Type) string {
	var b strings.Builder
	for i, t := range ts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(TypeName(t))
	}
	return b.String()
}

// symbolWords gives operators the words their IDs begin with.
var symbolWords = map[string]string{
	"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "rem", "^": "pow", "|/": "opsqrt", "||/": "opcbrt",
	"@": "opabs", "&": "bitand", "|": "bitor", "#": "bitxor", "~": "match", "<<": "shl", ">>": "shr",
	"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "||": "cat",
	"~*": "imatch", "!~": "nmatch", "!~*": "nimatch", "~~": "like", "!~~": "nlike", "~~*": "ilike", "!~~*": "nilike",
	"->": "get", "->>": "gettext", "#>": "path", "#>>": "pathtext", "@>": "contains", "<@": "contained",
	"?": "exists", "?|": "existsany", "?&": "existsall", "#-": "delpath", "&&": "overlap", "^@": "prefixof",
	"~<~": "patlt", "~<=~": "patle", "~>~": "patgt", "~>=~": "patge",
}

// makeID derives the ID from the name and the argument types: add_int4_int4.
func makeID(name string, args []types.Type) string {
	word, ok := symbolWords[name]
	if !ok {
		word = name
	}
	for _, a := range args {
		word += "_" + shortName(a)
	}
	return word
}

// scalar makes a strict, immutable scalar function from a signature "int4,text->bool".
func scalar(name, sig string, k Kernel) *Function {
	args, ret := parseSig(sig)
	return &Function{ID: makeID(name, args), Name: name, Args: args, Ret: ret, Strict: true, Kernel: k}
}

// set makes a strict, immutable set-returning function.
func set(name, sig string, k SetKernel) *Function {
	f := scalar(name, sig, nil)
	f.Kind, f.SetKernel = Set, k
	return f
}

func (f *Function) nonStrict() *Function       { f.Strict = false; return f }
func (f *Function) stable() *Function          { f.Volatility = Stable; return f }
func (f *Function) volatile() *Function        { f.Volatility = Volatile; return f }
func (f *Function) variadic() *Function        { f.Variadic = true; return f }
func (f *Function) hidden() *Function          { f.Hidden = true; return f }
func (f *Function) defaults(n int) *Function   { f.Defaults = n; return f }
func (f *Function) withID(id string) *Function { f.ID = id; return f }

// parseSig reads "int4,int4->int4".
func parseSig(sig string) (args []types.Type, ret types.Type) {
	left, right, ok := strings.Cut(sig, "->")
	if !ok {
		panic("functions: bad signature " + sig)
	}
	if left != "" {
		for _, s := range strings.Split(left, ",") {
			args = append(args, mustType(s))
		}
	}
	return args, mustType(right)
}
