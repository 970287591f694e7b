package parser

import "strings"

// piece is one statement of a text.
type piece struct {
	// tokens are the statement's, without the semicolon; at least one.
	tokens []token
	// end is where its text ends for the grammar: behind the semicolon, or the
	// end of the text, so that "at end of input" points where PostgreSQL's does.
	end int
}

func (p piece) start() int { return p.tokens[0].start }

// textEnd is where the statement's last token ends.
func (p piece) textEnd() int { return p.tokens[len(p.tokens)-1].end }

// split cuts a text's tokens at the semicolons outside parentheses and outside
// BEGIN ATOMIC ... END. Empty statements are left out.
func split(src string, tokens []token) []piece {
	var pieces []piece
	first, depth, atomic := 0, 0, 0
	for i, t := range tokens {
		switch t.kind {
		case tokPunct:
			switch src[t.start] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			case ';':
				if depth > 0 || atomic > 0 {
					continue
				}
				if i > first {
					pieces = append(pieces, piece{tokens[first:i], t.end})
				}
				first, depth = i+1, 0
			}
		case tokIdent:
			atomic = atomicDepth(src, tokens[first:i+1], atomic)
		}
	}
	if first < len(tokens) {
		pieces = append(pieces, piece{tokens[first:], len(src)})
	}
	return pieces
}

// atomicDepth follows the body of a function in SQL's own spelling, whose
// semicolons do not end the statement.
func atomicDepth(src string, tokens []token, depth int) int {
	t := tokens[len(tokens)-1]
	n := t.end - t.start
	if depth == 0 && n != len("atomic") {
		return 0
	}
	word := src[t.start:t.end]
	switch {
	case depth == 0:
		if strings.EqualFold(word, "atomic") && len(tokens) > 2 && isWord(src, tokens[0], "create") &&
			isWord(src, tokens[len(tokens)-2], "begin") {
			return 1
		}
	case strings.EqualFold(word, "case"):
		return depth + 1
	case strings.EqualFold(word, "end"):
		return depth - 1
	}
	return depth
}

// isWord tells whether t is the unquoted word, given in lower case.
func isWord(src string, t token, word string) bool {
	return t.kind == tokIdent && t.end-t.start == len(word) && strings.EqualFold(src[t.start:t.end], word)
}
