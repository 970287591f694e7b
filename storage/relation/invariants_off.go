//go:build !invariants

package relation

// checked turns costly checks on; tests set the build tag invariants.
const checked = false
