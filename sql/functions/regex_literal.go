package functions

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// regexLiteral is text that every match of a pattern holds, at most before bytes behind
// its start. Go's engine costs some 20 ns a byte where a pattern begins with a choice;
// looking for the text first costs less than one, and most rows hold it once or not at
// all.
type regexLiteral struct {
	text   []byte
	before int
}

// literalBefore bounds the bytes in front of a literal that is of use.
const literalBefore = 64

// literalOf finds such text in a compiled pattern; text is nil if there is none.
func literalOf(re *regexp.Regexp) regexLiteral {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return regexLiteral{}
	}
	tree = tree.Simplify()
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	before := 0
	for _, p := range parts {
		for p.Op == syntax.OpCapture {
			p = p.Sub[0]
		}
		if p.Op == syntax.OpLiteral && p.Flags&syntax.FoldCase == 0 && len(p.Rune) > 1 {
			return regexLiteral{[]byte(string(p.Rune)), before}
		}
		n := widest(p)
		if n < 0 || before+n > literalBefore {
			return regexLiteral{}
		}
		before += n
	}
	return regexLiteral{}
}

// widest returns how many bytes a match of a pattern has at most, -1 if nobody knows.
func widest(p *syntax.Regexp) int {
	switch p.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return 0
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpLiteral:
		return utf8.UTFMax * len(p.Rune)
	case syntax.OpCapture, syntax.OpQuest:
		return widest(p.Sub[0])
	case syntax.OpConcat, syntax.OpAlternate:
		total, most := 0, 0
		for _, s := range p.Sub {
			n := widest(s)
			if n < 0 {
				return -1
			}
			total, most = total+n, max(most, n)
		}
		if p.Op == syntax.OpAlternate {
			return most
		}
		return total
	}
	return -1
}

// window returns from where on s has to be searched, and whether it may match at all. No
// match starts at the first character behind a cut, so that what looks back from there,
// such as ^ and \b, sees what it would have seen in the whole text.
func (l *regexLiteral) window(s []byte) (from int, possible bool) {
	if l.text == nil {
		return 0, true
	}
	at := bytes.Index(s, l.text)
	if at < 0 {
		return 0, false
	}
	if from = at - l.before - 1; from <= 0 {
		return 0, true
	}
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	return from, true
}

// find is FindSubmatchIndex.
func (r *compiledRegex) find(s []byte) []int {
	from, possible := r.literal.window(s)
	if !possible {
		return nil
	}
	m := r.re.FindSubmatchIndex(s[from:])
	for i := range m {
		if m[i] >= 0 {
			m[i] += from
		}
	}
	return m
}

// match is Match.
func (r *compiledRegex) match(s []byte) bool {
	from, possible := r.literal.window(s)
	return possible && r.re.Match(s[from:])
}
