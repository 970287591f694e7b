//go:build invariants

package relation

const checked = true
