// Package growth measures what a changed row costs as the base it meets grows, and what
// a group costs in memory and where its state is larger than that. The cost must follow the change, not the base.
package growth
