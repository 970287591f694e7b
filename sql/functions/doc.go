// Package functions is the one table of what SQL expressions may call: scalar
// functions, operators, casts, aggregates and set-returning functions, each with its
// signature, its rules and, but for aggregates, its kernel.
//
// A kernel computes a whole column. The columns it is given have one slot per row, or
// one slot that stands for every row (a constant); NULLs of strict functions and
// errors of arguments are dealt with before it runs, by Call.Run. The names are
// resolved by Resolve and FindCast exactly as PostgreSQL resolves them; a plan holds
// the ID only.
//
// One file holds one family of functions; families.go lists them.
package functions
