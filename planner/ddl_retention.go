package planner

import (
	"slices"
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
)

// retentionOption is the option by which an append-only table forgets old rows.
const retentionOption = "retention"

// takeRetention takes the retention out of a table's options. It is looked at when the watermarks are there.
func (t *tableBuilder) takeRetention(opts []ast.Option) []ast.Option {
	if t.d.Kind != catalog.KindTable {
		return opts
	}
	t.retain = ast.FindOption(opts, retentionOption)
	if t.retain == nil {
		return opts
	}
	return slices.DeleteFunc(slices.Clone(opts), func(o ast.Option) bool { return o.Name == retentionOption })
}

// setRetention gives the table a retention, or none with 'none'. It goes by the watermark that is declared first.
func (t *tableBuilder) setRetention(o *ast.Option) error {
	tab := t.d.Table
	if strings.EqualFold(o.Value, "none") {
		return t.resetRetention()
	}
	us, err := t.b.optionInterval(o)
	if err != nil {
		return err
	}
	if !tab.AppendOnly {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "retention needs a table that is declared APPEND ONLY").
			WithHint("A materialized view with WHERE ts > now() - INTERVAL '…' shows the rows of the last time only.").At(t.b.pos(o))
	}
	if len(tab.Watermarks) == 0 {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "retention needs a watermark, which tells how old rows are").
			WithHint("Declare one on the event time; or, for the time of insertion, " +
				"arrived timestamptz DEFAULT now(), WATERMARK FOR arrived AS arrived - INTERVAL '1 minute'.").At(t.b.pos(o))
	}
	column := tab.Watermarks[0].Column
	if r := tab.Retention; r != nil && tab.WatermarkOf(r.Column) != nil {
		column = r.Column // the rows lie in its order
	}
	tab.Retention = &catalog.Retention{Column: column, Micros: us}
	if tab.Options == nil {
		tab.Options = map[string]string{}
	}
	tab.Options[retentionOption] = o.Value
	return nil
}

func (t *tableBuilder) resetRetention() error {
	if t.d.Table.Retention != nil {
		t.d.Table.Retention.Micros = 0
	}
	delete(t.d.Table.Options, retentionOption)
	return nil
}

// alterOptions plans SET (…) and RESET (…) of a table.
func (t *tableBuilder) alterOptions(a *ast.SetOptions) error {
	for i := range a.Options {
		o := &a.Options[i]
		var err error
		switch {
		case o.Name != retentionOption:
			err = sqlerr.Unsupported("the option "+o.Name+" of a table", t.b.pos(o))
		case a.Reset:
			err = t.resetRetention()
		default:
			err = t.setRetention(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// retentionNeeds refuses to take the watermark away by which the retention goes.
func (t *tableBuilder) retentionNeeds(column int, name string, pos int) error {
	if r := t.d.Table.Retention; r == nil || r.Micros == 0 || r.Column != column {
		return nil
	}
	return sqlerr.New(sqlerr.DependentObjectsStillExist, "the retention of table %q goes by the watermark for column %q", t.d.Name, name).
		WithHint("ALTER TABLE %s RESET (retention) first.", catalog.QuoteIdent(t.d.Name)).At(pos)
}
