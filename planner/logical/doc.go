// Package logical is a query as the binder leaves it and the rules rewrite it: a
// tree (or, where a subquery is shared, a directed acyclic graph) of relational
// nodes. LogicalScan is logical.Scan here, and so on; package physical has the same
// nouns.
//
// Columns are named by ids that are unique within a statement, not by position: an
// expr.Expr with OpColumn holds a ColID in Col. A node refers to columns that its
// inputs put out; a ColID that no input puts out is a correlation to an outer query
// and is only allowed below an Apply that supplies it. Only expressions may be
// correlated; the plain ColID fields of nodes (group keys, sort keys, …) always name
// columns of the node's input.
//
// Nodes are immutable once they have been handed on: rewriting makes new ones.
package logical
