package functions

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// posixClasses are the bracket classes in Go's syntax.
var posixClasses = map[string]string{
	"alpha": `\pL`, "alnum": `\pL\pN`, "digit": `0-9`, "upper": `\p{Lu}`, "lower": `\p{Ll}`,
	"space": `\s\v`, "blank": ` \t`, "punct": "!-/:-@\\[-`{-~", "cntrl": `\x00-\x1f\x7f`,
	"xdigit": `0-9A-Fa-f`, "graph": `!-~\pL\pN`, "print": ` -~\pL\pN`, "word": `\pL\pN_`,
}

// bracket translates a bracket expression.
func (t *areTranslator) bracket() error {
	rest := t.src[t.pos:]
	for _, edge := range []string{"[[:<:]]", "[[:>:]]"} {
		if strings.HasPrefix(rest, edge) {
			t.pos += len(edge)
			if edge == "[[:<:]]" {
				return t.wordEdge(t.nextIsWord())
			}
			return t.wordEdge(t.prevWord)
		}
	}
	var b strings.Builder
	b.WriteByte('[')
	t.pos++
	if strings.HasPrefix(t.src[t.pos:], "^") {
		t.pos++
		b.WriteByte('^')
		if t.flags.newline || t.flags.partial {
			b.WriteString(`\n`)
		}
	}
	first := true
	for {
		if t.pos >= len(t.src) {
			return badRegex("brackets [] not balanced")
		}
		if t.src[t.pos] == ']' && !first {
			t.pos++
			break
		}
		first = false
		if err := t.bracketItem(&b); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	t.emit(b.String(), true, false)
	return nil
}

// bracketItem translates a class, a character or a range.
func (t *areTranslator) bracketItem(b *strings.Builder) error {
	rest := t.src[t.pos:]
	if strings.HasPrefix(rest, "[:") {
		end := strings.Index(rest, ":]")
		if end < 0 {
			return badRegex("brackets [] not balanced")
		}
		c, ok := posixClasses[rest[2:end]]
		if !ok {
			return badRegex("invalid character class")
		}
		t.pos += end + 2
		b.WriteString(c)
		return nil
	}
	if rest[0] == '\\' && len(rest) > 1 {
		if c, ok := classEscapes[rest[1]]; ok {
			if c[1] == "" {
				return badRegex("invalid escape \\ sequence")
			}
			t.pos += 2
			b.WriteString(c[1])
			return nil
		}
	}
	lo, err := t.bracketChar()
	if err != nil {
		return err
	}
	b.WriteString(lo)
	if rest := t.src[t.pos:]; len(rest) >= 2 && rest[0] == '-' && rest[1] != ']' {
		t.pos++
		hi, err := t.bracketChar()
		if err != nil {
			return err
		}
		b.WriteString("-" + hi)
	}
	return nil
}

// bracketChar reads one character inside brackets, quoted for Go.
func (t *areTranslator) bracketChar() (string, error) {
	rest := t.src[t.pos:]
	if rest == "" {
		return "", badRegex("brackets [] not balanced")
	}
	for _, q := range []string{".", "="} {
		if strings.HasPrefix(rest, "["+q) {
			end := strings.Index(rest, q+"]")
			if end < 0 {
				return "", badRegex("brackets [] not balanced")
			}
			name := rest[2:end]
			if utf8.RuneCountInString(name) != 1 {
				return "", badRegex("invalid collating element")
			}
			t.pos += end + 2
			return quoteInBracket(name), nil
		}
	}
	if rest[0] == '\\' {
		if len(rest) == 1 {
			return "", badRegex("invalid escape \\ sequence")
		}
		if c, n, err := t.charEscape(); err != nil || n > 0 {
			t.pos += n
			return c, err
		}
		t.pos++
		rest = rest[1:]
	}
	_, w := utf8.DecodeRuneInString(rest)
	t.pos += w
	return quoteInBracket(rest[:w]), nil
}

func quoteInBracket(s string) string {
	switch s {
	case "-", "^", "]", "[", "\\":
		return `\` + s
	}
	return regexp.QuoteMeta(s)
}
