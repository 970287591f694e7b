// Package expr is bound expressions as plain data and the only evaluator of them:
// maintained views, statements at the prompt and the planner's constant folding all
// run the same code.
package expr
