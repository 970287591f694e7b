package parser

import "strings"

// tokenKind classifies a token.
type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokIdent            // unquoted: a keyword or a name
	tokQuoted           // "name", U&"name"
	tokString           // '...', E'...', U&'...', N'...', $tag$...$tag$
	tokBits             // B'...', X'...'
	tokInt              // decimal, 0x, 0o, 0b, with underscores
	tokFloat            // with a point or an exponent
	tokParam            // $1
	tokOp               // an operator of one or more characters, :: := => included
	tokPunct            // one of , ( ) [ ] . ; : and ..
	tokBad              // unterminated, or no SQL character
)

// token is a token's kind and byte range in the text.
type token struct {
	kind       tokenKind
	start, end int
}

// scanner cuts text into tokens by the rules of PostgreSQL's scan.l. It accepts
// everything: what is no token becomes tokBad, for the grammar to complain
// about. It never looks at keywords.
type scanner struct {
	src string
	pos int // Invariant: 0 <= pos <= len(src)

	// inner are the comments passed inside literals continued behind them.
	inner []Range
}

// Character classes of scan.l.
const (
	classSpace = 1 << iota
	classIdentStart
	classDigit
	classOp
	classSelf
	classHex
)

var classes = func() (t [256]uint8) {
	mark := func(chars string, class uint8) {
		for i := 0; i < len(chars); i++ {
			t[chars[i]] |= class
		}
	}
	mark(" \t\n\r\f\v", classSpace)
	mark("0123456789", classDigit|classHex)
	mark("abcdefABCDEF", classHex)
	mark("~!@#^&|`?+-*/%<>=", classOp)
	mark(",()[].;:", classSelf)
	mark("_", classIdentStart)
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= classIdentStart
		t[c-'a'+'A'] |= classIdentStart
	}
	for c := 0x80; c <= 0xFF; c++ {
		t[c] |= classIdentStart
	}
	return t
}()

// at gives the byte i places ahead, 0 past the end.
func (s *scanner) at(i int) byte {
	if s.pos+i < len(s.src) {
		return s.src[s.pos+i]
	}
	return 0
}

// next gives the next token; after the last it gives tokEOF forever.
func (s *scanner) next() token {
	s.skipSpace()
	start := s.pos
	if start >= len(s.src) {
		return token{tokEOF, start, start}
	}
	kind := s.scan()
	return token{kind, start, s.pos}
}

// skipSpace passes white space and comments. An unterminated block comment is
// left where it is and scanned as tokBad.
func (s *scanner) skipSpace() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case classes[c]&classSpace != 0:
			s.pos++
		case c == '-' && s.at(1) == '-':
			s.skipLine()
		case c == '/' && s.at(1) == '*':
			if !s.skipBlock() {
				return
			}
		default:
			return
		}
	}
}

func (s *scanner) skipLine() {
	if n := strings.IndexAny(s.src[s.pos:], "\n\r"); n >= 0 {
		s.pos += n
	} else {
		s.pos = len(s.src)
	}
}

// skipBlock passes a block comment; they nest.
func (s *scanner) skipBlock() bool {
	depth := 0
	for i := s.pos; i+1 < len(s.src); {
		switch {
		case s.src[i] == '/' && s.src[i+1] == '*':
			depth++
			i += 2
		case s.src[i] == '*' && s.src[i+1] == '/':
			depth--
			i += 2
			if depth == 0 {
				s.pos = i
				return true
			}
		default:
			i++
		}
	}
	return false
}

// scan passes one token that begins at pos.
func (s *scanner) scan() tokenKind {
	c := s.src[s.pos]
	switch class := classes[c]; {
	case class&classIdentStart != 0:
		return s.word(c)
	case class&classDigit != 0, c == '.' && classes[s.at(1)]&classDigit != 0:
		return s.number()
	case c == '\'':
		s.pos++
		return s.quoted(tokString, false)
	case c == '"':
		s.pos++
		return s.delimited(tokQuoted)
	case c == '$':
		return s.dollar()
	case class&classOp != 0:
		return s.operator()
	case class&classSelf != 0:
		return s.punct(c)
	}
	s.pos++
	return tokBad
}

// word passes an identifier, or the literal that a prefix letter announces.
func (s *scanner) word(c byte) tokenKind {
	switch quote := s.at(1) == '\''; {
	case quote && (c == 'e' || c == 'E'):
		s.pos += 2
		return s.quoted(tokString, true)
	case quote && (c == 'n' || c == 'N'):
		s.pos += 2
		return s.quoted(tokString, false)
	case quote && (c == 'b' || c == 'B' || c == 'x' || c == 'X'):
		s.pos += 2
		return s.quoted(tokBits, false)
	case (c == 'u' || c == 'U') && s.at(1) == '&' && s.at(2) == '\'':
		s.pos += 3
		return s.quoted(tokString, false)
	case (c == 'u' || c == 'U') && s.at(1) == '&' && s.at(2) == '"':
		s.pos += 3
		return s.delimited(tokQuoted)
	}
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if classes[c]&(classIdentStart|classDigit) == 0 && c != '$' {
			break
		}
		s.pos++
	}
	return tokIdent
}

// quoted passes the rest of a string literal after its opening quote, with the
// pieces that continue it on later lines. In E'...' a backslash takes the next
// character with it.
func (s *scanner) quoted(kind tokenKind, escapes bool) tokenKind {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		s.pos++
		switch {
		case c == '\\' && escapes && s.pos < len(s.src):
			s.pos++
		case c != '\'':
		case s.at(0) == '\'':
			s.pos++
		case !s.continues():
			return kind
		}
	}
	return tokBad
}

// continues tells whether a literal goes on behind its closing quote: white
// space with a line break in it, then another quote. It passes that quote.
func (s *scanner) continues() bool {
	i, newline := s.pos, false
	var comments []Range
	for i < len(s.src) {
		switch c := s.src[i]; {
		case c == '\n' || c == '\r':
			newline = true
			i++
		case classes[c]&classSpace != 0:
			i++
		case c == '-' && i+1 < len(s.src) && s.src[i+1] == '-':
			n := strings.IndexAny(s.src[i:], "\n\r")
			if n < 0 {
				return false
			}
			comments = append(comments, Range{i, i + n})
			i += n
		case c == '\'' && newline:
			s.inner = append(s.inner, comments...)
			s.pos = i + 1
			return true
		default:
			return false
		}
	}
	return false
}

// delimited passes the rest of "name" after its opening quote.
func (s *scanner) delimited(kind tokenKind) tokenKind {
	for {
		n := strings.IndexByte(s.src[s.pos:], '"')
		if n < 0 {
			s.pos = len(s.src)
			return tokBad
		}
		s.pos += n + 1
		if s.at(0) != '"' {
			return kind
		}
		s.pos++
	}
}

// dollar passes a parameter or a dollar-quoted string.
func (s *scanner) dollar() tokenKind {
	if classes[s.at(1)]&classDigit != 0 {
		s.pos++
		s.digits(classDigit)
		return tokParam
	}
	n := 1
	for c := s.at(n); c != '$'; c = s.at(n) {
		if classes[c]&classIdentStart == 0 && (n == 1 || classes[c]&classDigit == 0) {
			s.pos++
			return tokBad
		}
		n++
	}
	tag := s.src[s.pos : s.pos+n+1]
	s.pos += len(tag)
	end := strings.Index(s.src[s.pos:], tag)
	if end < 0 {
		s.pos = len(s.src)
		return tokBad
	}
	s.pos += end + len(tag)
	return tokString
}

// digits passes digits of a class, single underscores between them allowed.
func (s *scanner) digits(class uint8) {
	for classes[s.at(0)]&class != 0 || s.at(0) == '_' && classes[s.at(1)]&class != 0 {
		s.pos++
	}
}

func (s *scanner) number() tokenKind {
	if s.at(0) == '0' {
		prefix := s.at(1) | 0x20
		first := 2
		if s.at(2) == '_' {
			first = 3
		}
		if (prefix == 'x' || prefix == 'o' || prefix == 'b') && classes[s.at(first)]&classHex != 0 {
			s.pos += first
			s.digits(classHex)
			return tokInt
		}
	}
	kind := tokInt
	s.digits(classDigit)
	if s.at(0) == '.' && s.at(1) != '.' { // 1..2 is 1, .., 2
		kind = tokFloat
		s.pos++
		if classes[s.at(0)]&classDigit != 0 {
			s.digits(classDigit)
		}
	}
	if s.at(0)|0x20 == 'e' {
		sign := 1
		if s.at(1) == '+' || s.at(1) == '-' {
			sign = 2
		}
		if classes[s.at(sign)]&classDigit != 0 {
			kind = tokFloat
			s.pos += sign
			s.digits(classDigit)
		}
	}
	return kind
}

// operator passes an operator: as many operator characters as there are, but
// not into a comment, and without + and - at the end unless there is a
// character in it that only operators of other systems have.
func (s *scanner) operator() tokenKind {
	if s.at(0) == '/' && s.at(1) == '*' { // skipSpace left it: it never ends
		s.pos = len(s.src)
		return tokBad
	}
	n, special := 0, false
	for n < len(s.src)-s.pos {
		c := s.at(n)
		if classes[c]&classOp == 0 || n > 0 && (c == '-' && s.at(n+1) == '-' || c == '/' && s.at(n+1) == '*') {
			break
		}
		special = special || strings.IndexByte("~!@#^&|`?%", c) >= 0
		n++
	}
	for !special && n > 1 && (s.at(n-1) == '+' || s.at(n-1) == '-') {
		n--
	}
	s.pos += n
	return tokOp
}

func (s *scanner) punct(c byte) tokenKind {
	s.pos++
	switch {
	case c == ':' && (s.at(0) == ':' || s.at(0) == '='):
		s.pos++
		return tokOp
	case c == '.' && s.at(0) == '.':
		s.pos++
	}
	return tokPunct
}

// scanAll gives all tokens of src without the final tokEOF.
func scanAll(src string) []token {
	s := scanner{src: src}
	tokens := make([]token, 0, len(src)/5+8)
	for t := s.next(); t.kind != tokEOF; t = s.next() {
		tokens = append(tokens, t)
	}
	return tokens
}
