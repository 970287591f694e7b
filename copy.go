package streamdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/format"
	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// copy runs COPY in either direction.
func (s *conn) copy(ctx context.Context, p *portal, st *ast.Copy, r session.Results) error {
	if st.File != "" || st.Program {
		return sqlerr.New(sqlerr.InsufficientPrivilege, "COPY to or from a file or program of the server is not allowed").
			WithHint("Use COPY … FROM STDIN or TO STDOUT; psql's \\copy does so.").At(st.Loc())
	}
	planned, err := s.plan(s.t, p.prep)
	if err != nil {
		return err
	}
	if err := s.checkWritable(planned); err != nil {
		return err
	}
	switch q := planned.(type) {
	case *planner.CopyIn:
		return s.copyIn(ctx, q, st, r)
	case *planner.Query:
		return s.copyOut(ctx, q.Fields, st, r, func(emit func(*chunk.Chunk) error) error {
			return s.runPlan(ctx, s.t, q.Plan, nil, func(c *chunk.Chunk) error { return emit(repeated(c)) })
		})
	case *planner.Subscribe:
		sub, err := s.newSubscription(ctx, q)
		if err != nil {
			return err
		}
		defer sub.close()
		return s.copyOut(ctx, subscribeFields(q), st, r, func(emit func(*chunk.Chunk) error) error {
			for {
				if err := sub.wait(ctx); err != nil {
					return err
				}
				if err := emit(sub.take(sub.ready.Rows)); err != nil {
					return err
				}
				if err := r.Flush(); err != nil {
					return err
				}
			}
		})
	case *planner.Insert, *planner.Update, *planner.Delete:
		return s.copyReturning(ctx, planned, st, p, r)
	}
	return sqlerr.Unsupported("COPY of this statement", st.Loc())
}

// copyReturning is COPY (INSERT … RETURNING …) TO STDOUT.
func (s *conn) copyReturning(ctx context.Context, planned planner.Planned, st *ast.Copy, p *portal, r session.Results) error {
	fields, _ := fieldsOf(planned)
	return s.copyOut(ctx, fields, st, r, func(emit func(*chunk.Chunk) error) error {
		return s.executePlanned(ctx, planned, p, &emitResults{Results: r, emit: emit})
	})
}

// emitResults hands rows to emit and swallows the rest.
type emitResults struct {
	session.Results
	emit func(*chunk.Chunk) error
}

// Fields swallows the columns.
func (e *emitResults) Fields([]session.Field) error { return nil }

// Chunk hands rows on.
func (e *emitResults) Chunk(c *chunk.Chunk) error { return e.emit(c) }

// Complete swallows the tag.
func (e *emitResults) Complete(string) error { return nil }

// copyOptions reads COPY's options.
func copyOptions(st *ast.Copy, columns []string) (format.CopyOptions, error) {
	csv, bin := false, false
	for _, o := range st.Options {
		if strings.EqualFold(o.Name, "format") {
			switch v := strings.ToLower(o.Value); v {
			case "csv":
				csv = true
			case "text":
			case "binary":
				bin = true
			default:
				return format.CopyOptions{}, sqlerr.New(sqlerr.InvalidParameterValue, "COPY format %q not recognized", v).At(o.Loc())
			}
		}
	}
	opt := format.DefaultCopy(csv)
	escape := false
	for i := range st.Options {
		if name := strings.ToUpper(st.Options[i].Name); bin && (name == "DELIMITER" || name == "NULL" || name == "HEADER") {
			return opt, sqlerr.New(sqlerr.SyntaxError, "cannot specify %s in BINARY mode", name).At(st.Options[i].Loc())
		}
		if err := setCopyOption(&opt, &st.Options[i], columns, st.From); err != nil {
			return opt, err
		}
		escape = escape || strings.EqualFold(st.Options[i].Name, "escape")
	}
	if csv && !escape {
		opt.Escape = opt.Quote
	}
	opt.Binary = bin
	return opt, opt.Validate()
}

func setCopyOption(opt *format.CopyOptions, o *ast.Option, columns []string, from bool) error {
	one := func(to *byte) error {
		v := o.Value
		if len(v) != 1 {
			return sqlerr.New(sqlerr.FeatureNotSupported, "COPY %s must be a single one-byte character", strings.ToLower(o.Name)).At(o.Loc())
		}
		*to = v[0]
		return nil
	}
	switch strings.ToLower(o.Name) {
	case "format", "freeze", "oids":
	case "delimiter":
		return one(&opt.Delimiter)
	case "quote":
		return one(&opt.Quote)
	case "escape":
		return one(&opt.Escape)
	case "null":
		opt.Null = o.Value
	case "encoding":
		if e := strings.ToLower(strings.ReplaceAll(o.Value, "-", "")); e != "utf8" {
			return sqlerr.Unsupported("COPY encoding "+o.Value, o.Loc())
		}
	case "header":
		switch v := strings.ToLower(o.Value); v {
		case "", "true", "on", "1":
			opt.Header = format.HeaderTrue
		case "false", "off", "0":
			opt.Header = format.HeaderNone
		case "match":
			if !from {
				return sqlerr.New(sqlerr.FeatureNotSupported, "cannot use \"match\" with HEADER in COPY TO").At(o.Loc())
			}
			opt.Header = format.HeaderMatch
		default:
			return sqlerr.New(sqlerr.SyntaxError, "header requires a Boolean value or \"match\"").At(o.Loc())
		}
	case "force_quote", "force_not_null", "force_null":
		return forceColumns(opt, o, columns)
	default:
		return sqlerr.New(sqlerr.SyntaxError, "option %q not recognized", o.Name).At(o.Loc())
	}
	return nil
}

func forceColumns(opt *format.CopyOptions, o *ast.Option, columns []string) error {
	names := o.List
	if len(names) == 1 && names[0] == "*" {
		if strings.EqualFold(o.Name, "force_quote") {
			opt.ForceQuoteAll = true
			return nil
		}
		names = columns
	}
	set := make([]bool, len(columns))
	for _, n := range names {
		found := false
		for i, c := range columns {
			if c == n {
				set[i], found = true, true
			}
		}
		if !found {
			return sqlerr.New(sqlerr.InvalidColumnReference, "%s column %q not referenced by COPY", strings.ToUpper(o.Name), n).At(o.Loc())
		}
	}
	switch strings.ToLower(o.Name) {
	case "force_quote":
		opt.ForceQuote = set
	case "force_null":
		opt.ForceNull = set
	default:
		opt.ForceNotNull = set
	}
	return nil
}

// spec describes the rows of a COPY.
func (s *conn) copySpec(name string, fields []planner.Field) format.Spec {
	sp := format.Spec{Relation: name, Settings: s.set.types()}
	for _, f := range fields {
		sp.Schema, sp.Columns = append(sp.Schema, f.Type), append(sp.Columns, f.Name)
	}
	return sp
}

// copyOut sends what run emits in COPY's format.
func (s *conn) copyOut(_ context.Context, fields []planner.Field, st *ast.Copy, r session.Results, run func(emit func(*chunk.Chunk) error) error) error {
	sp := s.copySpec("", fields)
	opt, err := copyOptions(st, sp.Columns)
	if err != nil {
		return err
	}
	var enc format.Encoder = format.NewCopyEncoder(sp, opt)
	if opt.Binary {
		enc = format.NewBinaryEncoder(sp)
	}
	w, err := r.CopyOut(session.CopyFormat{Columns: len(fields), Binary: opt.Binary})
	if err != nil {
		return err
	}
	head := enc.AppendHeader(nil)
	if len(head) > 0 && !opt.Binary { // a binary header goes with the first row, as PostgreSQL's does
		if _, err := w.Write(head); err != nil {
			return err
		}
		head = nil
	}
	n := 0
	var buf []byte
	var ends []int
	err = run(func(c *chunk.Chunk) error {
		for _, col := range c.Cols {
			if err := expr.FirstError(col); err != nil {
				return err
			}
		}
		n += c.Rows
		if buf, ends, err = enc.AppendChunk(append(buf[:0], head...), c, ends[:0]); err != nil {
			return err
		}
		if len(ends) > 0 {
			head = nil
		}
		return w.WriteRows(buf, ends)
	})
	if err != nil {
		return err
	}
	if tail := enc.AppendTrailer(head); len(tail) > 0 {
		if _, err := w.Write(tail); err != nil {
			return err
		}
	}
	return r.Complete(fmt.Sprintf("COPY %d", n))
}

// copyIn reads rows from the client into a table.
func (s *conn) copyIn(ctx context.Context, q *planner.CopyIn, st *ast.Copy, r session.Results) error {
	sp := s.copySpec(q.Table.Name, q.Fields)
	opt, err := copyOptions(st, sp.Columns)
	if err != nil {
		return err
	}
	var dec format.Decoder = format.NewCopyDecoder(sp, opt)
	if opt.Binary {
		dec = format.NewBinaryDecoder(sp)
	}
	in, err := r.CopyIn(session.CopyFormat{Columns: len(q.Fields), Binary: opt.Binary})
	if err != nil {
		return err
	}
	c := &copyRun{s: s, ctx: ctx, q: q}
	if err := c.compile(); err != nil {
		return err
	}
	buf := make([]byte, 128<<10)
	for {
		n, rerr := in.Read(buf)
		if n > 0 {
			if err := dec.Feed(buf[:n]); err != nil {
				return err
			}
		}
		if rerr != nil && !errors.Is(rerr, io.EOF) {
			return rerr
		}
		if rerr != nil {
			if err := dec.Finish(); err != nil {
				return err
			}
		}
		if dec.Rows() >= chunk.RowsMax*4 || rerr != nil && dec.Rows() > 0 {
			rows, _ := dec.Take()
			if err := c.write(rows); err != nil {
				return err
			}
		}
		if rerr != nil {
			return r.Complete(fmt.Sprintf("COPY %d", c.n))
		}
	}
}

// copyRun turns the rows read by COPY into rows of the table.
type copyRun struct {
	s     *conn
	ctx   context.Context
	q     *planner.CopyIn
	row   []*expr.Program
	where *expr.Program
	n     int
}

func (c *copyRun) compile() (err error) {
	if c.row, err = expr.CompileAll(c.q.Row); err != nil {
		return err
	}
	if c.q.Where != nil {
		c.where, err = expr.Compile(c.q.Where)
	}
	return err
}

func (c *copyRun) write(in *chunk.Chunk) error {
	if in == nil || in.Rows == 0 {
		return nil
	}
	ev := c.s.evalCtx(c.ctx, c.s.t)
	rows := &chunk.Chunk{Rows: in.Rows}
	for _, p := range c.row {
		col := p.Eval(ev, in)
		if err := expr.FirstError(col); err != nil {
			return err
		}
		rows.Cols = append(rows.Cols, col.Clone())
	}
	if c.where != nil {
		sel, errs := c.where.EvalFilter(ev, rows)
		if len(errs) > 0 {
			return errs[0].Err
		}
		rows = rows.Gather(append([]int32(nil), sel...))
	}
	if err := c.s.checkRows(c.ctx, c.q.Table, rows, c.q.Checks); err != nil {
		return err
	}
	t, err := c.s.t.stored(c.q.Table.ID)
	if err != nil {
		return err
	}
	c.n += rows.Rows
	return c.s.t.write(t, rows)
}
