//go:build !invariants

package chunk

const checked = false
