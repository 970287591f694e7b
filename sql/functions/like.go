package functions

import (
	"bytes"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// likeFuncs is LIKE and its relatives. A pattern that is the same for all rows is
// compiled once: most are an equality, a prefix, a suffix or an infix.
func likeFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"text", "name", "bpchar"} {
		sig := t + ",text->bool"
		fs = append(fs, scalar("~~", sig, like(false, false)), scalar("!~~", sig, like(false, true)),
			scalar("~~*", sig, like(true, false)), scalar("!~~*", sig, like(true, true)))
	}
	return append(fs, scalar("~~", "bytea,bytea->bool", like(false, false)), scalar("!~~", "bytea,bytea->bool", like(false, true)),
		scalar("like_escape", "text,text->text", likeEscape), scalar("like_escape", "bytea,bytea->bytea", likeEscape))
}

var errLikeEscape = sqlerr.New(sqlerr.InvalidEscapeSequence, "LIKE pattern must not end with escape character")

// likePart is a run of characters between % signs; any marks a _.
type likePart struct {
	text []byte // without wildcards if any is nil
	any  []bool // by character; nil if there is no _
}

// likePattern is a compiled pattern: parts separated by %.
type likePattern struct {
	src        string
	parts      []likePart
	openLeft   bool // begins with %
	openRight  bool // ends with %
	fold       bool
	badEscape  bool
	buf        []byte
	compiledOK bool
}

// likeState keeps the last pattern of a place of call.
type likeState struct{ p likePattern }

func like(fold, neg bool) Kernel {
	return func(c *Call) {
		st, _ := c.State.(*likeState)
		if st == nil {
			st = new(likeState)
			c.State = st
		}
		a, b, out := c.strs(0), c.strs(1), c.Out.Bools
		p := &st.p
		for i := range out {
			if c.Skip.Get(i) {
				continue
			}
			if pat := b.at(i); !p.compiledOK || string(pat) != p.src {
				p.compile(pat, fold)
			}
			ok := p.match(a.at(i))
			if ok && p.badEscape {
				c.Fail(i, errLikeEscape)
			}
			out[i] = ok != neg
		}
	}
}

func (p *likePattern) compile(pat []byte, fold bool) {
	*p = likePattern{src: string(pat), fold: fold, compiledOK: true}
	s := pat
	if fold {
		s = appendLower(nil, pat)
	}
	var cur likePart
	open := true
	flush := func() {
		if !open {
			p.parts = append(p.parts, cur)
			cur, open = likePart{}, true
		}
	}
	for i := 0; i < len(s); {
		switch s[i] {
		case '%':
			flush()
			if len(p.parts) == 0 {
				p.openLeft = true
			}
			p.openRight = true
			i++
			continue
		case '_':
			cur.wild()
			i++
		case '\\':
			i++
			if i == len(s) { // reached if a character is left there: _%
				p.badEscape = true
				cur.wild()
				open = false
				flush()
				p.openRight = true
				continue
			}
			fallthrough
		default:
			_, w := utf8.DecodeRune(s[i:])
			cur.literal(s[i : i+w])
			i += w
		}
		open, p.openRight = false, false
	}
	flush()
}

// wild adds a _ to the part.
func (l *likePart) wild() {
	if l.any == nil {
		l.any = make([]bool, utf8.RuneCount(l.text))
	}
	l.text = append(l.text, '_')
	l.any = append(l.any, true)
}

func (l *likePart) literal(b []byte) {
	l.text = append(l.text, b...)
	if l.any != nil {
		l.any = append(l.any, false)
	}
}

// prefix reports whether s begins with the part and how many bytes it took.
func (l *likePart) prefix(s []byte) (int, bool) {
	if l.any == nil {
		return len(l.text), bytes.HasPrefix(s, l.text)
	}
	at, t := 0, l.text
	for _, any := range l.any {
		if at == len(s) {
			return 0, false
		}
		_, w := utf8.DecodeRune(s[at:])
		_, v := utf8.DecodeRune(t)
		if !any && !bytes.Equal(s[at:at+w], t[:v]) {
			return 0, false
		}
		at += w
		t = t[v:]
	}
	return at, true
}

// index finds the part in s.
func (l *likePart) index(s []byte) (pos, length int) {
	if l.any == nil {
		return bytes.Index(s, l.text), len(l.text)
	}
	for at := 0; at <= len(s); {
		if n, ok := l.prefix(s[at:]); ok {
			return at, n
		}
		if at == len(s) {
			break
		}
		_, w := utf8.DecodeRune(s[at:])
		at += w
	}
	return -1, 0
}

// suffix reports whether s ends with the part, with at least from bytes before it.
func (l *likePart) suffix(s []byte) bool {
	if l.any == nil {
		return bytes.HasSuffix(s, l.text)
	}
	at := len(s)
	for range l.any {
		if at == 0 {
			return false
		}
		_, w := utf8.DecodeLastRune(s[:at])
		at -= w
	}
	n, ok := l.prefix(s[at:])
	return ok && at+n == len(s)
}

// match finds the parts greedily from the left, the last one at the end. A pattern
// that ends in its escape character is an error only once matching gets there.
func (p *likePattern) match(s []byte) bool {
	if p.fold {
		p.buf = appendLower(p.buf[:0], s)
		s = p.buf
	}
	parts := p.parts
	if len(parts) == 0 {
		return p.openLeft || len(s) == 0
	}
	if !p.openLeft {
		n, ok := parts[0].prefix(s)
		if !ok {
			return false
		}
		s, parts = s[n:], parts[1:]
		if len(parts) == 0 {
			return p.openRight || len(s) == 0
		}
	}
	last := len(parts)
	if !p.openRight {
		last--
	}
	for k := range parts[:last] {
		j, n := parts[k].index(s)
		if j < 0 {
			return false
		}
		s = s[j+n:]
	}
	return p.openRight || parts[last].suffix(s)
}

var errEscapeString = sqlerr.New(sqlerr.InvalidEscapeSequence, "invalid escape string").
	WithHint("Escape string must be empty or one character.")

// likeEscape turns a pattern with another escape character (or none) into one with
// the backslash.
func likeEscape(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		pat, esc := a.at(i), b.at(i)
		if utf8.RuneCount(esc) > 1 {
			return nil, errEscapeString
		}
		if string(esc) == `\` {
			return append(dst, pat...), nil
		}
		for after := false; len(pat) > 0; {
			_, w := utf8.DecodeRune(pat)
			ch := pat[:w]
			pat = pat[w:]
			switch {
			case len(esc) > 0 && !after && bytes.Equal(ch, esc):
				dst, after = append(dst, '\\'), true
				continue
			case ch[0] == '\\' && !after:
				dst = append(dst, '\\')
			}
			dst, after = append(dst, ch...), false
		}
		return dst, nil
	})
}
