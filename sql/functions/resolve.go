package functions

import (
	"slices"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// candidate is a function with its arguments written out for a number of arguments.
type candidate struct {
	fn   *Function
	args []types.Type
}

// Resolve finds the function (or the operator, when name is a symbol) that PostgreSQL
// would call for arguments of the given types; types.Unknown stands for a literal
// without a type. It returns the types the arguments are to be cast to and the
// result type. Errors carry no position.
func Resolve(name string, args []types.Type) (*Function, []types.Type, types.Type, error) {
	if IsOperatorName(name) {
		return resolveOperator(name, args)
	}
	all := candidates(name, len(args))
	if c := exactMatch(all, args); c != nil {
		return bind(c, args)
	}
	if f, to, ok := typeNamedCast(name, args); ok {
		return f, args, to, nil
	}
	list := matching(all, args)
	if len(list) == 0 {
		return nil, nil, types.Type{}, noFunction(name, args)
	}
	c := selectCandidate(list, args)
	if c == nil {
		return nil, nil, types.Type{}, sqlerr.New(sqlerr.AmbiguousFunction, "function %s(%s) is not unique", name, typeList(args)).
			WithHint("Could not choose a best candidate function. You might need to add explicit type casts.")
	}
	return bind(c, args)
}

func noFunction(name string, args []types.Type) error {
	if err := missingFunction(name); err != nil {
		return err
	}
	return sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", name, typeList(args)).
		WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

// candidates writes out the functions called name for n arguments.
func candidates(name string, n int) []candidate {
	var cs []candidate
	for _, f := range ByName(name) {
		m := len(f.Args)
		switch {
		case f.Variadic && n >= m:
			as := slices.Clone(f.Args)
			for len(as) < n {
				as = append(as, f.Args[m-1])
			}
			cs = append(cs, candidate{f, as})
		case !f.Variadic && n <= m && n >= m-f.Defaults:
			cs = append(cs, candidate{f, f.Args[:n]})
		}
	}
	return cs
}

func exactMatch(cs []candidate, args []types.Type) *candidate {
	for i := range cs {
		same := true
		for j, a := range args {
			same = same && sameBase(cs[i].args[j], a)
		}
		if same {
			return &cs[i]
		}
	}
	return nil
}

func sameBase(a, b types.Type) bool { return a.Kind == b.Kind && a.Elem == b.Elem }

// typeNamedCast is the call syntax of casts: text(x), int8('1').
func typeNamedCast(name string, args []types.Type) (*Function, types.Type, bool) {
	e, ok := entryByShort[name]
	if len(args) != 1 || !ok || isPseudo(e.kind) {
		return nil, types.Type{}, false
	}
	to := types.Of(e.kind)
	from := args[0]
	if from.Kind == types.KindUnknown {
		from = types.Text
	}
	id, ok := FindCast(from, to, Explicit)
	if !ok {
		return nil, types.Type{}, false
	}
	if id == "" {
		id = relabelID
	}
	return ByID(id), to, true
}

// matching keeps the candidates whose arguments can be cast implicitly.
func matching(cs []candidate, args []types.Type) []candidate {
	var out []candidate
	for _, c := range cs {
		if canCoerceAll(args, c.args) {
			out = append(out, c)
		}
	}
	return out
}

func canCoerceAll(args, to []types.Type) bool {
	poly := false
	for i, a := range args {
		if isPseudo(to[i].Kind) {
			poly = true
			continue
		}
		if !canCoerce(a, to[i]) {
			return false
		}
	}
	if !poly {
		return true
	}
	_, err := unify(to, args)
	return err == nil
}

// canCoerce reports whether a cast from a to b is implicit (or none is needed).
func canCoerce(a, b types.Type) bool {
	if a.Kind == types.KindUnknown || sameBase(a, b) {
		return true
	}
	_, ok := FindCast(a, b, Implicit)
	return ok
}

// resolveOperator follows PostgreSQL's oper(): an unknown operand first is taken to
// have the other one's type.
func resolveOperator(name string, args []types.Type) (*Function, []types.Type, types.Type, error) {
	if name == "!=" {
		name = "<>"
	}
	all := candidates(name, len(args))
	try := slices.Clone(args)
	if len(args) == 2 {
		if try[0].Kind == types.KindUnknown {
			try[0] = try[1]
		} else if try[1].Kind == types.KindUnknown {
			try[1] = try[0]
		}
	}
	if c := exactMatch(all, try); c != nil {
		return bind(c, args)
	}
	list := matching(all, args)
	var c *candidate
	if len(list) > 0 {
		c = selectCandidate(list, args)
	}
	if c != nil {
		return bind(c, args)
	}
	if err := missingOperator(name); err != nil {
		return nil, nil, types.Type{}, err
	}
	text := operatorText(name, args)
	if len(list) > 0 {
		return nil, nil, types.Type{}, sqlerr.New(sqlerr.AmbiguousFunction, "operator is not unique: %s", text).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.")
	}
	hint := "No operator matches the given name and argument types. You might need to add explicit type casts."
	if len(args) == 1 {
		hint = "No operator matches the given name and argument type. You might need to add an explicit type cast."
	}
	return nil, nil, types.Type{}, sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s", text).WithHint("%s", hint)
}

func operatorText(name string, args []types.Type) string {
	if len(args) == 1 {
		return name + " " + TypeName(args[0])
	}
	return TypeName(args[0]) + " " + name + " " + TypeName(args[1])
}

// selectCandidate is PostgreSQL's func_select_candidate; nil means that it cannot decide.
func selectCandidate(cs []candidate, args []types.Type) *candidate {
	if len(cs) == 1 {
		return &cs[0]
	}
	cs = best(cs, func(c candidate) int { return countMatches(c, args, false) })
	if len(cs) > 1 {
		cs = best(cs, func(c candidate) int { return countMatches(c, args, true) })
	}
	if len(cs) == 1 {
		return &cs[0]
	}
	unknowns := 0
	for _, a := range args {
		if a.Kind == types.KindUnknown {
			unknowns++
		}
	}
	if unknowns == 0 {
		return nil
	}
	cs = byUnknownCategory(cs, args)
	if len(cs) == 1 {
		return &cs[0]
	}
	return byKnownType(cs, args, unknowns)
}

// countMatches counts the arguments that match exactly or, when preferred is set, are
// turned into the preferred type of their category.
func countMatches(c candidate, args []types.Type, preferred bool) int {
	n := 0
	for i, a := range args {
		if a.Kind == types.KindUnknown {
			continue
		}
		if sameBase(a, c.args[i]) || preferred && isPreferred(c.args[i]) && category(c.args[i]) == category(a) {
			n++
		}
	}
	return n
}

func best(cs []candidate, score func(candidate) int) []candidate {
	top := -1
	var out []candidate
	for _, c := range cs {
		s := score(c)
		if s > top {
			top, out = s, out[:0:0]
		}
		if s == top {
			out = append(out, c)
		}
	}
	return out
}

// byUnknownCategory guesses the category of each unknown argument from what the
// candidates take there, string winning, and drops candidates of others.
func byUnknownCategory(cs []candidate, args []types.Type) []candidate {
	keep := slices.Clone(cs)
	for i, a := range args {
		if a.Kind != types.KindUnknown {
			continue
		}
		cat, pref, conflict := byte(0), false, false
		for _, c := range cs {
			k, p := category(c.args[i]), isPreferred(c.args[i])
			switch {
			case cat == 0:
				cat, pref = k, p
			case k == cat:
				pref = pref || p
			case k == 'S':
				cat, pref = k, p
			default:
				conflict = true
			}
		}
		if conflict && cat != 'S' {
			return cs
		}
		keep = slices.DeleteFunc(keep, func(c candidate) bool {
			return category(c.args[i]) != cat || pref && !isPreferred(c.args[i])
		})
	}
	if len(keep) == 0 {
		return cs
	}
	return keep
}

// byKnownType takes unknown arguments to have the type of the known ones, if that is one.
func byKnownType(cs []candidate, args []types.Type, unknowns int) *candidate {
	if unknowns == len(args) {
		return nil
	}
	known := types.Unknown
	for _, a := range args {
		switch {
		case a.Kind == types.KindUnknown:
		case known.Kind == types.KindUnknown:
			known = a
		case !sameBase(known, a):
			return nil
		}
	}
	all := make([]types.Type, len(args))
	for i := range all {
		all[i] = known
	}
	cs = matching(cs, all)
	if len(cs) == 1 {
		return &cs[0]
	}
	return nil
}

// bind settles the argument and result types of the chosen candidate.
func bind(c *candidate, args []types.Type) (*Function, []types.Type, types.Type, error) {
	to, err := unify(c.args, args)
	if err != nil {
		return nil, nil, types.Type{}, err
	}
	f := c.fn
	if f.Result != nil {
		return f, to, f.Result(to), nil
	}
	ret := f.Ret
	if isPseudo(ret.Kind) {
		ret, err = polymorphicResult(ret, c.args, to)
		if err != nil {
			return nil, nil, types.Type{}, err
		}
	}
	return f, to, ret, nil
}
