package parser

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// parseStatement parses one statement, by hand or through libpg_query.
func parseStatement(src string, p piece) (ast.Statement, error) {
	f := newFront(src, p)
	f.innerComments()
	if parse := ownStatement(&f.cursor); parse != nil {
		s := parse(&f.cursor)
		if f.err == nil {
			f.expectEnd()
		}
		return s, f.err
	}
	switch {
	case f.sees("create", "sink"), f.sees("create", "or", "replace", "sink"):
		return f.createSink()
	case f.sees("create"):
		f.create()
	case f.sees("alter"), f.sees("drop"), f.sees("comment", "on"):
		f.otherKind()
	case f.sees("copy"):
		f.copySubscribe()
	case f.sees("fetch"), f.sees("move"):
		f.fetchOptions()
	case f.sees("declare"):
		f.declareSubscribe()
	default:
		f.query()
	}
	if f.err != nil {
		return nil, f.err
	}
	return parsePostgres(f.result(), f.base, &f.notes)
}

// ownStatement finds the parser of a statement that has no PostgreSQL body, by
// its first words.
func ownStatement(c *cursor) func(*cursor) ast.Statement {
	switch {
	case c.sees("show"):
		return (*cursor).show
	case c.sees("describe"), c.sees("desc"):
		return (*cursor).describe
	case c.sees("flush"):
		return (*cursor).flush
	case c.sees("subscribe"):
		return func(c *cursor) ast.Statement { return c.subscribe() }
	case c.sees("verify"):
		return (*cursor).verify
	case c.sees("explain"):
		return (*cursor).explain
	case c.seesAlterWatermark():
		return (*cursor).alterWatermark
	}
	return nil
}

// subQuery parses the query in tokens [from, to) with everything a query may
// hold here.
func (c *cursor) subQuery(from, to int) *ast.Select {
	if from >= to {
		c.syntaxError()
		return nil
	}
	s, err := parseStatement(c.src, piece{c.tokens[from:to], c.tokens[to-1].end})
	if err != nil {
		c.fail(err)
		return nil
	}
	q, ok := s.(*ast.Select)
	if !ok {
		c.fail(syntaxErrorAt(c.src, c.tokens[from]))
	}
	return q
}

func (c *cursor) flush() ast.Statement {
	s := &ast.Flush{Pos: c.pos()}
	c.expect("flush")
	return s
}

func (c *cursor) describe() ast.Statement {
	s := &ast.Describe{Pos: c.pos()}
	c.i++
	for _, words := range [][]string{{"table"}, {"view"}, {"materialized", "view"}, {"source"}, {"sink"}} {
		if c.sees(words...) && c.peekAt(len(words)).kind != tokEOF {
			c.i += len(words)
			break
		}
	}
	s.Name = c.name()
	return s
}

func (c *cursor) verify() ast.Statement {
	s := &ast.Verify{Pos: c.pos(), Kind: ast.KindMaterializedView}
	c.expect("verify")
	if !c.accept("materialized", "view") {
		c.accept("view")
	}
	s.Name = c.name()
	return s
}

// objectWords are the kinds of objects by their words, singular.
var objectWords = []struct {
	words []string
	kind  ast.ObjectKind
}{
	{[]string{"table"}, ast.KindTable},
	{[]string{"view"}, ast.KindView},
	{[]string{"materialized", "view"}, ast.KindMaterializedView},
	{[]string{"source"}, ast.KindSource},
	{[]string{"sink"}, ast.KindSink},
	{[]string{"index"}, ast.KindIndex},
	{[]string{"sequence"}, ast.KindSequence},
	{[]string{"schema"}, ast.KindSchema},
	{[]string{"database"}, ast.KindDatabase},
	{[]string{"column"}, ast.KindColumn},
	{[]string{"role"}, ast.KindRole},
	{[]string{"function"}, ast.KindFunction},
}

// objectKind passes an object's kind, singular or plural.
func (c *cursor) objectKind(plural bool) ast.ObjectKind {
	for _, o := range objectWords {
		words := o.words
		if plural {
			words = append(append([]string{}, words[:len(words)-1]...), words[len(words)-1]+"s")
			if o.kind == ast.KindIndex {
				words[0] = "indexes"
			}
		}
		if c.accept(words...) {
			return o.kind
		}
	}
	if plural && c.accept("indices") {
		return ast.KindIndex
	}
	return ast.KindUnknown
}

func (c *cursor) show() ast.Statement {
	at := c.pos()
	c.expect("show")
	if c.accept("create") {
		s := &ast.ShowCreate{Pos: at, Kind: c.objectKind(false)}
		if s.Kind == ast.KindUnknown {
			c.syntaxError()
		}
		s.Name = c.name()
		return s
	}
	if kind := c.objectKind(true); kind != ast.KindUnknown {
		return c.showObjects(at, kind)
	}
	switch {
	case c.accept("time", "zone"):
		return &ast.Show{Pos: at, Name: "timezone"}
	case c.accept("transaction", "isolation", "level"):
		return &ast.Show{Pos: at, Name: "transaction_isolation"}
	case c.accept("session", "authorization"):
		return &ast.Show{Pos: at, Name: "session_authorization"}
	case c.accept("all"):
		return &ast.Show{Pos: at, Name: "all"}
	}
	name := c.word(false)
	for c.err == nil && c.acceptPunct('.') {
		name += "." + c.word(true)
	}
	return &ast.Show{Pos: at, Name: strings.ToLower(name)}
}

func (c *cursor) showObjects(at ast.Pos, kind ast.ObjectKind) ast.Statement {
	s := &ast.ShowObjects{Pos: at, Kind: kind}
	if c.accept("from") || c.accept("in") {
		n := c.name()
		s.From = &n
	} else if kind == ast.KindColumn {
		c.syntaxError()
	}
	if c.accept("like") {
		s.Like = c.str()
	}
	return s
}

// subscribe parses SUBSCRIBE [TO] relation | (query) [WITH (options)].
func (c *cursor) subscribe() *ast.Subscribe {
	s := &ast.Subscribe{Pos: c.pos(), Snapshot: true}
	c.expect("subscribe")
	c.accept("to")
	if c.seesPunct('(') {
		first := c.i + 1
		c.skipParens()
		if c.err == nil {
			s.Query = c.subQuery(first, c.i-1)
		}
	} else {
		n := c.name()
		s.Name = &n
	}
	for _, words := range [][]string{{"as", "of"}, {"up", "to"}, {"envelope"}, {"within"}} {
		if c.sees(words...) {
			c.fail(sqlerr.Unsupported(strings.ToUpper(strings.Join(words, " "))+" in SUBSCRIBE", c.peek().start))
		}
	}
	if c.err == nil && c.accept("with") {
		c.subscribeOptions(s, c.options())
	}
	return s
}

func (c *cursor) subscribeOptions(s *ast.Subscribe, options []ast.Option) {
	for i := range options {
		o := &options[i]
		value, ok := o.Bool()
		if !ok {
			c.fail(sqlerr.New(sqlerr.SyntaxError, "%s requires a Boolean value", o.Name).At(o.ValuePos.Loc()))
		}
		switch o.Name {
		case "snapshot":
			s.Snapshot = value
		case "progress":
			s.Progress = value
		default:
			c.fail(sqlerr.Syntax(o.Loc(), "unrecognized SUBSCRIBE option %q", o.Name))
		}
	}
}

// explain parses EXPLAIN's head, and what it explains as a statement of its own.
func (c *cursor) explain() ast.Statement {
	s := &ast.Explain{Pos: c.pos()}
	c.expect("explain")
	if c.accept("analyze") || c.accept("analyse") {
		s.Analyze = true
	}
	s.Verbose = c.accept("verbose")
	if next := c.peekAt(1); c.seesPunct('(') && !s.Analyze && !s.Verbose && c.src[min(next.start, len(c.src)-1)] != '(' &&
		!isWord(c.src, next, "select") && !isWord(c.src, next, "values") && !isWord(c.src, next, "with") &&
		!isWord(c.src, next, "table") {
		c.explainOptions(s)
	}
	if c.err != nil || c.done() || c.sees("explain") {
		c.syntaxError()
		return s
	}
	if c.explainsObject() {
		s.Kind = c.objectKind(false)
		n := c.name()
		s.Object = &n
		return s
	}
	at := c.i
	stmt, err := parseStatement(c.src, piece{c.tokens[at:], c.end})
	if err != nil {
		c.fail(err)
		return s
	}
	if !explainable(stmt) {
		c.syntaxError()
	}
	c.i = len(c.tokens)
	s.Stmt = stmt
	return s
}

func (c *cursor) explainsObject() bool {
	return c.sees("materialized", "view") || c.sees("view") || c.sees("sink") || c.sees("index") || c.sees("source")
}

func (c *cursor) explainOptions(s *ast.Explain) {
	for _, o := range c.options() {
		value, ok := o.Bool()
		switch o.Name {
		case "analyze", "verbose":
			if !ok {
				c.fail(sqlerr.New(sqlerr.SyntaxError, "%s requires a Boolean value", o.Name).At(o.ValuePos.Loc()))
			}
			if o.Name == "analyze" {
				s.Analyze = value
			} else {
				s.Verbose = value
			}
		default:
			s.Options = append(s.Options, o)
		}
	}
}

func explainable(s ast.Statement) bool {
	switch s := s.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete, *ast.DeclareCursor, *ast.CreateMaterializedView,
		*ast.CreateView, *ast.CreateSink, *ast.CreateIndex, *ast.Execute, *ast.Subscribe:
		return true
	case *ast.CreateTable:
		return s.As != nil
	}
	return false
}

// copySubscribe makes COPY (SUBSCRIBE ...) a COPY (SELECT) for the grammar.
func (f *front) copySubscribe() {
	if t := f.peekAt(1); t.kind == tokPunct && f.src[t.start] == '(' && isWord(f.src, f.peekAt(2), "subscribe") {
		last := f.matching(f.i + 1)
		if last < 0 {
			f.i = len(f.tokens)
			f.syntaxError()
			return
		}
		f.takeSubscribe(f.i+2, last)
	}
	f.query()
}

// declareSubscribe makes DECLARE c CURSOR FOR SUBSCRIBE ... one FOR SELECT.
func (f *front) declareSubscribe() {
	for i := f.i + 2; i+1 < len(f.tokens) && i < f.i+12; i++ {
		if isWord(f.src, f.tokens[i], "for") && isWord(f.src, f.tokens[i+1], "subscribe") {
			f.takeSubscribe(i+1, len(f.tokens))
			f.i = len(f.tokens)
			return
		}
	}
	f.query()
}

func (f *front) takeSubscribe(first, end int) {
	sub := cursor{src: f.src, tokens: f.tokens[first:end], end: f.tokens[end-1].end}
	s := sub.subscribe()
	if sub.err == nil {
		sub.expectEnd()
	}
	f.fail(sub.err)
	f.notes.subscribe = s
	f.blank(first, end)
	f.put(first, "SELECT")
	f.i = end
}

// createSink parses CREATE SINK's head here; a query after AS goes to the
// grammar with the head blanked.
func (f *front) createSink() (ast.Statement, error) {
	s := &ast.CreateSink{Pos: f.pos()}
	f.expect("create")
	if t := f.peek(); f.accept("or", "replace") {
		f.fail(sqlerr.Unsupported("CREATE OR REPLACE SINK", t.start))
	}
	f.expect("sink")
	s.IfNotExists = f.ifNotExists()
	s.Name = f.name()
	if f.accept("into") {
		n := f.name()
		s.Into = &n
	}
	f.tail = true
	switch {
	case f.err != nil:
	case f.accept("from"):
		n := f.name()
		s.From = &n
		f.query() // takes the clauses; anything else is left over
		f.leftOver()
	case f.accept("as"):
		f.blank(0, f.i)
		first := f.i
		f.query()
		if f.err == nil && first == len(f.tokens) {
			f.syntaxError()
		}
		if f.err == nil {
			s.Query = f.sinkQuery(f.tokens[first])
		}
	default:
		f.syntaxError()
	}
	s.Emit, s.Options, s.Format = f.notes.emit, f.notes.options, f.notes.format
	return s, f.err
}

// leftOver complains about the first token behind FROM name that no clause took.
func (f *front) leftOver() {
	for i := range f.tokens {
		t := f.tokens[i]
		if f.err == nil && isWord(f.src, t, "from") {
			f.i = i + 1
			f.name()
			break
		}
	}
	for ; f.i < len(f.tokens) && f.err == nil; f.i++ {
		if f.buf == nil || f.buf[f.peek().start-f.base] != ' ' {
			f.syntaxError()
		}
	}
}

func (f *front) sinkQuery(first token) *ast.Select {
	stmt, err := parsePostgres(f.result(), f.base, &notes{partitionBy: f.notes.partitionBy, asofs: f.notes.asofs, asOf: f.notes.asOf})
	if err != nil {
		f.fail(err)
		return nil
	}
	q, ok := stmt.(*ast.Select)
	if !ok {
		f.fail(syntaxErrorAt(f.src, first))
	}
	return q
}
