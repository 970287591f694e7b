package parser

import (
	"strings"

	"streamdb/sql/sqlerr"
)

// depthMax bounds the depth of a statement's tree. The C parser overflows its
// 8 MiB stack somewhere above 4,000 levels; the deepest real statement we know
// has 99.
const depthMax = 2500

// level counts what makes the tree deep between two brackets. Operators make a
// chain on whatever is below them, so a segment's depth is the number of its
// operators plus that of its deepest bracket:
//
//	a + (b * (c))   a segment with one operator over a bracket of depth 2
//
// A segment ends at a comma and at AND, OR, WHEN, THEN, ELSE, whose operands lie
// side by side. Joins and set operations make chains of their own that such
// words do not end.
type level struct {
	open    byte // '(' '[' or 'c' for CASE
	ops     int  // operators of the current segment
	inner   int  // deepest bracket of the current segment
	segment int  // deepest segment so far
	joins   int  // of the current query
	joinMax int  // most joins of a query so far
	sets    int  // set operations
}

func (l *level) endSegment() {
	l.segment = max(l.segment, l.ops+l.inner)
	l.ops, l.inner = 0, 0
}

func (l *level) endJoins() {
	l.joinMax = max(l.joinMax, l.joins)
	l.joins = 0
}

// depth bounds the depth of everything seen on this level. A join's or set
// operation's deepest operand may hang below the whole chain.
func (l *level) depth() int {
	return 1 + max(l.segment, l.ops+l.inner) + max(l.joinMax, l.joins) + l.sets
}

// chainWords add a level to the tree like an operator does.
var chainWords = map[string]bool{
	"is": true, "isnull": true, "notnull": true, "not": true, "in": true, "at": true, "collate": true, "like": true,
	"ilike": true, "between": true, "similar": true, "overlaps": true, "operator": true, "escape": true,
}

// guard counts the depth of one statement's tree from its tokens.
type guard struct {
	src    string
	levels []level
	prev   token
}

// checkDepth refuses a statement whose tree could be too deep for the C parser
// or for our own recursion, with 54001.
func checkDepth(src string, tokens []token) error {
	g := guard{src: src, levels: make([]level, 1, 16)}
	for _, t := range tokens {
		g.token(t)
		g.prev = t
		// The level's own depth is compared at each token, so that the place of
		// the error is the first excess.
		if len(g.levels) > depthMax || g.levels[len(g.levels)-1].depth() > depthMax {
			return tooDeep(t)
		}
	}
	for len(g.levels) > 1 {
		g.pop()
	}
	if g.levels[0].depth() > depthMax {
		return tooDeep(g.prev)
	}
	return nil
}

func tooDeep(t token) error {
	return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded").At(t.start).
		WithDetail("The statement nests deeper than %d levels.", depthMax).
		WithHint("Break the expression up, or use = ANY (array), VALUES or a table instead of long chains of operators.")
}

func (g *guard) top() *level { return &g.levels[len(g.levels)-1] }

func (g *guard) pop() {
	d := g.top().depth()
	g.levels = g.levels[:len(g.levels)-1]
	g.top().inner = max(g.top().inner, d)
}

// closeTo closes the innermost bracket of the given kind; CASEs left open in
// between were names, not brackets.
func (g *guard) closeTo(open byte) {
	for i := len(g.levels) - 1; i > 0; i-- {
		if g.levels[i].open == open {
			for len(g.levels) > i {
				g.pop()
			}
			return
		}
		if open == 'c' { // END closes only what is on top
			return
		}
	}
}

func (g *guard) token(t token) {
	switch t.kind {
	case tokOp:
		g.top().ops++
	case tokPunct:
		switch g.src[t.start] {
		case '(', '[':
			g.levels = append(g.levels, level{open: g.src[t.start]})
		case ')':
			g.closeTo('(')
		case ']':
			g.closeTo('[')
		case ',':
			g.top().endSegment()
			g.top().endJoins()
		case ';':
			g.top().endSegment()
			g.top().endJoins()
			g.top().segment = max(g.top().segment, g.top().depth())
			g.top().sets, g.top().joinMax = 0, 0
		}
	case tokIdent:
		g.word(t)
	}
}

// word counts a keyword. After a dot it is a column's name; counting it all the
// same would do no harm, but END must not close a CASE that goes on.
func (g *guard) word(t token) {
	n := t.end - t.start
	if n < 2 || n > 9 || g.prev.kind == tokPunct && g.src[g.prev.start] == '.' {
		return
	}
	l := g.top()
	switch w := strings.ToLower(g.src[t.start:t.end]); w {
	case "and", "or", "when", "then", "else":
		l.endSegment()
	case "case":
		g.levels = append(g.levels, level{open: 'c'})
	case "end":
		if g.prev.kind != tokIdent || !strings.EqualFold(g.src[g.prev.start:g.prev.end], "as") {
			g.closeTo('c')
		}
	case "join":
		l.joins++
	case "union", "intersect", "except":
		l.endSegment()
		l.endJoins()
		l.sets++
	default:
		if chainWords[w] {
			l.ops++
		}
	}
}
