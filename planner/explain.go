package planner

import (
	"encoding/json"
	"strings"

	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// ExplainFormat is how EXPLAIN writes a plan.
type ExplainFormat string

// The formats of EXPLAIN.
const (
	ExplainText ExplainFormat = "text"
	ExplainJSON ExplainFormat = "json"
)

// Actual is what one node of a plan did.
type Actual struct {
	Rows       int64 // emitted
	Nanos      int64 // spent in the node itself
	StateBytes int64
}

// Explain shows a plan.
type Explain struct {
	Info
	// Plan is what is shown, nil for a statement without one.
	Plan *physical.Plan
	// Analyze asks for what the nodes have done: those of Target, which is to be run for
	// it, or those of the running Object.
	Analyze bool
	Target  Planned
	Object  *catalog.Descriptor
	Format  ExplainFormat
	// Timing and Summary add times to what ANALYZE shows.
	Timing, Summary bool

	stage   string   // physical or fragments; logical in lines
	logical []string // the logical plan
	head    string   // what is done with the rows, as "Insert on t"
	cat     *catalog.Catalog
}

// explain plans EXPLAIN: the text of the physical plan, or of the logical one, or of
// the fragments it is cut into.
func (p *Planner) explain(s *ast.Explain, paramTypes []types.Type) (Planned, error) {
	e := &Explain{Analyze: s.Analyze, Format: ExplainText, Timing: true, Summary: true, stage: "physical", cat: p.cat}
	if err := e.options(s.Options); err != nil {
		return nil, err
	}
	if s.Object != nil {
		return e, p.explainObject(s, e)
	}
	target, err := p.Statement(s.Stmt, paramTypes)
	if err != nil {
		return nil, err
	}
	switch target.(type) {
	case *Query, *Insert, *Update, *Delete:
	default:
		if s.Analyze {
			return nil, sqlerr.Unsupported("EXPLAIN ANALYZE of "+s.Stmt.Tag(), s.Stmt.Loc())
		}
	}
	e.Info, e.Target = *target.Common(), target
	e.Tag = "EXPLAIN"
	e.Plan, e.head = planOf(target), headOf(target)
	if e.stage == "logical" {
		e.logical, err = p.explainLogical(s.Stmt, paramTypes)
	}
	return e, err
}

func (e *Explain) options(opts []ast.Option) error {
	for i := range opts {
		o := &opts[i]
		on, ok := o.Bool()
		on = on || !ok
		switch o.Name {
		case "logical", "physical", "fragments":
			if on {
				e.stage = o.Name
			}
		case "timing":
			e.Timing = on
		case "summary":
			e.Summary = on
		case "costs", "verbose", "buffers", "settings", "wal", "generic_plan":
		case "format":
			e.Format = ExplainFormat(strings.ToLower(o.Value))
			if e.Format != ExplainText && e.Format != ExplainJSON {
				return sqlerr.Unsupported("EXPLAIN (FORMAT "+o.Value+")", o.Loc())
			}
		default:
			return sqlerr.New(sqlerr.SyntaxError, "unrecognized EXPLAIN option %q", o.Name).At(o.Loc())
		}
	}
	return nil
}

// explainObject shows the plan that a materialized view or sink runs.
func (p *Planner) explainObject(s *ast.Explain, e *Explain) error {
	kind := catalog.KindMatView
	if s.Kind == ast.KindSink {
		kind = catalog.KindSink
	}
	d, err := p.cat.Object(p.path, catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}, kind)
	if err != nil {
		return sqlerr.As(err).At(s.Object.Loc())
	}
	if e.stage == "logical" {
		return sqlerr.Unsupported("EXPLAIN (LOGICAL) of what runs", s.Loc())
	}
	e.Object, e.Plan = d, new(physical.Plan)
	if err := json.Unmarshal(d.Query().Plan, e.Plan); err != nil {
		return sqlerr.Internal("plan of %s: %v", d.Name, err)
	}
	e.Tag, e.CatalogVersion = "EXPLAIN", p.cat.Version()
	return nil
}

// Render writes the plan, in JSON as one string of many lines. actual is what each node
// of Plan did, nil if nothing was run; summary are further lines, each a name and a
// value.
func (e *Explain) Render(actual []Actual, summary [][2]any) ([]string, error) {
	if e.Format == ExplainJSON {
		s, err := e.json(actual, summary)
		return []string{s}, err
	}
	var lines []string
	switch {
	case e.logical != nil:
		lines = e.logical
	case e.Plan == nil:
		lines = []string{e.Target.Common().Tag}
	case e.stage == "fragments":
		lines = FormatFragments(e.Plan, e.cat)
	default:
		lines = e.tree(actual)
	}
	for _, s := range summary {
		lines = append(lines, summaryText(s))
	}
	return lines, nil
}

// planOf finds the main plan of a statement, nil if it has none.
func planOf(p Planned) *physical.Plan {
	switch p := p.(type) {
	case *Query:
		return p.Plan
	case *Insert:
		return p.Plan
	case *Update:
		return p.Plan
	case *Delete:
		return p.Plan
	case *Subscribe:
		return p.Plan
	case *DDL:
		if p.Plan == nil {
			return p.Fill
		}
		return p.Plan
	}
	return nil
}

// headOf says what a statement does with the rows of its plan, "" if it returns them.
func headOf(p Planned) string {
	switch p := p.(type) {
	case *Insert:
		return "Insert on " + p.Table.Name
	case *Update:
		return "Update on " + p.Table.Name
	case *Delete:
		return "Delete on " + p.Table.Name
	}
	return ""
}
