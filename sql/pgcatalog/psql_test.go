package pgcatalog

import (
	"os"
	"strings"
	"testing"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/parser"
	"streamdb/sql/pgcatalog/psqlcheck"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// fakeSession answers the session functions from an Env.
type fakeSession struct{ env *Env }

func (s fakeSession) Call(id string, args []types.Datum, argTypes []types.Type, _ types.Type) (types.Datum, error) {
	d, ok, err := Call(s.env, id, args, argTypes)
	if ok {
		return d, err
	}
	f := functions.ByID(id)
	if f.Name == "current_setting" && args[0].S == "server_version_num" {
		return types.Datum{S: "150014"}, nil
	}
	return d, sqlerr.New(sqlerr.FeatureNotSupported, "function %s is not supported here", id)
}

// database plans and runs queries over an Env, as a server would.
type database struct {
	env      *Env
	settings *types.Settings
	virtuals *catalog.Virtuals
}

// rows runs a query and gives its rows as psqlcheck wants them.
func (db *database) rows(sql string) (out []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = sqlerr.Internal("panic: %v", p)
		}
	}()
	s, err := parser.ParseOne(sql)
	if err != nil {
		return nil, err
	}
	planned, err := planner.New(db.env.Catalog, planner.Options{SearchPath: db.env.SearchPath, User: db.env.User,
		Database: db.env.Database, Settings: db.settings, Virtuals: db.virtuals}).Statement(s.AST, nil)
	if err != nil {
		return nil, err
	}
	q, ok := planned.(*planner.Query)
	if !ok {
		return nil, sqlerr.Unsupported("a statement other than a query", -1)
	}
	d, err := exec.New(q.Plan, exec.Options{Strict: true, Context: &expr.Ctx{Settings: db.settings, Session: fakeSession{db.env}}})
	if err != nil {
		return nil, err
	}
	for i, sc := range d.Scans() {
		c, err := Scan(sc.Virtual, db.env)
		if err != nil {
			return nil, err
		}
		cols := make([]int, len(sc.Columns))
		for k, id := range sc.Columns {
			cols[k] = id - 1
		}
		if err := d.Push(i, c.Project(cols)); err != nil {
			return nil, err
		}
	}
	r, err := d.Flush(exec.FlushInput{})
	if err != nil {
		return nil, err
	}
	return db.lines(r.Chunks, len(q.Fields)), nil
}

// lines writes the rows of chunks, adding up the weights of equal ones.
func (db *database) lines(chunks []*chunk.Chunk, fields int) []string {
	count := map[string]int64{}
	var order []string
	for _, c := range chunks {
		for i := range c.Rows {
			cells := make([]string, fields)
			for k := range cells {
				if col := c.Cols[k]; !col.IsNull(i) {
					cells[k] = string(types.AppendText(nil, col.Type, col.Datum(i), db.settings))
				}
			}
			line := strings.Join(cells, "|")
			if _, ok := count[line]; !ok {
				order = append(order, line)
			}
			count[line] += c.Weight(i)
		}
	}
	var out []string
	for _, line := range order {
		for range count[line] {
			out = append(out, strings.Split(line, "\n")...)
		}
	}
	return out
}

// Reasons for answers that are not PostgreSQL's.
const (
	recordedWithSource = "recorded with a foreign table"
	ownObjects         = "PostgreSQL's own objects"
	printed            = "views are shown as they were written"
)

// differs names the queries whose answers are not PostgreSQL's, and why.
var differs = map[string]string{
	"dA query 1": ownObjects, "dF query 1": ownObjects, "dL query 1": ownObjects, "db query 1": ownObjects,
	"dconfig query 1": ownObjects, "dew query 1": ownObjects, "df_pattern query 1": ownObjects, "dg query 1": ownObjects,
	"du query 1": ownObjects, "dx query 1": ownObjects, "l query 1": ownObjects, "da query 1": "descriptions are ours",
	"do query 1": ownObjects, "dT_int query 1": "no descriptions of types", "dn_plus query 1": "no access privileges yet",

	"dE_source query 1": recordedWithSource, "d_source query 1": recordedWithSource, "d_source query 2": recordedWithSource,
	"d_source query 3": recordedWithSource, "d_source query 7": recordedWithSource, "d_plus_source query 1": recordedWithSource,
	"d_plus_source query 2": recordedWithSource, "d_plus_source query 3": recordedWithSource, "d_plus_source query 7": recordedWithSource,
	"dbeaver query tables": recordedWithSource,

	"d_plus_view query 4": printed, "d_plus_matview query 8": printed, "sv query 2": printed,

	"tab_completion typed: drop schema ": ownObjects, `tab_completion typed: \df up`: ownObjects, `tab_completion typed: \df up (2)`: ownObjects,
	`tab_completion typed: \du `: ownObjects, `tab_completion typed: \c `: ownObjects,

	"dbeaver query databases": ownObjects, "dbeaver query schemas": ownObjects, "dbeaver query settings": ownObjects,
	"npgsql query version": ownObjects, "sqlalchemy query server version": ownObjects,
	"sqlalchemy query isolation": "answered by the session", "sqlalchemy query standard strings": "answered by the session",
}

// quietLive is a server with nobody but streamdb on it.
type quietLive struct{ fakeLive }

func (quietLive) Activity() []Activity                { return []Activity{{PID: 7, User: Owner, Database: Owner}} }
func (quietLive) Size(catalog.ID) (rows, bytes int64) { return 1, 8192 }

// TestWhatToolsAsk runs every recorded query over the sample catalog.
func TestWhatToolsAsk(t *testing.T) {
	env := sample(t)
	env.User, env.Database, env.Version = Owner, Owner, "15.18"
	env.Live = quietLive{}
	drop := []catalog.Change{{Drop: catalog.StreamdbID}} // PostgreSQL has none
	for _, d := range env.Catalog.All() {
		if d.Kind == catalog.KindSource || d.Kind == catalog.KindSink {
			drop = append(drop, catalog.Change{Drop: d.ID})
		}
	}
	var err error
	if env.Catalog, err = env.Catalog.With(drop...); err != nil {
		t.Fatal(err)
	}
	db := &database{env: env, settings: &types.Settings{Reg: env}, virtuals: catalog.NewVirtuals(Virtuals()...)}
	env.Virtuals = db.virtuals
	for _, dir := range []string{"psql", "tools"} {
		_, qs, err := psqlcheck.Load(os.DirFS("testdata/" + dir))
		if err != nil {
			t.Fatal(err)
		}
		results := psqlcheck.Run(qs, db.rows)
		for i := range results {
			r := &results[i]
			if why := differs[r.Name]; why == "" && !r.Same() {
				t.Errorf("%s", r)
			} else if why != "" && r.Same() {
				t.Errorf("%s is as PostgreSQL has it by now (%s)", r.Name, why)
			}
		}
	}
}
