package functions

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// regexFlags is the options of a regular expression and of the functions over it.
type regexFlags struct {
	fold      bool // i
	newline   bool // n, m: ^ and $ at lines, . and [^…] not over a newline
	partial   bool // p: . and [^…] not over a newline, but ^ and $ at the ends only
	weird     bool // w: ^ and $ at lines only
	expanded  bool // x
	literal   bool // q
	global    bool // g
	nonGreedy bool // found while translating
	greedy    bool // the same: a quantifier that varies, or an alternative, both of which prefer the longest
}

// badRegex is PostgreSQL's error for a pattern that is wrong.
func badRegex(what string) error {
	return sqlerr.New(sqlerr.InvalidRegularExpression, "invalid regular expression: %s", what)
}

func regexUnsupported(what string) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "%s in regular expressions is not supported", what)
}

// setOption applies one option letter.
func (f *regexFlags) setOption(b byte) bool {
	switch b {
	case 'i':
		f.fold = true
	case 'c':
		f.fold = false
	case 'n', 'm':
		f.newline, f.partial, f.weird = true, false, false
	case 's':
		f.newline, f.partial, f.weird = false, false, false
	case 'p':
		f.newline, f.partial, f.weird = false, true, false
	case 'w':
		f.newline, f.partial, f.weird = false, false, true
	case 'x':
		f.expanded = true
	case 't':
		f.expanded = false
	case 'q':
		f.literal = true
	case 'e':
		f.literal = false
	default:
		return false
	}
	return true
}

// compileARE compiles a pattern in PostgreSQL's advanced syntax. Matching is
// leftmost-longest, as POSIX has it, unless the pattern has a non-greedy quantifier:
// then it is leftmost-first.
func compileARE(pat string, f *regexFlags) (*regexp.Regexp, error) {
	pat, err := directors(pat, f)
	if err != nil {
		return nil, err
	}
	var body string
	if f.literal {
		body = regexp.QuoteMeta(pat)
	} else {
		t := areTranslator{src: pat, flags: f}
		if body, err = t.translate(); err != nil {
			return nil, err
		}
	}
	re, cerr := regexp.Compile("(?" + f.goFlags() + ")" + body)
	if cerr != nil {
		return nil, goRegexError(cerr)
	}
	if !f.nonGreedy {
		re.Longest()
	}
	return re, nil
}

func (f *regexFlags) goFlags() string {
	s := ""
	if f.fold {
		s = "i"
	}
	if f.newline || f.weird {
		s += "m"
	}
	if !f.newline && !f.partial {
		s += "s"
	}
	if s == "" {
		s = "-s"
	}
	return s
}

func goRegexError(err error) error {
	var se *syntax.Error
	if e, ok := err.(*syntax.Error); ok {
		se = e
	} else {
		return badRegex(err.Error())
	}
	switch se.Code {
	case syntax.ErrMissingParen, syntax.ErrUnexpectedParen:
		return badRegex("parentheses () not balanced")
	case syntax.ErrMissingBracket:
		return badRegex("brackets [] not balanced")
	case syntax.ErrMissingRepeatArgument, syntax.ErrInvalidRepeatOp:
		return badRegex("quantifier operand invalid")
	case syntax.ErrInvalidRepeatSize:
		return badRegex("invalid repetition count(s)")
	case syntax.ErrInvalidCharRange:
		return badRegex("invalid character range")
	case syntax.ErrTrailingBackslash:
		return badRegex("invalid escape \\ sequence")
	case syntax.ErrLarge, syntax.ErrNestingDepth:
		return badRegex("regular expression is too complex")
	}
	return badRegex(se.Code.String())
}

// directors reads "***:" or "***=" and embedded options "(?i)" at the start.
func directors(pat string, f *regexFlags) (string, error) {
	if strings.HasPrefix(pat, "***=") {
		f.literal = true
		return pat[4:], nil
	}
	pat = strings.TrimPrefix(pat, "***:")
	if strings.HasPrefix(pat, "***") {
		return "", badRegex("quantifier operand invalid")
	}
	if f.literal || !strings.HasPrefix(pat, "(?") || len(pat) < 3 || pat[2] < 'a' || pat[2] > 'z' {
		return pat, nil
	}
	end := strings.IndexByte(pat, ')')
	if end < 0 {
		return "", badRegex("invalid embedded option")
	}
	for i := 2; i < end; i++ {
		if !f.setOption(pat[i]) {
			return "", badRegex("invalid embedded option")
		}
	}
	return pat[end+1:], nil
}

// areTranslator rewrites an advanced regular expression in Go's syntax.
type areTranslator struct {
	src   string
	pos   int
	out   strings.Builder
	flags *regexFlags
	depth int
	// atom is set when something precedes that a quantifier may follow; quantified
	// when that has a quantifier already.
	atom, quantified bool
	// prevWord is set when the last atom is a literal word character.
	prevWord bool
}

func (t *areTranslator) translate() (string, error) {
	for t.pos < len(t.src) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	if t.depth > 0 {
		return "", badRegex("parentheses () not balanced")
	}
	return t.out.String(), nil
}

func (t *areTranslator) step() error {
	b := t.src[t.pos]
	switch b {
	case '\\':
		return t.escape()
	case '[':
		return t.bracket()
	case '(':
		return t.group()
	case ')':
		if t.depth == 0 {
			return badRegex("parentheses () not balanced")
		}
		t.depth--
		t.emit(")", true, false)
		t.pos++
	case '|':
		t.emit("|", false, false)
		t.flags.greedy = true
		t.pos++
	case '*', '+', '?':
		t.pos++
		return t.quantifier(string(b))
	case '{':
		return t.repeat()
	case '^', '$':
		t.emit(string(b), false, false)
		t.pos++
	case '.':
		t.emit(".", true, false)
		t.pos++
	default:
		if t.flags.expanded && t.skipExpanded(b) {
			return nil
		}
		r, w := utf8.DecodeRuneInString(t.src[t.pos:])
		t.pos += w
		t.emit(regexp.QuoteMeta(string(r)), true, isWord(r))
	}
	return nil
}

func isWord(r rune) bool { return r == '_' || isAlnum(r) }

// skipExpanded skips white space and comments of the expanded syntax.
func (t *areTranslator) skipExpanded(b byte) bool {
	switch b {
	case ' ', '\t', '\n', '\r', '\f', '\v':
		t.pos++
		return true
	case '#':
		for t.pos < len(t.src) && t.src[t.pos] != '\n' {
			t.pos++
		}
		return true
	}
	return false
}

func (t *areTranslator) emit(s string, atom, word bool) {
	t.out.WriteString(s)
	t.atom, t.quantified, t.prevWord = atom, false, word
}

func (t *areTranslator) quantifier(q string) error {
	if !t.atom || t.quantified {
		return badRegex("quantifier operand invalid")
	}
	t.out.WriteString(q)
	if t.pos < len(t.src) && t.src[t.pos] == '?' {
		t.pos++
		t.out.WriteByte('?')
		t.flags.nonGreedy = true
	} else if q[0] != '{' || strings.Contains(q, ",") {
		t.flags.greedy = true
	}
	t.quantified, t.prevWord = true, false
	return nil
}

// repeat is {m}, {m,} or {m,n}; another { is itself.
func (t *areTranslator) repeat() error {
	rest := t.src[t.pos+1:]
	if rest == "" || rest[0] < '0' || rest[0] > '9' {
		t.pos++
		t.emit(`\{`, true, false)
		return nil
	}
	end := strings.IndexByte(rest, '}')
	if end < 0 {
		return badRegex("braces {} not balanced")
	}
	lo, hi, comma := strings.Cut(rest[:end], ",")
	m, err := strconv.Atoi(lo)
	if err != nil || m > 255 {
		return badRegex("invalid repetition count(s)")
	}
	if comma && hi != "" {
		n, err := strconv.Atoi(hi)
		if err != nil || n > 255 || n < m {
			return badRegex("invalid repetition count(s)")
		}
	}
	t.pos += end + 2
	return t.quantifier("{" + rest[:end] + "}")
}

func (t *areTranslator) group() error {
	rest := t.src[t.pos:]
	switch {
	case strings.HasPrefix(rest, "(?:"):
		t.pos += 3
		t.emit("(?:", false, false)
	case strings.HasPrefix(rest, "(?#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return badRegex("parentheses () not balanced")
		}
		t.pos += end + 1
		return nil
	case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") || strings.HasPrefix(rest, "(?<"):
		return regexUnsupported("looking around")
	case strings.HasPrefix(rest, "(?"):
		return badRegex("quantifier operand invalid")
	default:
		t.pos++
		t.emit("(", false, false)
	}
	t.depth++
	return nil
}

// classEscapes maps escapes that stand for a class, outside and inside brackets.
var classEscapes = map[byte][2]string{
	'd': {`\d`, `\d`}, 'D': {`\D`, `\D`}, 's': {`[\s\v]`, `\s\v`}, 'S': {`[^\s\v]`, ``},
	'w': {`[\pL\pN_]`, `\pL\pN_`}, 'W': {`[^\pL\pN_]`, ``},
}

// charEscapes maps escapes that stand for one character.
var charEscapes = map[byte]string{
	'a': `\x07`, 'b': `\x08`, 'B': `\\`, 'e': `\x1b`, 'f': `\f`, 'n': `\n`, 'r': `\r`, 't': `\t`, 'v': `\v`, '0': `\x00`,
}

func (t *areTranslator) escape() error {
	if t.pos+1 >= len(t.src) {
		return badRegex("invalid escape \\ sequence")
	}
	b := t.src[t.pos+1]
	if c, ok := classEscapes[b]; ok {
		t.pos += 2
		t.emit(c[0], true, b == 'w' || b == 'd')
		return nil
	}
	if c, n, err := t.charEscape(); err != nil {
		return err
	} else if n > 0 {
		t.pos += n
		t.emit(c, true, false)
		return nil
	}
	t.pos += 2
	switch b {
	case 'A':
		t.emit(`\A`, false, false)
	case 'Z':
		t.emit(`\z`, false, false)
	case 'y':
		t.emit(`\b`, false, false)
	case 'Y':
		t.emit(`\B`, false, false)
	case 'm':
		return t.wordEdge(t.nextIsWord())
	case 'M':
		return t.wordEdge(t.prevWord)
	default:
		if b >= '1' && b <= '9' {
			return regexUnsupported("back reference")
		}
		if b < utf8.RuneSelf && isAlnum(rune(b)) {
			return badRegex("invalid escape \\ sequence")
		}
		r, w := utf8.DecodeRuneInString(t.src[t.pos-1:])
		t.pos += w - 1
		t.emit(regexp.QuoteMeta(string(r)), true, false)
	}
	return nil
}

// wordEdge writes a word's start or end, which Go's syntax has only as "either",
// where the neighbouring atom leaves one of them.
func (t *areTranslator) wordEdge(sure bool) error {
	if !sure {
		return regexUnsupported("\\m or \\M beside something else than a word character")
	}
	t.emit(`\b`, false, t.prevWord)
	return nil
}

func (t *areTranslator) nextIsWord() bool {
	rest := t.src[t.pos:]
	if strings.HasPrefix(rest, `\w`) || strings.HasPrefix(rest, `\d`) {
		return true
	}
	rest = strings.TrimLeft(rest, "(")
	rest = strings.TrimPrefix(rest, "?:")
	r, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && isWord(r)
}

// charEscape reads an escape for one character at pos; n is its length, 0 for none.
func (t *areTranslator) charEscape() (s string, n int, err error) {
	rest := t.src[t.pos:]
	b := rest[1]
	digits := 0
	switch b {
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case 'x':
		k := 2
		for k < len(rest) && isHex(rest[k]) {
			k++
		}
		digits = k - 2
		if digits == 0 {
			return "", 0, badRegex("invalid escape \\ sequence")
		}
	case 'c':
		if len(rest) < 3 {
			return "", 0, badRegex("invalid escape \\ sequence")
		}
		return `\x` + strconv.FormatInt(int64(rest[2]&31)|0x100, 16)[1:], 3, nil
	}
	if digits > 0 {
		if len(rest) < 2+digits {
			return "", 0, badRegex("invalid escape \\ sequence")
		}
		v, perr := strconv.ParseUint(rest[2:2+digits], 16, 32)
		if perr != nil || v > utf8.MaxRune {
			return "", 0, badRegex("invalid escape \\ sequence")
		}
		return `\x{` + strconv.FormatUint(v, 16) + `}`, 2 + digits, nil
	}
	if c, ok := charEscapes[b]; ok {
		return c, 2, nil
	}
	return "", 0, nil
}
