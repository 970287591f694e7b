// Package rule rewrites logical plans. A rule is named for its act and leaves the
// result of the query as it is; Rules lists them in the order in which they run.
package rule
