package functions

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func regexFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"text", "name", "bpchar"} {
		sig := t + ",text->bool"
		fs = append(fs, scalar("~", sig, regexMatchOp(false, false)), scalar("!~", sig, regexMatchOp(false, true)),
			scalar("~*", sig, regexMatchOp(true, false)), scalar("!~*", sig, regexMatchOp(true, true)))
	}
	return append(fs,
		scalar("regexp_like", "text,text->bool", regexpLike), scalar("regexp_like", "text,text,text->bool", regexpLike),
		scalar("regexp_match", "text,text->text[]", regexpMatch), scalar("regexp_match", "text,text,text->text[]", regexpMatch),
		scalar("regexp_replace", "text,text,text->text", regexpReplace),
		scalar("regexp_replace", "text,text,text,text->text", regexpReplace),
		scalar("regexp_replace", "text,text,text,int4->text", regexpReplaceN),
		scalar("regexp_replace", "text,text,text,int4,int4->text", regexpReplaceN),
		scalar("regexp_replace", "text,text,text,int4,int4,text->text", regexpReplaceN),
		scalar("regexp_count", "text,text->int4", regexpCount), scalar("regexp_count", "text,text,int4->int4", regexpCount),
		scalar("regexp_count", "text,text,int4,text->int4", regexpCount),
		scalar("regexp_substr", "text,text->text", regexpSubstr), scalar("regexp_substr", "text,text,int4->text", regexpSubstr),
		scalar("regexp_substr", "text,text,int4,int4->text", regexpSubstr),
		scalar("regexp_substr", "text,text,int4,int4,text->text", regexpSubstr),
		scalar("regexp_substr", "text,text,int4,int4,text,int4->text", regexpSubstr),
		scalar("regexp_instr", "text,text->int4", regexpInstr), scalar("regexp_instr", "text,text,int4->int4", regexpInstr),
		scalar("regexp_instr", "text,text,int4,int4->int4", regexpInstr),
		scalar("regexp_instr", "text,text,int4,int4,int4->int4", regexpInstr),
		scalar("regexp_instr", "text,text,int4,int4,int4,text->int4", regexpInstr),
		scalar("regexp_instr", "text,text,int4,int4,int4,text,int4->int4", regexpInstr),
		scalar("regexp_split_to_array", "text,text->text[]", regexpSplitArray),
		scalar("regexp_split_to_array", "text,text,text->text[]", regexpSplitArray),
		set("regexp_split_to_table", "text,text->text", regexpSplitTable),
		set("regexp_split_to_table", "text,text,text->text", regexpSplitTable),
		set("regexp_matches", "text,text->text[]", regexpMatches), set("regexp_matches", "text,text,text->text[]", regexpMatches),
		scalar("substring", "text,text->text", substringRegex),
		scalar("substring", "text,text,text->text", substringSimilar),
		scalar("similar_to_escape", "text->text", similarToEscape), scalar("similar_to_escape", "text,text->text", similarToEscape),
	)
}

// regexCacheMax is how many patterns a place of call keeps compiled.
const regexCacheMax = 64

type regexKey struct{ pat, flags string }

// regexCache keeps the compiled patterns of a place of call.
type regexCache struct {
	last   regexKey
	lastRE *compiledRegex
	m      map[regexKey]*compiledRegex
}

type compiledRegex struct {
	re      *regexp.Regexp
	flags   regexFlags
	literal regexLiteral // of re
	err     error
}

// regex compiles a pattern with the flags of a function's argument.
func (c *Call) regex(pat, flags []byte) (*compiledRegex, error) {
	st, _ := c.State.(*regexCache)
	if st == nil {
		st = &regexCache{m: map[regexKey]*compiledRegex{}}
		c.State = st
	}
	if st.lastRE != nil && string(pat) == st.last.pat && string(flags) == st.last.flags {
		return st.lastRE, st.lastRE.err
	}
	k := regexKey{string(pat), string(flags)}
	r := st.m[k]
	if r == nil {
		r = newRegex(k)
		similar := c.Fn.Name == "substring" && len(c.Fn.Args) == 3 // anchored at both ends, and of our own making
		if r.err == nil && r.flags.greedy && r.flags.nonGreedy && c.Fn.Ret != types.Bool && !similar {
			// PostgreSQL decides how far a match extends for the pattern as a whole. That there is one is the same.
			r.err = regexUnsupported("mixing greedy and non-greedy quantifiers")
		}
		if len(st.m) >= regexCacheMax {
			clear(st.m)
		}
		st.m[k] = r
	}
	st.last, st.lastRE = k, r
	return r, r.err
}

func newRegex(k regexKey) *compiledRegex {
	r := &compiledRegex{}
	for i := 0; i < len(k.flags); i++ {
		if k.flags[i] == 'g' {
			r.flags.global = true
		} else if !r.flags.setOption(k.flags[i]) {
			_, w := utf8.DecodeRuneInString(k.flags[i:])
			r.err = sqlerr.New(sqlerr.InvalidParameterValue, "invalid regular expression option: \"%s\"", k.flags[i:i+w])
			return r
		}
	}
	if r.re, r.err = compileARE(k.pat, &r.flags); r.err == nil {
		r.literal = literalOf(r.re)
	}
	return r
}

func regexMatchOp(fold, neg bool) Kernel {
	var flags []byte
	if fold {
		flags = []byte("i")
	}
	return func(c *Call) {
		a, b := c.strs(0), c.strs(1)
		each(c, c.Out.Bools, func(i int) (bool, error) {
			r, err := c.regex(b.at(i), flags)
			if err != nil {
				return false, err
			}
			return r.match(a.at(i)) != neg, nil
		})
	}
}

// optText reads an optional text argument; it is empty where there is none.
func (c *Call) optText(arg int) func(i int) []byte {
	if arg < len(c.Args) {
		return c.strs(arg).at
	}
	return func(int) []byte { return nil }
}

// optInt reads an optional integer argument with a default.
func (c *Call) optInt(arg int, def int64) func(i int) int64 {
	if arg < len(c.Args) {
		return c.ints(arg).at
	}
	return func(int) int64 { return def }
}

func noGlobal(c *Call, r *compiledRegex) error {
	if !r.flags.global {
		return nil
	}
	e := sqlerr.New(sqlerr.InvalidParameterValue, "%s() does not support the \"global\" option", c.Fn.Name)
	if c.Fn.Name == "regexp_match" {
		e = e.WithHint("Use the regexp_matches function instead.")
	}
	return e
}

// compiled compiles row i's pattern and refuses the g flag.
func (c *Call) compiled(pat, flags []byte) (*compiledRegex, error) {
	r, err := c.regex(pat, flags)
	if err != nil {
		return nil, err
	}
	return r, noGlobal(c, r)
}

func regexpLike(c *Call) {
	a, b, f := c.strs(0), c.strs(1), c.optText(2)
	each(c, c.Out.Bools, func(i int) (bool, error) {
		r, err := c.compiled(b.at(i), f(i))
		if err != nil {
			return false, err
		}
		return r.match(a.at(i)), nil
	})
}

// addGroups adds the groups of a match, or the whole match if there are none.
func addGroups(b *types.ArrayBuilder, s []byte, m []int) {
	if len(m) == 2 {
		b.AddBytes(s[m[0]:m[1]])
		return
	}
	for g := 2; g < len(m); g += 2 {
		if m[g] < 0 {
			b.AddNull()
		} else {
			b.AddBytes(s[m[g]:m[g+1]])
		}
	}
}

var textArray = types.ArrayOf(types.Text)

func regexpMatch(c *Call) {
	a, b, f := c.strs(0), c.strs(1), c.optText(2)
	ab := types.NewArrayBuilder(textArray)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		r, err := c.compiled(b.at(i), f(i))
		if err != nil {
			return nil, err
		}
		s := a.at(i)
		m := r.find(s)
		if m == nil {
			c.SetNull(i)
			return dst, nil
		}
		ab.Reset()
		addGroups(ab, s, m)
		return ab.AppendTo(dst), nil
	})
}

func regexpMatches(c *Call, counts []int32) {
	a, b, f := c.strs(0), c.strs(1), c.optText(2)
	ab := types.NewArrayBuilder(textArray)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		r, err := c.regex(b.at(i), f(i))
		if err != nil {
			c.Fail(i, err)
			continue
		}
		n := 1
		if r.flags.global {
			n = -1
		}
		s := a.at(i)
		for _, m := range findAll(r.re, s, n) {
			ab.Reset()
			addGroups(ab, s, m)
			c.Out.AppendBytes(ab.AppendTo(nil))
			counts[i]++
		}
	}
}

// findAll lists up to n matches (all for n < 0). Unlike Go's, an empty match may stand
// right behind another match, as in PostgreSQL.
func findAll(re *regexp.Regexp, s []byte, n int) [][]int {
	if n == 1 {
		if m := re.FindSubmatchIndex(s); m != nil {
			return [][]int{m}
		}
		return nil
	}
	ms := re.FindAllSubmatchIndex(s, -1)
	if empty := re.FindSubmatchIndex(nil); empty != nil {
		ms = addEmpty(ms, empty)
	}
	if n > 0 && len(ms) > n {
		ms = ms[:n]
	}
	return ms
}

// addEmpty adds the empty match behind each match that nothing follows at once.
func addEmpty(ms [][]int, empty []int) [][]int {
	var out [][]int
	for k, m := range ms {
		out = append(out, m)
		if m[0] == m[1] || k+1 < len(ms) && ms[k+1][0] == m[1] {
			continue
		}
		e := make([]int, len(empty))
		for g, at := range empty {
			if e[g] = -1; at >= 0 {
				e[g] = m[1]
			}
		}
		out = append(out, e)
	}
	return out
}

// appendReplacement expands \1 … \9, \& and \\.
func appendReplacement(dst, with, s []byte, m []int) []byte {
	for k := 0; k < len(with); k++ {
		if with[k] != '\\' || k+1 == len(with) {
			dst = append(dst, with[k])
			continue
		}
		k++
		g := -1
		switch b := with[k]; {
		case b == '&':
			g = 0
		case b >= '1' && b <= '9':
			g = int(b - '0')
		case b == '\\':
			dst = append(dst, '\\')
			continue
		default:
			dst = append(dst, '\\', b)
			continue
		}
		if 2*g+1 < len(m) && m[2*g] >= 0 {
			dst = append(dst, s[m[2*g]:m[2*g+1]]...)
		}
	}
	return dst
}

// replaceMatches replaces the nth match behind offset from, or all for n 0.
func replaceMatches(dst []byte, re *regexp.Regexp, s, with []byte, from int, n int64) []byte {
	limit := -1
	if n > 0 {
		limit = int(n)
	}
	at := 0
	for k, m := range findAll(re, s[from:], limit) {
		if n > 0 && int64(k+1) != n {
			continue
		}
		dst = append(dst, s[at:from+m[0]]...)
		dst = appendReplacement(dst, with, s[from:], m)
		at = from + m[1]
	}
	return append(dst, s[at:]...)
}

func regexpReplace(c *Call) {
	a, b, w, f := c.strs(0), c.strs(1), c.strs(2), c.optText(3)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		flags := f(i)
		if len(flags) > 0 && flags[0] >= '0' && flags[0] <= '9' {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", flags[0]).
				WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
		}
		r, err := c.regex(b.at(i), flags)
		if err != nil {
			return nil, err
		}
		n := int64(1)
		if r.flags.global {
			n = 0
		}
		return replaceMatches(dst, r.re, a.at(i), w.at(i), 0, n), nil
	})
}

func badParameter(name string, v int64) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"%s\": %d", name, v)
}

func regexpReplaceN(c *Call) {
	a, b, w := c.strs(0), c.strs(1), c.strs(2)
	start, nth, f := c.ints(3), c.optInt(4, 1), c.optText(5)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if start.at(i) <= 0 {
			return nil, badParameter("start", start.at(i))
		}
		if nth(i) < 0 {
			return nil, badParameter("n", nth(i))
		}
		r, err := c.regex(b.at(i), f(i))
		if err != nil {
			return nil, err
		}
		n := nth(i)
		if len(c.Args) <= 4 && r.flags.global {
			n = 0
		}
		s := a.at(i)
		return replaceMatches(dst, r.re, s, w.at(i), runeOffset(s, start.at(i)-1), n), nil
	})
}

func regexpCount(c *Call) {
	a, b, start, f := c.strs(0), c.strs(1), c.optInt(2, 1), c.optText(3)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		if start(i) <= 0 {
			return 0, badParameter("start", start(i))
		}
		r, err := c.compiled(b.at(i), f(i))
		if err != nil {
			return 0, err
		}
		s := a.at(i)
		return int64(len(findAll(r.re, s[runeOffset(s, start(i)-1):], -1))), nil
	})
}

// nthMatch finds match n from character start on; sub selects a group.
func (c *Call) nthMatch(i int, s, pat, flags []byte, start, n, sub int64) (lo, hi int, ok bool, err error) {
	switch {
	case start <= 0:
		return 0, 0, false, badParameter("start", start)
	case n <= 0:
		return 0, 0, false, badParameter("n", n)
	case sub < 0:
		return 0, 0, false, badParameter("subexpr", sub)
	}
	r, err := c.compiled(pat, flags)
	if err != nil {
		return 0, 0, false, err
	}
	from := runeOffset(s, start-1)
	ms := findAll(r.re, s[from:], int(n))
	if int64(len(ms)) < n {
		return 0, 0, false, nil
	}
	m := ms[n-1]
	if 2*sub+1 >= int64(len(m)) || m[2*sub] < 0 {
		return 0, 0, false, nil
	}
	return from + m[2*sub], from + m[2*sub+1], true, nil
}

func regexpSubstr(c *Call) {
	a, b, start, n, f, sub := c.strs(0), c.strs(1), c.optInt(2, 1), c.optInt(3, 1), c.optText(4), c.optInt(5, 0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s := a.at(i)
		lo, hi, ok, err := c.nthMatch(i, s, b.at(i), f(i), start(i), n(i), sub(i))
		if err != nil {
			return nil, err
		}
		if !ok {
			c.SetNull(i)
			return dst, nil
		}
		return append(dst, s[lo:hi]...), nil
	})
}

func regexpInstr(c *Call) {
	a, b, start, n := c.strs(0), c.strs(1), c.optInt(2, 1), c.optInt(3, 1)
	end, f, sub := c.optInt(4, 0), c.optText(5), c.optInt(6, 0)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		if e := end(i); e != 0 && e != 1 {
			return 0, badParameter("endoption", e)
		}
		s := a.at(i)
		lo, hi, ok, err := c.nthMatch(i, s, b.at(i), f(i), start(i), n(i), sub(i))
		if err != nil || !ok {
			return 0, err
		}
		if end(i) == 1 {
			lo = hi
		}
		return int64(utf8.RuneCount(s[:lo])) + 1, nil
	})
}

// splitRegex calls f for each piece of s between matches. An empty match at the
// start, at the end or right behind another match does not split.
func splitRegex(re *regexp.Regexp, s []byte, f func(piece []byte)) {
	at := 0
	for _, m := range re.FindAllIndex(s, -1) {
		if m[0] == m[1] && (m[0] == 0 || m[0] == len(s) || m[0] == at) {
			continue
		}
		f(s[at:m[0]])
		at = m[1]
	}
	f(s[at:])
}

func regexpSplitArray(c *Call) {
	a, b, f := c.strs(0), c.strs(1), c.optText(2)
	ab := types.NewArrayBuilder(textArray)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		r, err := c.compiled(b.at(i), f(i))
		if err != nil {
			return nil, err
		}
		ab.Reset()
		splitRegex(r.re, a.at(i), ab.AddBytes)
		return ab.AppendTo(dst), nil
	})
}

func regexpSplitTable(c *Call, counts []int32) {
	a, b, f := c.strs(0), c.strs(1), c.optText(2)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		r, err := c.compiled(b.at(i), f(i))
		if err != nil {
			c.Fail(i, err)
			continue
		}
		splitRegex(r.re, a.at(i), func(p []byte) { c.Out.AppendBytes(p); counts[i]++ })
	}
}

// substringRegex is SUBSTRING(s FROM pattern): the first group, or the whole match.
func substringRegex(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		r, err := c.regex(b.at(i), nil)
		if err != nil {
			return nil, err
		}
		return appendFirstGroup(c, i, dst, r, a.at(i)), nil
	})
}

func appendFirstGroup(c *Call, i int, dst []byte, r *compiledRegex, s []byte) []byte {
	m := r.find(s)
	g := 0
	if len(m) > 2 {
		g = 2
	}
	if m == nil || m[g] < 0 {
		c.SetNull(i)
		return dst
	}
	return append(dst, s[m[g]:m[g+1]]...)
}

// substringSimilar is SUBSTRING(s SIMILAR pattern ESCAPE e).
func substringSimilar(c *Call) {
	a, b, e := c.strs(0), c.strs(1), c.strs(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		pat, err := similarToARE(string(b.at(i)), string(e.at(i)))
		if err != nil {
			return nil, err
		}
		r, err := c.regex([]byte(pat), nil)
		if err != nil {
			return nil, err
		}
		return appendFirstGroup(c, i, dst, r, a.at(i)), nil
	})
}

// similarToEscape turns a SIMILAR TO pattern into a regular expression.
func similarToEscape(c *Call) {
	a := c.strs(0)
	esc := func(int) []byte { return []byte{'\\'} }
	if len(c.Args) > 1 {
		esc = c.strs(1).at
	}
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		pat, err := similarToARE(string(a.at(i)), string(esc(i)))
		return append(dst, pat...), err
	})
}

// similarToARE is SQL's own pattern language in terms of the other one: % and _ are
// wildcards, the escaped double quotes cut the pattern in three parts of which the
// middle one is what SUBSTRING returns.
func similarToARE(pat, esc string) (string, error) {
	if utf8.RuneCountInString(esc) > 1 {
		return "", errEscapeString
	}
	var b strings.Builder
	b.WriteString("^(?:")
	after, inBracket, quotes := false, false, 0
	for _, r := range pat {
		ch := string(r)
		switch {
		case after:
			if r == '"' && !inBracket {
				switch quotes {
				case 0:
					b.WriteString("){1,1}?(")
				case 1:
					b.WriteString("){1,1}(?:")
				default:
					return "", sqlerr.New(sqlerr.InvalidUseOfEscape, "SQL regular expression may not contain more than two escape-double-quote separators")
				}
				quotes++
			} else {
				b.WriteString("\\" + ch)
			}
			after = false
		case ch == esc:
			after = true
		case inBracket:
			if r == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			inBracket = r != ']'
		case r == '[':
			b.WriteRune(r)
			inBracket = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteByte('.')
		case r == '(':
			b.WriteString("(?:")
		case strings.ContainsRune(`\.^$`, r):
			b.WriteString("\\" + ch)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString(")$")
	return b.String(), nil
}
