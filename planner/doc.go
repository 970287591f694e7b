// Package planner turns a statement into something that can be executed without
// knowing SQL: it binds names and types against a catalog snapshot, rewrites the
// logical plan (packages logical and rule), chooses physical nodes and cuts them into
// fragments (package physical). DDL becomes a list of catalog changes, DML a plan that
// yields the rows to retract and to insert.
//
// Errors are PostgreSQL's, with its SQLSTATE and the position of the offending token.
//
//	planned, err := planner.New(cat, planner.Options{SearchPath: path}).Statement(stmt, nil)
//	switch p := planned.(type) {
//	case *planner.Query: // run p.Plan, show p.Fields
package planner
