package parser

import "streamdb/sql/ast"

// windowTable looks at TABLE: TABLE(TUMBLE(...)) loses its wrapping, and TABLE t
// as a windowing function's argument the word.
func (f *front) windowTable() {
	opens := func(n int) bool { t := f.peekAt(n); return t.kind == tokPunct && f.src[t.start] == '(' }
	switch {
	case opens(1) && isWindowWord(f.src, f.peekAt(2)) && opens(3):
		if last := f.matching(f.i + 1); last > 0 {
			f.blank(f.i, f.i+2)
			f.blank(last, last+1)
		}
	case f.tableArgument():
		f.takeTableArgument()
	}
}

// pluralUnit takes the s off INTERVAL '10' MINUTES, as Flink's books write it, in
// the arguments of a windowing function. Elsewhere MINUTES is an alias.
func (f *front) pluralUnit(t token) {
	word := foldIdent(f.text(t))
	if !isWord(f.src, f.peekAt(-2), "interval") || !pluralUnits[word] {
		return
	}
	depth := 0
	for i := f.i - 1; i > 0; i-- {
		if f.tokens[i].kind != tokPunct {
			continue
		}
		switch f.src[f.tokens[i].start] {
		case ')':
			depth++
		case '(':
			depth--
		}
		if depth < 0 {
			if isWindowWord(f.src, f.tokens[i-1]) {
				f.replace(f.i, word[:len(word)-1])
			}
			return
		}
	}
}

var pluralUnits = map[string]bool{
	"seconds": true, "minutes": true, "hours": true, "days": true, "months": true, "years": true,
}

// isWindowWord tells whether a token names a windowing function.
func isWindowWord(src string, t token) bool {
	return isWord(src, t, "tumble") || isWord(src, t, "hop") || isWord(src, t, "session") || isWord(src, t, "cumulate")
}

// tableArgument tells whether the current TABLE is the first argument of a
// windowing function, perhaps behind DATA =>.
func (f *front) tableArgument() bool {
	back := 1
	if f.peekAt(-1).kind == tokOp && f.text(f.peekAt(-1)) == "=>" && isWord(f.src, f.peekAt(-2), "data") {
		back = 3
	}
	prev := f.peekAt(-back)
	return prev.kind == tokPunct && f.src[prev.start] == '(' && isWindowWord(f.src, f.peekAt(-back-1)) &&
		f.peekAt(1).kind != tokPunct
}

// takeTableArgument blanks TABLE and takes a PARTITION BY that follows the name.
func (f *front) takeTableArgument() {
	f.blank(f.i, f.i+1)
	i := f.i + 1
	if i >= len(f.tokens) {
		return
	}
	nameAt := ast.Pos(f.tokens[i].start)
	for i < len(f.tokens) && (f.tokens[i].kind == tokIdent || f.tokens[i].kind == tokQuoted || f.src[f.tokens[i].start] == '.') {
		if isWord(f.src, f.tokens[i], "partition") {
			break
		}
		i++
	}
	if i+1 >= len(f.tokens) || !isWord(f.src, f.tokens[i], "partition") || !isWord(f.src, f.tokens[i+1], "by") {
		return
	}
	f.partitionBy(nameAt, i)
}

// seesPartition finds the place of the relation in SESSION(relation PARTITION BY …): a
// name or a subquery.
func (f *front) seesPartition() (at ast.Pos, ok bool) {
	if !f.sees("partition", "by") || f.i < 3 {
		return 0, false
	}
	i := f.i - 1
	if f.src[f.tokens[i].start] == ')' && f.tokens[i].kind == tokPunct {
		for depth := 0; i >= 0; i-- {
			if f.tokens[i].kind != tokPunct {
				continue
			}
			if c := f.src[f.tokens[i].start]; c == ')' {
				depth++
			} else if c == '(' {
				depth--
			}
			if depth == 0 {
				break
			}
		}
	} else {
		for i > 1 && f.tokens[i-1].kind == tokPunct && f.src[f.tokens[i-1].start] == '.' {
			i -= 2
		}
	}
	back := i - 1
	if back > 2 && f.tokens[back].kind == tokOp && f.text(f.tokens[back]) == "=>" && isWord(f.src, f.tokens[back-1], "data") {
		back -= 2
	}
	if back < 1 || f.tokens[back].kind != tokPunct || f.src[f.tokens[back].start] != '(' || !isWindowWord(f.src, f.tokens[back-1]) {
		return 0, false
	}
	return ast.Pos(f.tokens[i].start), true
}

// partitionBy takes PARTITION BY at token i. Its columns are separated by commas
// like the arguments around them: the time, which may say DESCRIPTOR, and the gap follow.
func (f *front) partitionBy(nameAt ast.Pos, i int) {
	var items [][2]int // token ranges
	described := -1
	j := i + 2
	for {
		first := j
		if first < len(f.tokens) && described < 0 && (isWord(f.src, f.tokens[first], "descriptor") || isWord(f.src, f.tokens[first], "timecol")) {
			described = len(items)
		}
		j = f.itemEnd(j)
		if first == j {
			f.i = j
			f.syntaxError()
			return
		}
		items = append(items, [2]int{first, j})
		if j >= len(f.tokens) || f.src[f.tokens[j].start] == ')' {
			break
		}
		j++
	}
	n := described
	if n < 0 {
		n = len(items) - 2
	}
	if n < 1 {
		f.i = j
		f.syntaxError()
		return
	}
	var keys []ast.Expr
	for _, it := range items[:n] {
		key, err := parseExprTokens(f.src, f.tokens[it[0]:it[1]])
		if err != nil {
			f.fail(err)
			return
		}
		keys = append(keys, key)
	}
	f.blank(i, items[n-1][1])
	if f.notes.partitionBy == nil {
		f.notes.partitionBy = map[ast.Pos][]ast.Expr{}
	}
	f.notes.partitionBy[nameAt] = keys
}

// itemEnd passes one item of a list that begins at token j: it gives the comma or
// parenthesis behind it.
func (f *front) itemEnd(j int) int {
	for depth := 0; j < len(f.tokens); j++ {
		c := f.src[f.tokens[j].start]
		punct := f.tokens[j].kind == tokPunct
		if depth == 0 && punct && (c == ',' || c == ')') {
			break
		}
		if punct && c == '(' {
			depth++
		} else if punct && c == ')' {
			depth--
		}
	}
	return j
}
