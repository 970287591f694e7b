package parser

import (
	"slices"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// What joins in time have beside PostgreSQL's: ASOF before JOIN, MATCH_CONDITION (…)
// before ON, and FOR SYSTEM_TIME AS OF … behind a name. They are cut out, and found again
// by where they stood.

// asofNote is an ASOF that was cut out.
type asofNote struct {
	at    ast.Pos
	match ast.Expr // of MATCH_CONDITION, nil for none
}

// takeAsof takes ASOF out of ASOF [LEFT …] JOIN.
func (f *front) takeAsof() {
	f.notes.asofs = append(f.notes.asofs, &asofNote{at: f.pos()})
	f.blank(f.i, f.i+1)
}

// takeMatchCondition takes MATCH_CONDITION (condition), which belongs to the ASOF before.
func (f *front) takeMatchCondition() {
	last := f.matching(f.i + 1)
	if last < 0 || len(f.notes.asofs) == 0 {
		f.syntaxError()
		return
	}
	e, err := parseExprTokens(f.src, f.tokens[f.i+2:last])
	if err != nil {
		f.fail(err)
		return
	}
	f.notes.asofs[len(f.notes.asofs)-1].match = e
	f.blank(f.i, last+1)
	f.i = last
}

// takeSystemTime takes FOR SYSTEM_TIME AS OF expression behind a relation's name.
func (f *front) takeSystemTime() {
	const words = 4
	name := f.nameBefore(f.i)
	if name < 0 {
		f.fail(sqlerr.New(sqlerr.SyntaxError, "FOR SYSTEM_TIME AS OF must follow the name of a relation").At(f.peek().start))
		return
	}
	end := f.endOfTime(f.i + words)
	if end == f.i+words {
		f.i = end
		f.syntaxError()
		return
	}
	as := &ast.AsOf{Pos: f.pos()}
	tokens := f.tokens[f.i+words : end]
	if isProctime(f.src, tokens) {
		as.Proctime = true
	} else {
		e, err := parseExprTokens(f.src, tokens)
		if err != nil {
			f.fail(err)
			return
		}
		as.Time = e
	}
	if f.notes.asOf == nil {
		f.notes.asOf = map[ast.Pos]*ast.AsOf{}
	}
	f.notes.asOf[ast.Pos(f.tokens[name].start)] = as
	f.blank(f.i, end)
	f.i = end - 1
}

// isProctime tells whether tokens are PROCTIME().
func isProctime(src string, t []token) bool {
	return len(t) == 3 && isWord(src, t[0], "proctime") && src[t[1].start] == '(' && src[t[2].start] == ')'
}

// isName tells whether a token may be part of a name.
func (f *front) isName(t token) bool {
	return t.kind == tokQuoted || t.kind == tokIdent && !reserved[foldIdent(f.text(t))]
}

// nameBefore gives the first token of the name that ends before token i, perhaps with an
// alias between; -1 if there is none.
func (f *front) nameBefore(i int) int {
	dotted := func(i int) int {
		for i >= 2 && f.src[f.tokens[i-1].start] == '.' && f.isName(f.tokens[i-2]) {
			i -= 2
		}
		return i
	}
	at := i - 1
	if at < 0 || !f.isName(f.tokens[at]) {
		return -1
	}
	if at > 0 && isWord(f.src, f.tokens[at-1], "as") {
		at -= 2
	} else if at > 0 && f.isName(f.tokens[at-1]) && !joinWords[foldIdent(f.text(f.tokens[at-1]))] {
		at--
	}
	if at < 0 || !f.isName(f.tokens[at]) {
		return -1
	}
	return dotted(at)
}

// endOfTime gives the token behind the expression that begins at token i: what follows is
// an alias or the rest of the join.
func (f *front) endOfTime(i int) int {
	first, depth := i, 0
	for ; i < len(f.tokens); i++ {
		t := f.tokens[i]
		if t.kind == tokPunct {
			switch f.src[t.start] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			case ',', ';':
				if depth == 0 {
					depth = -1
				}
			}
		}
		if depth < 0 || depth == 0 && t.kind == tokIdent && endsTime[foldIdent(f.text(t))] {
			break
		}
	}
	return f.beforeAlias(first, i)
}

// endsTime is the words that end the expression of FOR SYSTEM_TIME AS OF.
var endsTime = map[string]bool{
	"as": true, "on": true, "using": true, "join": true, "left": true, "right": true, "inner": true, "full": true, "cross": true,
	"natural": true, "where": true, "group": true, "having": true, "order": true, "limit": true, "offset": true, "union": true,
	"intersect": true, "except": true, "emit": true, "window": true, "asof": true, "match_condition": true, "with": true, "for": true,
}

// timeUnits may follow the literal of an interval.
var timeUnits = []string{"year", "month", "day", "hour", "minute", "second"}

// beforeAlias takes an alias without AS, perhaps with columns, off the end of tokens
// [first, end): a name that follows something complete.
func (f *front) beforeAlias(first, end int) int {
	at := end - 1
	if at > first && f.src[f.tokens[at].start] == ')' {
		for at > first && f.src[f.tokens[at].start] != '(' {
			at--
		}
		at--
	}
	if at <= first || !f.isName(f.tokens[at]) {
		return end
	}
	prev := f.tokens[at-1]
	complete := prev.kind == tokString || prev.kind == tokQuoted || prev.kind == tokParam || prev.kind == tokInt ||
		prev.kind == tokPunct && f.src[prev.start] == ')' ||
		prev.kind == tokIdent && !reserved[foldIdent(f.text(prev))]
	if !complete || prev.kind == tokString && slices.Contains(timeUnits, foldIdent(f.text(f.tokens[at]))) {
		return end
	}
	return at
}

// asofOf takes the ASOF that stood in front of the join of l and r, nil for none. Joins
// within l have taken theirs before.
func (c *converter) asofOf(l, r ast.TableRef) *asofNote {
	for i, n := range c.notes.asofs {
		if int(n.at) > l.Loc() && int(n.at) < r.Loc() {
			c.notes.asofs = slices.Delete(slices.Clone(c.notes.asofs), i, i+1)
			return n
		}
	}
	return nil
}

// leftOver complains about what was cut out where it has no meaning.
func (c *converter) leftOver() {
	for _, n := range c.notes.asofs {
		c.unsupported("ASOF JOIN here", n.at)
	}
	if c.asOfs < len(c.notes.asOf) {
		for _, as := range c.notes.asOf {
			c.unsupported("FOR SYSTEM_TIME AS OF here", as.Pos)
		}
	}
}
