package planner

import (
	"time"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/window"
)

// windowsMax bounds the windows that one row may lie in.
const windowsMax = 1 << 16

const microsPerDay = 86_400_000_000

// windowTVF binds TUMBLE, HOP and CUMULATE in FROM.
func (b *binder) windowTVF(w *ast.WindowTVF, outer *scope) (*fromItem, error) {
	if w.Kind == ast.Session {
		return b.session(w, outer)
	}
	if len(w.PartitionBy) > 0 {
		return nil, sqlerr.Unsupported("PARTITION BY of "+w.Kind.String(), b.pos(w)).
			WithHint("Windows of fixed times are the same for all rows: group by the columns instead.")
	}
	in, node, time, err := b.windowInput(w, outer)
	if err != nil {
		return nil, err
	}
	spec, err := b.windowSpec(w, time.Type.Kind == types.KindTimestampTZ)
	if err != nil {
		return nil, err
	}
	n := &logical.HopWindow{Input: node, Time: time.Col, Slide: spec.Slide, Size: spec.Size, Offset: spec.Offset,
		Cumulate: spec.Cumulate, Calendar: spec.Calendar}
	t := time.Type.Base()
	n.Start, n.End, n.WindowTime = b.meta.Add("window_start", t), b.meta.Add("window_end", t), b.meta.Add("window_time", t)
	return b.windowItem(w, in, n, n.Windows(), outer)
}

// windowInput binds the relation of a window function and its time. A date counts as its
// midnight.
func (b *binder) windowInput(w *ast.WindowTVF, outer *scope) (*fromItem, logical.Node, *expr.Expr, error) {
	in, err := b.fromRef(w.Input, outer, outer)
	if err != nil {
		return nil, nil, nil, err
	}
	x := &exprCtx{b: b, scope: in.scope, clause: "FROM"}
	time, err := x.column(w.Time)
	if err != nil {
		return nil, nil, nil, err
	}
	node := in.node
	switch time.Type.Kind {
	case types.KindTimestamp, types.KindTimestampTZ:
	case types.KindDate:
		cast, err := b.coerce(time, types.Timestamp, functions.Implicit)
		if err != nil {
			return nil, nil, nil, err
		}
		p := &logical.Project{Input: node}
		for _, id := range node.Cols() {
			p.Out, p.Exprs = append(p.Out, id), append(p.Exprs, b.meta.Ref(id))
		}
		id := b.meta.Add("time", types.Timestamp)
		p.Out, p.Exprs = append(p.Out, id), append(p.Exprs, cast)
		node, time = p, b.meta.Ref(id)
	default:
		return nil, nil, nil, sqlerr.New(sqlerr.DatatypeMismatch, "the time column of a window must be of type timestamp, timestamptz or date, not %s",
			functions.TypeName(time.Type)).At(b.pos(w.Time))
	}
	return in, node, time, nil
}

// windowItem gives the input's columns and those of the window n, ids. The window's time can
// be named, but is not part of *. Columns that the input has by these names, being windows
// itself, are hidden.
func (b *binder) windowItem(w *ast.WindowTVF, in *fromItem, n logical.Node, ids []logical.ColID, outer *scope) (*fromItem, error) {
	r := &relation{node: n}
	for _, c := range in.scope.cols {
		if c.name != "window_start" && c.name != "window_end" && c.name != "window_time" {
			r.cols = append(r.cols, c)
		}
	}
	r.cols = append(r.cols, &scopeCol{name: "window_start", id: ids[0]},
		&scopeCol{name: "window_end", id: ids[1]}, &scopeCol{name: "window_time", id: ids[2], hidden: true})
	name := ""
	if len(in.scope.tables) == 1 {
		name = in.scope.tables[0].name
	}
	it, err := b.item(r, name, w.Alias, outer, b.pos(w))
	if err == nil && len(in.scope.tables) == 1 {
		it.scope.tables[0].windowOf = in.scope.tables[0].rel
	}
	return it, err
}

// windowLengths is the arguments of a window function.
type windowLengths struct {
	b                   *binder
	w                   *ast.WindowTVF
	slide, size, offset types.Interval
	zone                string // of timestamptz, empty for UTC
}

// windowSpec reads the lengths of a window. Months and, in a time zone that is not UTC,
// whole days are those of the calendar; hours and what is shorter is time elapsed.
func (b *binder) windowSpec(w *ast.WindowTVF, zoned bool) (window.Spec, error) {
	l := &windowLengths{b: b, w: w}
	var err error
	if l.size, err = b.constLength(w.Size, "window size"); err != nil {
		return window.Spec{}, err
	}
	l.slide = l.size
	if w.Slide != nil {
		what := "window slide"
		if w.Kind == ast.Cumulate {
			what = "window step"
		}
		if l.slide, err = b.constLength(w.Slide, what); err != nil {
			return window.Spec{}, err
		}
	}
	if w.WindowOff != nil {
		if l.offset, err = b.constInterval(w.WindowOff, "window offset"); err != nil {
			return window.Spec{}, err
		}
	}
	if zoned {
		if l.zone, err = b.windowZone(w); err != nil {
			return window.Spec{}, err
		}
	}
	switch {
	case l.size.Months > 0:
		return l.monthly()
	case l.slide.Months > 0:
		return window.Spec{}, l.refuse(w.Slide, "a window of days or less cannot move by months")
	case l.offset.Months != 0:
		return window.Spec{}, l.refuse(w.WindowOff, "the offset of a window of days or less must not contain months or years")
	case l.zone != "" && l.size.Micros == 0 && (w.Kind == ast.Cumulate || l.slide.Micros == 0):
		return l.daily()
	}
	return l.fixed()
}

func (l *windowLengths) refuse(at ast.Expr, format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, format, args...).At(l.b.pos(at))
}

// windowZone names the time zone that calendar windows of a timestamptz are in.
func (b *binder) windowZone(w *ast.WindowTVF) (string, error) {
	loc := b.p.opts.Settings.TimeZone
	if loc == nil || loc == time.UTC {
		return "", nil
	}
	name := loc.String()
	if found, err := types.LoadZone(name); err != nil || found.String() != name {
		return "", sqlerr.Unsupported("windows of a timestamptz in time zone "+name, b.pos(w))
	}
	if name == "UTC" {
		return "", nil
	}
	return name, nil
}

// monthly reads windows of months.
func (l *windowLengths) monthly() (window.Spec, error) {
	c := &window.Calendar{SizeMonths: int64(l.size.Months), OffsetMonths: int64(l.offset.Months), OffsetDays: int64(l.offset.Days), Zone: l.zone}
	s := window.Spec{Calendar: c, Cumulate: l.w.Kind == ast.Cumulate}
	s.Offset = l.offset.Micros
	switch {
	case l.slide.Months > 0:
		c.SlideMonths = int64(l.slide.Months)
		if s.Cumulate && c.SizeMonths%c.SlideMonths != 0 {
			return s, l.uneven()
		}
	case !s.Cumulate:
		return s, l.refuse(l.w.Slide, "a window of months must move by months").
			WithHint("CUMULATE grows windows of months by days or hours.")
	case l.slide.Micros == 0:
		c.SlideDays = int64(l.slide.Days)
	default:
		s.Slide = micros(l.slide)
	}
	return s, l.tooMany(float64(l.size.Months)*31*microsPerDay, float64(l.slide.Months)*28*microsPerDay+float64(micros(l.slide)))
}

// daily reads windows of days in a time zone.
func (l *windowLengths) daily() (window.Spec, error) {
	c := &window.Calendar{SizeDays: int64(l.size.Days), OffsetDays: int64(l.offset.Days), Zone: l.zone}
	s := window.Spec{Calendar: c, Cumulate: l.w.Kind == ast.Cumulate}
	s.Offset = l.offset.Micros
	if l.slide.Micros != 0 {
		s.Slide = micros(l.slide)
	} else {
		c.SlideDays = int64(l.slide.Days)
		if s.Cumulate && c.SizeDays%c.SlideDays != 0 {
			return s, l.uneven()
		}
	}
	return s, l.tooMany(float64(micros(l.size)), float64(micros(l.slide)))
}

// fixed reads windows of a fixed length; a day is 24 hours.
func (l *windowLengths) fixed() (window.Spec, error) {
	s := window.Spec{Hop: window.Hop{Slide: micros(l.slide), Size: micros(l.size), Offset: micros(l.offset)}, Cumulate: l.w.Kind == ast.Cumulate}
	if s.Cumulate && s.Size%s.Slide != 0 {
		return s, l.uneven()
	}
	return s, l.tooMany(float64(s.Size), float64(s.Slide))
}

func (l *windowLengths) uneven() error {
	return l.refuse(l.w.Size, "the size of a cumulating window must be a multiple of its step")
}

func (l *windowLengths) tooMany(size, slide float64) error {
	if size/slide > windowsMax {
		return l.refuse(l.w.Slide, "a row would lie in more than %d windows", windowsMax)
	}
	return nil
}

// micros is an interval without months, its days taken for 24 hours.
func micros(v types.Interval) int64 { return int64(v.Days)*microsPerDay + v.Micros }

// constLength evaluates a positive length: months, or days and less.
func (b *binder) constLength(e ast.Expr, what string) (types.Interval, error) {
	v, err := b.constInterval(e, what)
	if err != nil {
		return v, err
	}
	switch {
	case v.Months != 0 && (v.Days != 0 || v.Micros != 0):
		err = sqlerr.New(sqlerr.InvalidParameterValue, "%s must not mix months with days or hours", what).At(b.pos(e))
	case v.Months < 0, v.Months == 0 && micros(v) <= 0:
		err = sqlerr.New(sqlerr.InvalidParameterValue, "%s must be positive", what).At(b.pos(e))
	case v.Months > 120_000, v.Days > 3_650_000, v.Micros > 3_650_000*microsPerDay, v.Days < 0, v.Micros < 0:
		err = sqlerr.New(sqlerr.InvalidParameterValue, "%s is out of range", what).At(b.pos(e))
	}
	return v, err
}

// constInterval evaluates a constant interval.
func (b *binder) constInterval(e ast.Expr, what string) (types.Interval, error) {
	x := &exprCtx{b: b, scope: &scope{}, clause: what, noSubqueries: true}
	v, err := x.bind(e)
	if err != nil {
		return types.Interval{}, err
	}
	if v, err = b.coerce(v, types.IntervalT, 0); err != nil {
		return types.Interval{}, err
	}
	v = b.foldAll(v)
	if !v.IsConst() || v.Val.Null {
		return types.Interval{}, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be a constant interval", what).At(b.pos(e))
	}
	return v.Val.V, nil
}
