// Package views measures what a further materialized view on a source costs, beside the
// first one: streamdb bench views.
package views
