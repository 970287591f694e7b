package main

import (
	"bufio"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// splitter gathers lines and cuts them into statements at semicolons, but not within
// quotes, dollar quotes or comments.
type splitter struct {
	buf strings.Builder
	lex lexer
}

// lexer is where in SQL's lexical structure a text has got to.
type lexer struct {
	quote   byte   // ' or " or 0
	escapes bool   // within E''
	dollar  string // the tag of a dollar quote, with its dollars
	depth   int    // of block comments
}

// empty reports whether no statement has begun.
func (s *splitter) empty() bool {
	return s.lex == (lexer{}) && strings.TrimSpace(s.buf.String()) == ""
}

// rest returns what has no semicolon behind it.
func (s *splitter) rest() string {
	defer s.buf.Reset()
	return strings.TrimSpace(s.buf.String())
}

// add takes a line and returns the statements it completes, without semicolons.
func (s *splitter) add(line string) (stmts []string) {
	for i := 0; i < len(line); {
		n, end := s.lex.next(line[i:])
		if !end {
			s.buf.WriteString(line[i : i+n])
		} else if stmt := s.rest(); stmt != "" {
			stmts = append(stmts, stmt)
		}
		i += n
	}
	s.buf.WriteByte('\n')
	if s.empty() {
		s.buf.Reset()
	}
	return stmts
}

// next returns the length of the next piece of a line, and whether it is the end of a
// statement.
func (l *lexer) next(s string) (n int, end bool) {
	switch {
	case l.depth > 0:
		return l.comment(s), false
	case l.dollar != "":
		if strings.HasPrefix(s, l.dollar) {
			n = len(l.dollar)
			l.dollar = ""
			return n, false
		}
		return 1, false
	case l.quote != 0:
		return l.quoted(s), false
	}
	switch c := s[0]; {
	case c == '\'' || c == '"':
		l.quote = c
	case (c == 'e' || c == 'E') && len(s) > 1 && s[1] == '\'':
		l.quote, l.escapes = '\'', true
		return 2, false
	case c == '$':
		if tag := dollarTag(s); tag != "" {
			l.dollar = tag
			return len(tag), false
		}
	case strings.HasPrefix(s, "--"):
		return len(s), false
	case strings.HasPrefix(s, "/*"):
		return l.comment(s), false
	case isWord(c):
		for n < len(s) && (isWord(s[n]) || s[n] == '$') {
			n++
		}
		return n, false
	case c == ';':
		return 1, true
	}
	return 1, false
}

// comment takes a piece of a block comment; they nest.
func (l *lexer) comment(s string) int {
	switch {
	case strings.HasPrefix(s, "/*"):
		l.depth++
		return 2
	case strings.HasPrefix(s, "*/"):
		l.depth--
		return 2
	}
	return 1
}

// quoted takes a piece of a quoted string. A doubled quote ends it and begins another.
func (l *lexer) quoted(s string) int {
	if l.escapes && s[0] == '\\' && len(s) > 1 {
		return 2
	}
	if s[0] == l.quote {
		l.quote, l.escapes = 0, false
	}
	return 1
}

// dollarTag returns the opening of a dollar quote, or "".
func dollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] == '$' {
			return s[:i+1]
		}
		if !isWord(s[i]) || i == 1 && s[i] >= '0' && s[i] <= '9' {
			return ""
		}
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// lines reads lines of any length.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, 64<<10)} }

// next returns a line without its end; io.EOF comes alone.
func (l *lines) next() (string, error) {
	s, err := l.r.ReadString('\n')
	if err == io.EOF && s != "" {
		err = nil
	}
	return strings.TrimRight(s, "\r\n"), err
}

// prompt reads lines from the terminal, with editing and history. The terminal is raw
// only while it does.
type prompt struct {
	fd int
	t  *term.Terminal
}

func newPrompt() *prompt {
	rw := struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}
	return &prompt{fd: int(os.Stdin.Fd()), t: term.NewTerminal(rw, "")}
}

// line shows the prompt and reads a line; Ctrl-C and Ctrl-D end the input.
func (p *prompt) line(text string) (string, error) {
	old, err := term.MakeRaw(p.fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(p.fd, old) // the terminal is ours as long as we run
	if w, h, err := term.GetSize(p.fd); err == nil && w > 0 {
		if err := p.t.SetSize(w, h); err != nil {
			return "", err
		}
	}
	p.t.SetPrompt(text)
	return p.t.ReadLine()
}

// copyLines gives the lines behind COPY FROM STDIN up to \. or the end of the input.
type copyLines struct {
	line func(prompt string) (string, error)
	buf  []byte
	over bool
}

// Read implements io.Reader.
func (c *copyLines) Read(p []byte) (int, error) {
	if len(c.buf) == 0 && !c.over {
		s, err := c.line(">> ")
		switch {
		case err == io.EOF || err == nil && s == `\.`:
			c.over = true
		case err != nil:
			return 0, err
		default:
			c.buf = append(append(c.buf, s...), '\n')
		}
	}
	if len(c.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}
